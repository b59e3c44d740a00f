/** The incidents as a list with its filter, and the journal beside them. One in full is `incident-view.ts`. Pure. */
import type { Incident, JournalEvent } from '../model/event.ts';
import { agoText, countText, dateTimeText, durationText, momentText } from './format.ts';
import { emptyState } from './frame-view.ts';
import { gravityOf, groupedByIncident, selected, subjectOf, tookMs } from './incidents.ts';
import type { Gravity } from './incidents.ts';
import { h } from './node.ts';
import type { Child, ViewNode } from './node.ts';
import { incidentHref } from './route.ts';
import type { State } from './state.ts';
import { icon, outcomeLook, pill } from './words.ts';
import type { Tone } from './words.ts';

/** Shown at once; the filter finds the others. */
const listed = 100;

export function incidentsView(state: State): readonly Child[] {
  const found = selected(state.incidents.values(), state.filter);
  return [
    h('header', { class: 'place' }, h('h1', { tabindex: '-1' }, 'Incidents')),
    filterBar(state),
    h(
      'p',
      { class: 'quiet small', role: 'status' },
      found.length > listed ? `The newest ${listed} of ${found.length}` : countText(found.length, 'incident'),
    ),
    found.length > 0
      ? incidentList(state, found.slice(0, listed))
      : state.incidents.size > 0
        ? emptyState('None matches', 'No incident is like what the filter asks for.')
        : emptyState(
            'Nothing has failed',
            'Incidents appear here by themselves. To see one, break something that may break, and watch:',
            ['assembly_ssh web1 -- killall -9 apache2'],
          ),
    journalView(state, 40),
  ];
}

function filterBar({ filter, deployables, incidents }: State): ViewNode {
  const names = new Set([
    ...(deployables ?? []).map(({ name }) => name),
    ...[...incidents.values()].flatMap(({ deployable }) => (deployable === null ? [] : [deployable])),
  ]);
  const option = (value: string, label: string, now: string): ViewNode =>
    h('option', { key: value, value, selected: value === now }, label);
  return h(
    'form',
    { class: 'filter', role: 'search', 'aria-label': 'Incidents' },
    h(
      'label',
      {},
      'Deployable',
      h(
        'select',
        { name: 'deployable', 'data-filter': 'deployable' },
        option('', 'all', filter.deployable),
        [...names].sort().map((name) => option(name, name, filter.deployable)),
      ),
    ),
    h(
      'label',
      {},
      'Severity',
      h(
        'select',
        { name: 'gravity', 'data-filter': 'gravity' },
        option('', 'all', filter.gravity),
        option('warning', 'warning and above', filter.gravity),
        option('error', 'error: a person is needed', filter.gravity),
      ),
    ),
    h(
      'label',
      { class: 'wide' },
      'Contains',
      h('input', {
        type: 'search',
        name: 'text',
        'data-filter': 'text',
        maxlength: 100,
        autocomplete: 'off',
        'aria-keyshortcuts': '/',
      }),
    ),
  );
}

export const gravityTones: Readonly<Record<Gravity, Tone>> = { info: 'ok', warning: 'warn', error: 'bad' };

export function incidentList(state: State, incidents: readonly Incident[]): ViewNode {
  return h(
    'ol',
    { class: 'incidents', 'data-walk': true },
    incidents.map((incident) => incidentLine(state, incident)),
  );
}

function incidentLine(state: State, incident: Incident): ViewNode {
  const { id, outcome, cause, noticedAtMs, actions } = incident;
  const look = outcomeLook(outcome);
  return h(
    'li',
    {
      key: id,
      class: `incident tone-${look.tone}`,
      'data-incident': id,
      'data-gravity': gravityOf(incident),
    },
    h(
      'a',
      { href: incidentHref(id), class: 'incident-head' },
      h('span', { class: 'subject' }, subjectOf(incident)),
      h('span', { class: 'cause' }, cause),
    ),
    pill(look),
    h(
      'p',
      { class: 'quiet small' },
      h(
        'time',
        { datetime: new Date(noticedAtMs).toISOString(), title: dateTimeText(noticedAtMs) },
        momentText(noticedAtMs, state.nowMs),
      ),
      ` (${agoText(noticedAtMs, state.nowMs)}), ${outcome === 'open' ? 'for' : 'took'} ${durationText(tookMs(incident, state.nowMs))}`,
      actions.length === 0 ? null : ` · ${actions.at(-1)?.text ?? ''}`,
    ),
  );
}

/** The newest events, those of one incident together. */
export function journalView(state: State, most: number): ViewNode {
  const groups = groupedByIncident(state.journal).slice(0, most);
  return h(
    'section',
    { class: 'journal', 'aria-labelledby': 'journal' },
    h('h2', { id: 'journal' }, 'What was told'),
    groups.length === 0
      ? h('p', { class: 'quiet' }, 'Nothing yet.')
      : h(
          'ol',
          {},
          groups.map(({ incident, events }) =>
            h(
              'li',
              { key: `g ${events.at(-1)?.seq ?? 0}`, class: incident === null ? 'single' : 'group' },
              incident === null
                ? null
                : h('a', { href: incidentHref(incident), class: 'small' }, `incident ${incident}`),
              h(
                'ol',
                {},
                events.map((event) => eventLine(state, event)),
              ),
            ),
          ),
        ),
  );
}

function eventLine(state: State, event: JournalEvent): ViewNode {
  const tone = gravityTones[event.severity];
  return h(
    'li',
    { key: `e ${event.seq}`, class: 'event', 'data-seq': event.seq },
    event.severity === 'info' ? h('span', { class: 'icon' }) : icon(tone),
    h(
      'time',
      { datetime: new Date(event.atMs).toISOString(), title: dateTimeText(event.atMs) },
      momentText(event.atMs, state.nowMs),
    ),
    h(
      'span',
      { class: 'text' },
      event.severity === 'info' ? null : h('span', { class: 'hidden' }, `${event.severity}: `),
      event.text,
    ),
  );
}
