/**
 * The picture: each deployable with its machines and what runs in them, in the order of their start, with its
 * state, what is being done about it, and what an operator may do. Pure; the arrows between the cards are drawn
 * by `arrows.ts`, which has to measure them.
 */
import type { AssemblyStatus, DeployableStatus } from '../model/cped-api.ts';
import type { EscalationPolicy } from '../model/definition.ts';
import { offersOf } from './actions.ts';
import type { Offer } from './actions.ts';
import { coarse, countText, forText, untilText } from './format.ts';
import { arrowsOf, stepsOf } from './graph.ts';
import { h } from './node.ts';
import type { Child, ViewNode } from './node.ts';
import { incidentHref, machineHref } from './route.ts';
import type { State } from './state.ts';
import { emptyState } from './frame-view.ts';
import { journalView } from './incidents-view.ts';
import { assemblyLook, deployableLook, icon, pill, resourceLook } from './words.ts';
import type { Tone } from './words.ts';

export function overviewView(state: State): readonly Child[] {
  const { deployables } = state;
  const heading = h('h1', { class: 'hidden', tabindex: '-1' }, 'Overview');
  if (deployables === null) return [heading, h('p', { class: 'loading' }, 'Asking the service…')];
  const loose = state.assemblies.filter(({ deployable }) => deployable === null);
  return [
    heading,
    deployables.length === 0 && loose.length === 0 ? nothingDefined() : summary(state, deployables),
    ...mostUrgentFirst(deployables).map((deployable) => deployableView(state, deployable)),
    loose.length === 0 ? null : looseView(state, loose),
    deployables.length === 0 ? null : journalView(state, 12),
  ].filter((one) => one !== null);
}

function nothingDefined(): ViewNode {
  return emptyState(
    'No deployables yet',
    'A deployable is the machines of one service. Define the first one in pcloudsh on the host; it appears here by itself:',
    [
      'jeos_create debian12 x86_64',
      'assembly_create web1 debian12 x86_64',
      'assembly_resource_add site httpd web1',
      'deployable_create shop',
      'deployable_assembly_add shop web1',
      'deployable_start shop',
    ],
  );
}

const toneOrder: readonly Tone[] = ['bad', 'warn', 'busy'];

/** What needs a person stands first, then what is being mended, then the rest; each in the service's order. */
function mostUrgentFirst(deployables: readonly DeployableStatus[]): readonly DeployableStatus[] {
  const placeOf = ({ state }: DeployableStatus): number => {
    const place = toneOrder.indexOf(deployableLook(state).tone);
    return place === -1 ? toneOrder.length : place;
  };
  return deployables.toSorted((a, b) => placeOf(a) - placeOf(b));
}

/** Of machines and resources only those that are wanted up count: what was stopped on purpose is not missing. */
function summary({ incidents }: State, deployables: readonly DeployableStatus[]): ViewNode {
  const wanted = deployables.filter(({ intent }) => intent === 'up');
  const machines = wanted.flatMap(({ assemblies }) => assemblies);
  const resources = machines.flatMap((machine) => machine.resources);
  const online = machines.filter(({ state }) => state === 'online').length;
  const active = resources.filter(({ state }) => state === 'active').length;
  const open = [...incidents.values()].filter(({ outcome }) => outcome === 'open').length;
  const figure = (value: string, label: string): ViewNode =>
    h('div', { class: 'figure' }, h('dt', {}, label), h('dd', {}, value));
  return h(
    'dl',
    { class: 'figures' },
    figure(String(deployables.length), deployables.length === 1 ? 'deployable' : 'deployables'),
    figure(`${online} of ${machines.length}`, 'wanted machines online'),
    figure(`${active} of ${resources.length}`, 'wanted resources active'),
    open === 0 ? null : figure(String(open), open === 1 ? 'open incident' : 'open incidents'),
  );
}

function deployableView(state: State, deployable: DeployableStatus): ViewNode {
  const { name, assemblies, note, maintenance } = deployable;
  const look = deployableLook(deployable.state);
  const arrows = arrowsOf(assemblies);
  const steps = stepsOf(assemblies, arrows);
  return h(
    'section',
    {
      key: `d ${name}`,
      class: `deployable tone-${look.tone}`,
      'aria-labelledby': `d-${name}`,
      'data-deployable': name,
    },
    h(
      'header',
      {},
      h('h2', { id: `d-${name}` }, name),
      pill(look),
      h('span', { class: 'quiet' }, forText(deployable.sinceMs, state.nowMs)),
      h('span', { class: 'fact' }, deployable.intent === 'up' ? 'wanted up' : 'wanted down'),
      deployable.monitoring === 'pm' ? h('span', { class: 'fact' }, 'machines only') : null,
      h(
        'div',
        { class: 'buttons' },
        offersOf(state, name).map((offer) => button(offer, targetOf(offer, name))),
      ),
    ),
    maintenance === null ? null : maintenanceMark(state, maintenance.untilMs),
    note === null ? null : h('p', { class: 'note' }, note),
    assemblies.length === 0
      ? emptyState('No machines', 'Put an assembly into it:', [`deployable_assembly_add ${name} ASSEMBLY`])
      : h(
          'div',
          { class: 'picture', 'data-arrows': JSON.stringify(arrows) },
          h('svg', { class: 'arrows', 'aria-hidden': 'true', focusable: 'false', 'data-managed': true }),
          h(
            'div',
            { class: 'steps' },
            steps.map((step, index) =>
              h(
                'div',
                { key: `s${index}`, class: 'step' },
                step.map((assembly) =>
                  machineCard(
                    state,
                    assembly,
                    arrows.filter(({ to }) => to === assembly.name).map(({ from }) => from),
                  ),
                ),
              ),
            ),
          ),
        ),
  );
}

