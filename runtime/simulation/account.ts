/**
 * What a journal adds up to: failures, restarts on each rung, escalations, when a person was needed, and how long
 * each assembly was down. Pure; the same for a recorded journal and for a replayed one.
 */
import type { JournalEvent } from '../../model/event.ts';

export type Account = {
  /** Of resources and of virtual machines themselves; what a rung handed up is not counted again. */
  readonly failures: number;
  readonly resourceRestarts: number;
  readonly assemblyRestarts: number;
  readonly deployableRestarts: number;
  /** From one rung to the next, the last one (to a person) included. */
  readonly escalations: number;
  /** Wall time when the deployable first was given up, or null. */
  readonly blockedAtMs: number | null;
  /** By assembly, in ms: from a failure of it or in it until it had recovered, while it was wanted up. */
  readonly downMs: Readonly<Record<string, number>>;
};

/** @param untilMs wall time at which what is still down is counted up to */
export function accountOf(events: readonly JournalEvent[], deployable: string, untilMs: number): Account {
  const counts = {
    failures: 0,
    resourceRestarts: 0,
    assemblyRestarts: 0,
    deployableRestarts: 0,
    escalations: 0,
  };
  const downtime = createDowntime();
  let blockedAtMs: number | null = null;
  for (const event of events) {
    if (event.deployable !== deployable) continue;
    downtime.hear(event);
    if (event.kind === 'deployable-blocked') blockedAtMs ??= event.atMs;
    count(counts, event);
  }
  return { ...counts, blockedAtMs, downMs: downtime.endAt(untilMs) };
}

function count(
  counts: Record<
    'failures' | 'resourceRestarts' | 'assemblyRestarts' | 'deployableRestarts' | 'escalations',
    number
  >,
  { kind, severity, text }: JournalEvent,
): void {
  const isUntended = text.includes('Nothing is done about it');
  if (kind === 'resource-failed') {
    counts.failures += 1;
    if (severity === 'error') counts.escalations += 1;
    else if (!isUntended) counts.resourceRestarts += 1;
  } else if (kind === 'assembly-failed' || kind === 'assembly-rebooted') {
    if (!text.includes('is FAILED: the resource [')) counts.failures += 1;
    if (text.includes('Escalating to')) counts.escalations += 1;
    else if (kind === 'assembly-failed' && severity === 'warning' && !isUntended)
      counts.assemblyRestarts += 1;
  } else if (kind === 'escalation') {
    if (text.includes('is restarted as a whole')) counts.deployableRestarts += 1;
    else counts.escalations += 1;
  }
}

/** Keeps what is down since when: a machine, or one of its resources. */
function createDowntime(): {
  hear(event: JournalEvent): void;
  endAt(untilMs: number): Readonly<Record<string, number>>;
} {
  const broken = new Map<string, Set<string>>();
  const sinceMs = new Map<string, number>();
  const downMs: Record<string, number> = {};
  const end = (assembly: string, atMs: number): void => {
    const since = sinceMs.get(assembly);
    if (since !== undefined) downMs[assembly] = (downMs[assembly] ?? 0) + Math.max(0, atMs - since);
    sinceMs.delete(assembly);
    broken.delete(assembly);
  };
  return {
    hear({ kind, assembly, resource, atMs, facts }) {
      if (kind === 'deployable-stopping') for (const name of sinceMs.keys()) end(name, atMs);
      if (assembly === null) return;
      downMs[assembly] ??= 0;
      const thing = resource ?? 'machine';
      if (
        [
          'resource-failed',
          'resource-unrecoverable',
          'assembly-failed',
          'assembly-rebooted',
          'assembly-stalled',
          'assembly-blocked',
        ].includes(kind)
      ) {
        const of = broken.get(assembly) ?? new Set();
        of.add(thing);
        broken.set(assembly, of);
        if (!sinceMs.has(assembly)) sinceMs.set(assembly, atMs);
        return;
      }
      const mends = ['resource-active', 'assembly-active', 'assembly-adopted', 'assembly-resumed'].includes(
        kind,
      );
      if (kind === 'assembly-stopped') return end(assembly, atMs);
      if (!mends) return;
      const of = broken.get(assembly);
      // A machine that failed is back when all in it runs again, which is told with the time that it took.
      if (kind === 'assembly-active' && facts['durationMs'] === undefined) return;
      of?.delete(thing);
      if (of?.size === 0) end(assembly, atMs);
    },
    endAt(untilMs) {
      for (const name of sinceMs.keys()) end(name, untilMs);
      return downMs;
    },
  };
}
