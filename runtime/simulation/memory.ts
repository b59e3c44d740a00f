/** A `Memory` that lives as long as the simulation, also across a service that ends and comes back in it. */
import type { Incident, JournalEvent } from '../../model/event.ts';
import type { KeptSince, Memory } from '../ports.ts';

export type SimulatedMemory = Memory & {
  readonly incidents: ReadonlyMap<string, Incident>;
  /** Of whom it is kept that their VM ran. Another boot of the host empties it. */
  readonly running: Set<string>;
};

/** @param told hears of every event as it is written, with its `seq` */
export function simulatedMemory(told: (event: JournalEvent) => void): SimulatedMemory {
  const incidents = new Map<string, Incident>();
  const windows = new Map<string, readonly number[]>();
  const blocked = new Map<string, string>();
  const running = new Set<string>();
  const values = new Map<string, Readonly<Record<string, string>>>();
  const sinces = new Map<string, KeptSince>();
  let seq = 0;
  return {
    incidents,
    running,
    together: (work) => work(),
    append: (events) =>
      events.map((event) => {
        seq += 1;
        const written = { ...event, seq };
        told(written);
        return written;
      }),
    saveIncident: (incident) => incidents.set(incident.id, incident),
    loadWindows: () => windows,
    saveWindow: (key, timesMs) => windows.set(key, timesMs),
    loadBlocked: () => blocked,
    saveBlocked(deployable, reason) {
      if (reason === null) blocked.delete(deployable);
      else blocked.set(deployable, reason);
    },
    loadRunning: () => running,
    saveRunning(assembly, runs) {
      if (runs) running.add(assembly);
      else running.delete(assembly);
    },
    loadSinces: () => sinces,
    saveSince(key, since) {
      if (since === null) sinces.delete(key);
      else sinces.set(key, since);
    },
    loadValues: () => values,
    saveValues: (assembly, given) => values.set(assembly, given),
  };
}
