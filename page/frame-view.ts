/** What stands around every place of the page: the head with the host's health, the navigation, the banners. Pure. */
import { agoText, clockText, countText } from './format.ts';
import { h } from './node.ts';
import type { Child, ViewNode } from './node.ts';
import { sectionOf } from './route.ts';
import type { Section } from './route.ts';
import type { State, Trouble } from './state.ts';
import { icon, pill } from './words.ts';
import type { Look } from './words.ts';

const sections: readonly { readonly section: Section; readonly label: string; readonly key: string }[] = [
  { section: 'overview', label: 'Overview', key: 'o' },
  { section: 'incidents', label: 'Incidents', key: 'i' },
  { section: 'charts', label: 'Charts', key: 'c' },
  { section: 'builds', label: 'Builds', key: 'b' },
];

export function navigation(state: State): readonly Child[] {
  const here = sectionOf(state.route);
  const open = [...state.incidents.values()].filter(({ outcome }) => outcome === 'open').length;
  return sections.map(({ section, label, key }) =>
    h(
      'a',
      {
        href: `#/${section}`,
        class: 'tab',
        'aria-current': here === section ? 'page' : undefined,
        'aria-keyshortcuts': key,
      },
      label,
      section === 'incidents' && open > 0
        ? h('span', { class: 'count', title: `${open} open` }, open, h('span', { class: 'hidden' }, ' open'))
        : null,
    ),
  );
}

/** Is what is shown live, is the hypervisor there, who is looking. */
export function health(state: State): readonly (Child | null)[] {
  const { status, session } = state;
  return [
    pill(linkLook(state), 'link'),
    status === null
      ? null
      : pill(
          status.hypervisor.state === 'up'
            ? { word: 'libvirt up', tone: 'ok' }
            : { word: 'libvirt down', tone: 'bad' },
        ),
    status === null
      ? null
      : h(
          'span',
          { class: 'fact', title: status.hypervisor.acceleratorReason },
          status.hypervisor.accelerator === 'kvm' ? 'KVM' : 'emulated (no KVM)',
        ),
    session.kind === 'known'
      ? h('span', { class: 'fact' }, session.role === 'operate' ? 'operator' : 'look only')
      : null,
  ];
}

function linkLook({ link }: State): Look {
  switch (link.kind) {
    case 'live':
      return { word: 'live', tone: 'ok' };
    case 'connecting':
      return { word: 'connecting', tone: 'busy' };
    case 'lost':
      return { word: `not live since ${clockText(link.sinceMs)}`, tone: 'bad' };
  }
}

/** What must not be overlooked, above everything else. */
export function banners(state: State): readonly (Child | null)[] {
  const { link, status, trouble } = state;
  return [
    link.kind === 'lost'
      ? banner('lost', 'bad', [
          h('strong', {}, `Not live since ${clockText(link.sinceMs)}. `),
          'What is below is as it was then. pcloud-cped does not answer; it is tried again all the time. The machines run on without it. On the host: ',
          h('code', {}, 'systemctl status pcloud-cped.service'),
        ])
      : null,
    link.kind !== 'lost' && status?.hypervisor.state === 'down'
      ? banner('libvirt', 'warn', [
          h('strong', {}, 'libvirt does not answer. '),
          'Nothing is started, stopped or fenced until it is back; applications in running machines are still mended. On the host: ',
          h('code', {}, 'systemctl status libvirtd'),
        ])
      : null,
    link.kind !== 'lost' && trouble !== null ? banner('trouble', 'bad', troubleText(trouble)) : null,
  ];
}

function banner(key: string, tone: 'bad' | 'warn', content: readonly Child[]): ViewNode {
  return h('div', { key, class: `banner tone-${tone}` }, icon(tone), h('p', {}, content));
}

export function troubleText({ message, hint }: Trouble): readonly Child[] {
  return [h('strong', {}, message), hint === undefined ? null : ` ${hint}`].filter((one) => one !== null);
}

export function foot({ status, nowMs }: State): readonly Child[] {
  if (status === null) return [];
  return [
    `pcloud-cped ${status.version}, up since ${agoText(status.startedAtMs, nowMs)}. `,
    h('span', { class: 'quiet' }, status.hypervisor.uri),
  ];
}

/** The page's title: trouble shows in the browser's row of tabs. */
export function titleOf(state: State): string {
  const name = 'Pacemaker Cloud';
  if (state.link.kind === 'lost') return `not live – ${name}`;
  const bad = (state.deployables ?? []).filter((one) => one.state === 'blocked').length;
  const busy = (state.deployables ?? []).filter((one) => one.state === 'recovering').length;
  if (bad > 0) return `${countText(bad, 'deployable')} blocked – ${name}`;
  return busy > 0 ? `recovering ${countText(busy, 'deployable')} – ${name}` : name;
}

/** A place whose data is still on its way: its heading is there from the start, for whoever goes by headings. */
export function loadingPlace(title: string): readonly ViewNode[] {
  return [
    h('header', { class: 'place' }, h('h1', { tabindex: '-1' }, title)),
    h('p', { class: 'loading' }, 'Asking the service…'),
  ];
}

/** Where there is nothing to show: what it would be, and the next command to type; `h1` where it is all there is. */
export function emptyState(
  title: string,
  text: string,
  commands: readonly string[] = [],
  heading: 'h1' | 'h2' = 'h2',
): ViewNode {
  return h(
    'div',
    { class: 'empty' },
    h(heading, heading === 'h1' ? { tabindex: '-1' } : {}, title),
    h('p', {}, text),
    commands.length === 0
      ? null
      : h('pre', { tabindex: '0', 'aria-label': 'Commands for pcloudsh' }, commands.join('\n')),
  );
}

/** Names and values; those without a value are left out. */
export function factList(entries: readonly (readonly [string, Child | readonly Child[] | null])[]): ViewNode {
  return h(
    'dl',
    { class: 'facts' },
    entries.map(([name, value]) =>
      value === null ? null : h('div', {}, h('dt', {}, name), h('dd', {}, value)),
    ),
  );
}
