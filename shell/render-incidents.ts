/**
 * Incidents as people read them: the list, and one of them in full. Pure.
 */
import type { Incident, JournalEvent } from '../model/event.ts';
import { formatClock, formatShort } from './duration.ts';
import { printable } from './printable.ts';
import { renderEvent } from './render-message.ts';
import type { View } from './render-status.ts';
import { renderTable } from './render-table.ts';
import type { Style } from './style.ts';

export function renderIncidents(incidents: readonly Incident[], view: View): readonly string[] {
  return renderTable(
    {
      header: ['ID', 'NOTICED', 'WHAT', 'OUTCOME', 'TOOK', 'CAUSE'],
      rows: incidents.map((incident) => [
        incident.id,
        formatClock(incident.noticedAtMs, view.nowMs),
        incident.resource === null ? incident.assembly : `${incident.assembly}/${incident.resource}`,
        incident.outcome,
        tookText(incident, view.nowMs),
        incident.cause,
      ]),
      paint: (text, row, column) =>
        column === 3 ? paintOutcome(incidents[row]?.outcome, text, view.style) : text,
    },
    view.columns,
  );
}

/** How long it took; what is under way has an ellipsis. */
export function tookText({ noticedAtMs, endedAtMs }: Incident, nowMs: number): string {
  const text = formatShort((endedAtMs ?? nowMs) - noticedAtMs);
  return endedAtMs === null ? `${text} …` : text;
}

/** Red for what a person is needed for, yellow for what is not over, green for what is well again. */
export function paintOutcome(outcome: Incident['outcome'] | undefined, text: string, style: Style): string {
  switch (outcome) {
    case 'blocked':
      return style.red(text);
    case 'open':
    case 'escalated':
      return style.yellow(text);
    case 'recovered':
      return style.green(text);
    case 'stopped':
    case 'maintenance':
    case undefined:
      return text;
  }
}

const labelWidth = 10;

/** All about one incident, ending with what the journal has of it. */
export function renderIncident(
  incident: Incident,
  events: readonly JournalEvent[],
  view: View,
): readonly string[] {
  const { style, nowMs } = view;
  const { outcome, endedAtMs, noticedAtMs } = incident;
  const facts: readonly (readonly [label: string, text: string | null])[] = [
    ['incident', incident.id],
    ['what', placeText(incident)],
    ['rung', incident.rung],
    ['cause', incident.cause],
    ['verdict', incident.verdict],
    ['outcome', outcome],
    ['noticed', formatClock(noticedAtMs, nowMs)],
    ['ended', endedAtMs === null ? null : formatClock(endedAtMs, nowMs)],
    [endedAtMs === null ? 'goes on' : 'took', tookText(incident, nowMs)],
  ];
  const lines = facts.flatMap(([label, text]) => {
    if (text === null) return [];
    const shown = label === 'outcome' ? paintOutcome(outcome, text, style) : printable(text);
    return [`${label.padEnd(labelWidth)} ${shown}`];
  });
  return [
    ...lines,
    ...section('evidence:', incident.evidence.map(printable)),
    ...section('what was done:', actionLines(incident)),
    ...section(
      'in the journal:',
      events.map((event) => renderEvent(event, nowMs, style)),
    ),
  ];
}

function placeText({ resource, assembly, deployable }: Incident): string {
  return [
    ...(resource === null ? [] : [`resource ${resource}`]),
    `assembly ${assembly}`,
    ...(deployable === null ? [] : [`deployable ${deployable}`]),
  ].join(' in ');
}

/** Each with its time from the beginning; a first version of the service did not write that down. */
function actionLines({ actions, noticedAtMs }: Incident): readonly string[] {
  const times = actions.map(({ atMs }) => (atMs === 0 ? '-' : `+${formatShort(atMs - noticedAtMs)}`));
  const width = Math.max(0, ...times.map((time) => time.length));
  return actions.map(({ text }, index) => `${(times[index] ?? '').padStart(width)}  ${printable(text)}`);
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}
