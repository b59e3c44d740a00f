/** The journal told by incident: a heading with how it ended, and below it what the journal has of it. Pure. */
import type { Incident, JournalEvent } from '../model/event.ts';
import { paintOutcome, tookText } from './render-incidents.ts';
import { printable } from './printable.ts';
import { renderEvent } from './render-message.ts';
import type { Style } from './style.ts';

/**
 * Events under a heading for each incident, in the order in which incidents began; what belongs to none stands between
 * them where it happened.
 * @param events oldest first
 * @param incidents those that are known; an incident that is not has a heading without an end
 */
export function renderByIncident(
  events: readonly JournalEvent[],
  incidents: readonly Incident[],
  nowMs: number,
  style: Style,
): readonly string[] {
  const known = new Map(incidents.map((incident) => [incident.id, incident]));
  const own = Map.groupBy(events, ({ incident }) => incident);
  const told = new Set<string>();
  return events.flatMap((event) => {
    const { incident: id } = event;
    if (id === null) return [renderEvent(event, nowMs, style)];
    if (told.has(id)) return [];
    told.add(id);
    return [
      headingOf(event, id, known.get(id), nowMs, style),
      ...(own.get(id) ?? []).map((one) => `  ${renderEvent(one, nowMs, style)}`),
    ];
  });
}

/** `incident 12, assy1/httpdone: recovered, 0.8s`. */
function headingOf(
  { assembly, deployable, resource }: JournalEvent,
  id: string,
  incident: Incident | undefined,
  nowMs: number,
  style: Style,
): string {
  const where = [assembly ?? deployable, resource].filter((name) => name !== null).join('/');
  const heading = style.bold(`incident ${printable(id)}${where === '' ? '' : `, ${printable(where)}`}`);
  if (incident === undefined) return heading;
  return `${heading}: ${paintOutcome(incident.outcome, incident.outcome, style)}, ${tookText(incident, nowMs)}`;
}
