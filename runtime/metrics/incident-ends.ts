/**
 * Incidents as they begin and end, each once, out of all the times that each is written down. Pure but for what it
 * remembers, which is bounded.
 */
import type { Incident } from '../../model/event.ts';

/** Ended ones that may be written once more, with late evidence. */
const rememberedEnds = 2000;

export type IncidentStep = { readonly opened: boolean; readonly ended: boolean };

/** @param open incidents that are open already */
export function createIncidentSteps(open: readonly Incident[]): {
  step(incident: Incident): IncidentStep;
  openCount(rung: Incident['rung']): number;
} {
  const openById = new Map(open.map(({ id, rung }) => [id, rung]));
  const ended = new Set<string>();
  return {
    step({ id, rung, outcome }) {
      const known = openById.has(id);
      if (outcome === 'open') {
        // One that was ended and is open again goes on as another.
        ended.delete(id);
        openById.set(id, rung);
        return { opened: !known, ended: false };
      }
      openById.delete(id);
      if (ended.has(id)) return { opened: false, ended: false };
      ended.add(id);
      for (const oldest of ended) {
        if (ended.size <= rememberedEnds) break;
        ended.delete(oldest);
      }
      return { opened: !known, ended: true };
    },
    openCount: (rung) => [...openById.values()].filter((one) => one === rung).length,
  };
}
