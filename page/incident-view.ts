/** One incident in full: its cause, what was done and when, how it ended, and what was kept to show why. Pure. */
import type { Incident } from '../model/event.ts';
import { tenthsText, countText, dateTimeText, durationText } from './format.ts';
import { emptyState, factList, loadingPlace, troubleText } from './frame-view.ts';
import { gravityOf, hasEvidence, observationsOf, subjectOf, tookMs } from './incidents.ts';
import { gravityTones } from './incidents-view.ts';
import { h } from './node.ts';
import type { Child, ViewNode } from './node.ts';
import { machineHref } from './route.ts';
import type { Evidence, State } from './state.ts';
import { icon, outcomeLook, pill } from './words.ts';

export function incidentView(state: State, id: string): readonly Child[] {
  const incident = state.incidents.get(id);
  if (incident === undefined)
    return state.deployables === null
      ? loadingPlace(`Incident ${id}`)
      : [
          emptyState(
            `No incident ${id}`,
            'The oldest are forgotten in time. Those that are remembered:',
            ['incident_list'],
            'h1',
          ),
        ];
  const { outcome, actions, noticedAtMs, endedAtMs, verdict, deployable, assembly, rung } = incident;
  const observations = observationsOf(incident);
  return [
    h('p', { class: 'crumbs' }, h('a', { href: '#/incidents' }, 'Incidents'), ` / ${id}`),
    h(
      'header',
      { class: 'place' },
      h('h1', { tabindex: '-1' }, subjectOf(incident)),
      pill(outcomeLook(outcome)),
    ),
    h('p', { class: 'lead' }, incident.cause),
    factList([
      ['Verdict', verdict],
      ['Rung', rung],
      ['Deployable', deployable],
      ['Machine', h('a', { href: machineHref(assembly) }, assembly)],
      ['Noticed', dateTimeText(noticedAtMs)],
      ['Ended', endedAtMs === null ? 'not yet' : dateTimeText(endedAtMs)],
      [outcome === 'open' ? 'So far' : 'Took', durationText(tookMs(incident, state.nowMs))],
    ]),
    h(
      'div',
      { class: 'columns' },
      h(
        'section',
        { 'aria-labelledby': 'done' },
        h('h2', { id: 'done' }, 'What was done'),
        actions.length === 0
          ? h('p', { class: 'quiet' }, 'Nothing yet.')
          : h(
              'ol',
              { class: 'timeline' },
              actions.map(({ atMs, text }) =>
                h('li', {}, atMs === 0 ? null : h('time', {}, tenthsText(atMs)), h('span', {}, text)),
              ),
            ),
        h('p', { class: 'ending' }, icon(gravityTones[gravityOf(incident)]), endingText(state, incident)),
        observations.length === 0
          ? null
          : [
              h('h2', {}, 'What was seen'),
              h(
                'ul',
                { class: 'plain' },
                observations.map((line) => h('li', {}, line)),
              ),
            ],
        storyView(state, id),
      ),
      evidenceView(state, incident),
    ),
  ];
}

function endingText(state: State, incident: Incident): string {
  const took = durationText(tookMs(incident, state.nowMs));
  switch (incident.outcome) {
    case 'open':
      return `It is not over; ${took} so far.`;
    case 'recovered':
      return `Recovered after ${took}.`;
    case 'escalated':
      return `Escalated to the next rung after ${took}: an incident of its own goes on there.`;
    case 'blocked':
      return 'Given up: a person is needed. When the cause is gone, Recover in the overview tries again.';
    case 'stopped':
      return 'The operator stopped it meanwhile.';
    case 'maintenance':
      return 'It fell into a maintenance: told, and nothing done.';
  }
}

function storyView({ story }: State, id: string): ViewNode | null {
  if (story === null || story.id !== id || story.events.length === 0) return null;
  return h(
    'details',
    { class: 'story' },
    h('summary', {}, countText(story.events.length, 'event'), ' in the journal'),
    h(
      'ol',
      { class: 'timeline' },
      story.events.map((event) =>
        h('li', {}, h('time', {}, tenthsText(event.atMs)), h('span', {}, event.text)),
      ),
    ),
  );
}

/** Where an incident's files are had. */
export function evidencePath(id: string, name: string): string {
  return `/v1/incidents/${encodeURIComponent(id)}/evidence/${encodeURIComponent(name)}`;
}

function evidenceView(state: State, incident: Incident): ViewNode | null {
  if (!hasEvidence(incident)) return null;
  const { id, assembly } = incident;
  const evidence = state.evidence.get(id);
  return h(
    'section',
    { class: 'evidence', 'aria-labelledby': 'evidence' },
    h('h2', { id: 'evidence' }, 'Evidence'),
    evidence === undefined
      ? h('p', { class: 'loading' }, 'Fetching…')
      : evidenceFiles(id, assembly, evidence),
  );
}

function evidenceFiles(id: string, assembly: string, evidence: Evidence): readonly ViewNode[] {
  const { screen, console, trouble } = evidence;
  if (trouble !== null) return [h('p', { class: 'note' }, troubleText(trouble))];
  if (screen === null && console === null)
    return [
      h(
        'p',
        { class: 'quiet' },
        'It is not kept any more: only the newest incidents of a machine keep theirs.',
      ),
    ];
  const alt = `Screen of ${assembly} when it failed`;
  return [
    ...(screen === null
      ? []
      : [
          h(
            'figure',
            { key: `screen ${id}` },
            h('div', {
              class: 'screen',
              'data-managed': true,
              'data-screen': evidencePath(id, screen),
              'data-alt': alt,
            }),
            h('figcaption', { class: 'quiet small' }, alt),
          ),
        ]),
    ...(console === null
      ? []
      : [
          h('h3', {}, 'End of its console'),
          h(
            'pre',
            {
              class: 'console',
              tabindex: '0',
              'data-tail': true,
              'aria-label': `End of the console of ${assembly}`,
            },
            console,
          ),
        ]),
  ];
}
