/**
 * Many notices as one: how many, where, why, how they ended, when, and the names of some. Pure. It keeps counts
 * and a few names, never the notices, so that its size does not grow with a burst.
 */
import { rungs } from '../../model/deployable-alert.ts';
import type { Rung } from '../../model/deployable-alert.ts';
import type { Notice, Severity } from './notice.ts';

/** Names and rows of a summary; what is beyond is counted as `other`. */
export const maxNames = 20;

export type Count = { readonly name: string; readonly count: number };
export type Summary = {
  readonly count: number;
  readonly opened: number;
  readonly ended: number;
  readonly events: number;
  /** Wall clock ms. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** The worst of them. */
  readonly severity: Severity;
  /** The largest thing that is among them. */
  readonly rung: Rung;
  /** Each the most frequent first. */
  readonly deployables: readonly Count[];
  readonly rungs: readonly Count[];
  readonly causes: readonly Count[];
  readonly outcomes: readonly Count[];
  /** Up to 20 of what it is about, such as `assy1/httpdone`, in the order in which it came. */
  readonly names: readonly string[];
};

export type Tally = {
  add(notice: Notice): void;
  /** Null while nothing was added. */
  summary(): Summary | null;
};

export function createTally(): Tally {
  const deployables = createCounts();
  const causes = createCounts();
  const outcomes = createCounts();
  const byRung = createCounts();
  const names = new Set<string>();
  const phases = { opened: 0, ended: 0, event: 0 };
  let firstAtMs = Number.POSITIVE_INFINITY;
  let lastAtMs = Number.NEGATIVE_INFINITY;
  let severity: Severity = 'info';
  let rung: Rung = 'resource';
  return {
    add(notice) {
      phases[notice.phase] += 1;
      firstAtMs = Math.min(firstAtMs, notice.atMs);
      lastAtMs = Math.max(lastAtMs, notice.atMs);
      if (severities.indexOf(notice.severity) > severities.indexOf(severity)) severity = notice.severity;
      if (rungs.indexOf(notice.rung) > rungs.indexOf(rung)) rung = notice.rung;
      deployables.add(notice.deployable ?? '-');
      byRung.add(notice.rung);
      causes.add(notice.causeClass);
      if (notice.outcome !== null && notice.phase === 'ended') outcomes.add(notice.outcome);
      if (names.size < maxNames) names.add(nameOf(notice));
    },
    summary() {
      const count = phases.opened + phases.ended + phases.event;
      if (count === 0) return null;
      return {
        count,
        opened: phases.opened,
        ended: phases.ended,
        events: phases.event,
        firstAtMs,
        lastAtMs,
        severity,
        rung,
        deployables: deployables.list(),
        rungs: byRung.list(),
        causes: causes.list(),
        outcomes: outcomes.list(),
        names: [...names],
      };
    },
  };
}

const severities: readonly Severity[] = ['info', 'warning', 'error'];

function nameOf({ assembly, resource, deployable, kind }: Notice): string {
  if (assembly === null) return deployable ?? kind;
  return resource === null ? assembly : `${assembly}/${resource}`;
}

function createCounts() {
  const counts = new Map<string, number>();
  return {
    add(name: string): void {
      const known = counts.has(name) || counts.size < maxNames ? name : 'other';
      counts.set(known, (counts.get(known) ?? 0) + 1);
    },
    list: (): readonly Count[] =>
      [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count),
  };
}

/** One line for people: `495 more: 495 failed (dead 480, hung 15) in dep1 (300), dep2 (195) …`. */
export function summaryText(summary: Summary): string {
  const { opened, ended, events, firstAtMs, lastAtMs } = summary;
  const parts = [
    ...(opened === 0 ? [] : [`${opened} failed`]),
    ...(ended === 0 ? [] : [`${ended} ended (${listOf(summary.outcomes)})`]),
    ...(events === 0 ? [] : [`${events} other events`]),
  ];
  const spanS = ((lastAtMs - firstAtMs) / 1000).toFixed(1);
  return [
    `${summary.count} more within ${spanS} s: ${parts.join(', ')}.`,
    `Deployables: ${listOf(summary.deployables)}. Causes: ${listOf(summary.causes)}.`,
    `Among them: ${summary.names.join(', ')}. incident_list shows all.`,
  ].join(' ');
}

function listOf(counts: readonly Count[]): string {
  return counts.map(({ name, count }) => `${name} ${count}`).join(', ');
}
