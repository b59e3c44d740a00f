/**
 * Saved incidents as what is worth telling: an incident is saved at every step of its story, and told when it
 * opens and when it ends. What is saved within a moment is looked at together, so that its opening is told with
 * the first action, and one that ended at once is told once. Pure.
 */
import type { Incident } from '../../model/event.ts';
import { noticeOfIncident } from './notice.ts';
import type { Notice } from './notice.ts';

export type IncidentWatch = {
  /** Each incident as it was saved last; what of it is to be told, in the same order. */
  changed(incidents: Iterable<Incident>): readonly Notice[];
};

/** @param openBefore ids of those that were open when the service started: their opening was told already. */
export function createIncidentWatch(openBefore: Iterable<string>): IncidentWatch {
  const open = new Set(openBefore);
  return {
    changed: (incidents) =>
      [...incidents].flatMap((incident) => {
        const isOpen = incident.outcome === 'open';
        const wasOpen = open.has(incident.id);
        if (isOpen) open.add(incident.id);
        else open.delete(incident.id);
        return isOpen && wasOpen ? [] : [noticeOfIncident(incident)];
      }),
  };
}
