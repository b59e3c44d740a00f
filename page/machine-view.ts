/** One machine in full: its state and place, its resources with addresses, parameters and order, its incidents. Pure. */
import type { AssemblyStatus } from '../model/cped-api.ts';
import type { ParameterValue } from '../model/definition.ts';
import { maintenanceOffer } from './actions.ts';
import { agoText, countText, forText, momentText } from './format.ts';
import { emptyState, factList, loadingPlace } from './frame-view.ts';
import { selected, noFilter } from './incidents.ts';
import { incidentList } from './incidents-view.ts';
import { h } from './node.ts';
import type { Child, ViewNode } from './node.ts';
import { button, maintenanceMark, restartsText } from './overview-view.ts';
import { machineHref } from './route.ts';
import { assemblyOf } from './state.ts';
import type { State } from './state.ts';
import { assemblyLook, pill, resourceLook } from './words.ts';

/** @param local whether the reader's own host is the service's, so that its loopback addresses lead there */
export function machineView(state: State, name: string, local: boolean): readonly Child[] {
  const assembly = assemblyOf(state, name);
  if (assembly === undefined)
    return state.deployables === null
      ? loadingPlace(name)
      : [
          emptyState(
            `No machine ${name}`,
            'It may have been deleted. All machines are in the overview.',
            [],
            'h1',
          ),
        ];
  const incidents = selected(state.incidents.values(), noFilter).filter((one) => one.assembly === name);
  return [
    h(
      'p',
      { class: 'crumbs' },
      h('a', { href: '#/overview' }, 'Overview'),
      ' / ',
      assembly.deployable ?? 'in no deployable',
    ),
    h(
      'header',
      { class: 'place' },
      h('h1', { tabindex: '-1' }, name),
      pill(assemblyLook(assembly.state)),
      h('span', { class: 'quiet' }, forText(assembly.sinceMs, state.nowMs)),
      assembly.deployable === null
        ? null
        : h(
            'div',
            { class: 'buttons' },
            button(maintenanceOffer(state, assembly.maintenance !== null), `assembly:${name}`),
          ),
    ),
    assembly.maintenance === null ? null : maintenanceMark(state, assembly.maintenance.untilMs),
    assembly.note === null ? null : h('p', { class: 'note' }, assembly.note),
    facts(state, assembly),
    h('h2', {}, 'Resources'),
    assembly.resources.length === 0
      ? emptyState('No resources', 'The machine alone is watched. Add an application to it:', [
          `assembly_resource_add NAME httpd ${name}`,
        ])
      : h(
          'div',
          { class: 'cards' },
          assembly.resources.map((resource) => resourceCard(state, assembly, resource, local)),
        ),
    h('h2', {}, 'Incidents'),
    incidents.length === 0
      ? h('p', { class: 'quiet' }, 'None that is remembered.')
      : incidentList(state, incidents.slice(0, 20)),
  ].filter((one) => one !== null);
}

function facts(state: State, assembly: AssemblyStatus): ViewNode {
  const { dependsOn, imageDigest } = assembly;
  const spoken = { agent: 'by its agent', ssh: 'by ssh', none: 'not at all' }[assembly.transport];
  return factList([
    ['Restarts', restartsText(assembly.failuresInWindow, assembly.escalation)],
    ['Release', `${assembly.release} ${assembly.architecture}`],
    [
      'Image',
      assembly.imported
        ? 'a disk of yours'
        : imageDigest === null
          ? 'none before its first start'
          : h('code', { title: imageDigest }, imageDigest.slice(0, 12)),
    ],
    ['Spoken to', spoken],
    ['Login', assembly.sshPort === null ? null : h('code', {}, `pcloudsh assembly_ssh ${assembly.name}`)],
    ['Domain', h('code', {}, assembly.domainName)],
    ['Since', momentText(assembly.sinceMs, state.nowMs)],
    [
      'Starts after',
      dependsOn.length === 0
        ? null
        : dependsOn
            .map(({ assembly: on, restart }, index) => [
              index > 0 ? ', ' : '',
              h('a', { href: machineHref(on) }, on),
              restart ? ' (restarted with it)' : '',
            ])
            .flat(),
    ],
  ]);
}

type Resource = AssemblyStatus['resources'][number];

function resourceCard(state: State, assembly: AssemblyStatus, resource: Resource, local: boolean): ViewNode {
  const parameters = Object.entries(resource.parameters);
  return h(
    'article',
    {
      key: resource.name,
      class: `card tone-${resourceLook(resource.state).tone}`,
      'data-resource': resource.name,
    },
    h('div', { class: 'machine-head' }, h('h3', {}, resource.name), pill(resourceLook(resource.state))),
    resource.maintenance === null ? null : maintenanceMark(state, resource.maintenance.untilMs),
    resource.note === null ? null : h('p', { class: 'note small' }, resource.note),
    factList([
      ['Template', resource.template],
      ['Since', agoText(resource.sinceMs, state.nowMs)],
      ['Restarts', restartsText(resource.failuresInWindow, resource.escalation)],
      ['Address', resource.urls.length === 0 ? null : resource.urls.map((url) => addressOf(url, local))],
      [
        'Starts after',
        resource.dependsOn.length === 0
          ? null
          : resource.dependsOn.map((on) => `${on.assembly}/${on.resource}`).join(', '),
      ],
      [
        'Parameters',
        parameters.length === 0
          ? null
          : h(
              'details',
              {},
              h('summary', {}, countText(parameters.length, 'parameter')),
              h(
                'ul',
                {},
                parameters.map(([name, value]) =>
                  h('li', {}, h('code', {}, `${name} = ${valueText(value)}`)),
                ),
              ),
            ),
      ],
    ]),
    h(
      'div',
      { class: 'buttons' },
      button(
        maintenanceOffer(state, resource.maintenance !== null),
        `resource:${assembly.name}/${resource.name}`,
      ),
    ),
  );
}

/** A loopback address of the service's host means something else on any other: there it is text. */
function addressOf(url: string, local: boolean): ViewNode {
  const loopback = /^https?:\/\/(?:127\.|localhost|\[::1\])/.test(url);
  if (loopback && !local)
    return h('span', {}, h('code', {}, url), h('span', { class: 'quiet' }, ' on the host'));
  return h('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, url);
}

function valueText(value: ParameterValue): string {
  if (typeof value === 'string') return value;
  return 'secret' in value ? `@secret:${value.secret}` : `@${value.assembly}:${value.value}`;
}