function targetOf({ action }: Offer, name: string): string {
  return action === 'maintain' || action === 'clear' ? `deployable:${name}` : name;
}

/** A button that is off says why: to the pointer, and to whoever hears the page. */
export function button(offer: Offer, target: string): ViewNode {
  const about = target.replace(/^\w+:/, '');
  const off = offer.refusal !== null;
  return h(
    'button',
    {
      key: offer.action,
      type: 'button',
      class: offer.danger ? 'danger' : undefined,
      'data-action': offer.action,
      'data-target': target,
      // Not `disabled`: it stays reachable, and so does its reason.
      'aria-disabled': off ? 'true' : undefined,
      title: offer.refusal,
      'aria-label': `${offer.label.replace('…', '')} ${about}${off ? `: ${offer.refusal}` : ''}`,
    },
    offer.label,
  );
}

function looseView(state: State, assemblies: readonly AssemblyStatus[]): ViewNode {
  return h(
    'section',
    { key: 'loose', class: 'deployable tone-off', 'aria-labelledby': 'loose' },
    h(
      'header',
      {},
      h('h2', { id: 'loose' }, 'In no deployable'),
      h('span', { class: 'quiet' }, 'nobody watches them'),
    ),
    h(
      'div',
      { class: 'steps' },
      h(
        'div',
        { class: 'step row' },
        assemblies.map((one) => machineCard(state, one, [])),
      ),
    ),
  );
}

function machineCard(state: State, assembly: AssemblyStatus, after: readonly string[]): ViewNode {
  const { name, note, maintenance, resources } = assembly;
  const look = assemblyLook(assembly.state);
  const incident = openIncidentOf(state, name);
  return h(
    'article',
    {
      key: `m ${name}`,
      class: `machine tone-${look.tone}`,
      'data-machine': name,
      'data-tone': look.tone,
      'aria-labelledby': `m-${name}`,
    },
    h(
      'div',
      { class: 'machine-head' },
      h('h3', { id: `m-${name}` }, h('a', { href: machineHref(name) }, name)),
      pill(look),
    ),
    h(
      'p',
      { class: 'quiet small' },
      `${assembly.release}, ${forText(assembly.sinceMs, state.nowMs)}`,
      after.length === 0
        ? null
        : h(
            'span',
            { class: 'after' },
            ', after ',
            after.map((on, index) => [index > 0 ? ', ' : '', h('span', { class: 'whole' }, on)]),
          ),
    ),
    h(
      'p',
      { class: assembly.failuresInWindow === 0 ? 'quiet small' : 'small' },
      restartsText(assembly.failuresInWindow, assembly.escalation),
    ),
    maintenance === null ? null : maintenanceMark(state, maintenance.untilMs),
    note === null ? null : h('p', { class: 'note small' }, note),
    incident === undefined
      ? null
      : h('p', { class: 'small' }, h('a', { href: incidentHref(incident) }, `incident ${incident}`)),
    resources.length === 0
      ? h('p', { class: 'quiet small' }, 'no resources')
      : h(
          'ul',
          { class: 'resources', 'aria-label': `Resources in ${name}` },
          resources.map((resource) => resourceLine(resource)),
        ),
  );
}

function resourceLine(resource: AssemblyStatus['resources'][number]): ViewNode {
  const look = resourceLook(resource.state);
  return h(
    'li',
    {
      key: `r ${resource.name}`,
      class: `resource tone-${look.tone}`,
      'data-resource': resource.name,
      'data-tone': look.tone,
    },
    icon(look.tone),
    h('span', { class: 'name' }, resource.name),
    h('span', { class: 'word' }, look.word),
    resource.failuresInWindow === 0
      ? null
      : h(
          'span',
          { class: 'quiet', title: restartsText(resource.failuresInWindow, resource.escalation) },
          `${resource.failuresInWindow}×`,
          h('span', { class: 'hidden' }, ` ${restartsText(resource.failuresInWindow, resource.escalation)}`),
        ),
    resource.maintenance === null
      ? null
      : h(
          'span',
          { class: 'tone-held', title: 'in maintenance' },
          icon('held'),
          h('span', { class: 'hidden' }, 'in maintenance'),
        ),
  );
}

function openIncidentOf({ incidents }: State, assembly: string): string | undefined {
  return [...incidents.values()].find((one) => one.outcome === 'open' && one.assembly === assembly)?.id;
}

export function maintenanceMark({ nowMs }: Pick<State, 'nowMs'>, untilMs: number | null): ViewNode {
  return h('p', { class: 'mark tone-held' }, icon('held'), `Maintenance ${untilText(untilMs, nowMs)}`);
}

/** `2 of 3 restarts in 60 min`: how far it is from the next rung. */
export function restartsText(failures: number, policy: EscalationPolicy): string {
  if (policy === 'never') return `${countText(failures, 'restart')}, never escalates`;
  return `${failures} of ${policy.failures} restarts in ${coarse(policy.periodMs)}`;
}
