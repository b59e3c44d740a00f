/**
 * What an alert program and the webhook are given: environment and JSON, as docs/alerts.md documents them.
 * Pure. Fields and variables may be added within a version; none changes its meaning or goes.
 */
import type { Rung } from '../../model/deployable-alert.ts';
import type { Incident, JournalEvent } from '../../model/event.ts';
import type { Telling } from './bursts.ts';
import type { Severity } from './notice.ts';
import { summaryText } from './summary.ts';
import type { Summary } from './summary.ts';

export const alertVersion = 1;

export type Alert = {
  readonly version: typeof alertVersion;
  /** `incident`, `summary`, or the kind of a journal event. */
  readonly kind: string;
  readonly phase: 'opened' | 'ended' | 'event' | 'summary';
  readonly severity: Severity;
  readonly rung: Rung;
  readonly deployable: string | null;
  readonly assembly: string | null;
  readonly resource: string | null;
  readonly cause: string | null;
  readonly action: string | null;
  readonly outcome: Incident['outcome'] | null;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly text: string;
  /** How many things it tells of. */
  readonly count: number;
  readonly incident: Incident | null;
  readonly event: JournalEvent | null;
  readonly summary: Summary | null;
};

export function alertOf(telling: Telling): Alert {
  if (telling.kind === 'summary') return summaryAlert(telling.summary);
  const { kind, phase, severity, rung, deployable, assembly, resource, ...notice } = telling.notice;
  return {
    version: alertVersion,
    kind,
    phase,
    severity,
    rung,
    deployable,
    assembly,
    resource,
    cause: notice.cause,
    action: notice.action,
    outcome: notice.outcome,
    at: new Date(notice.atMs).toISOString(),
    text: notice.text,
    count: 1,
    incident: notice.incident,
    event: notice.event,
    summary: null,
  };
}

function summaryAlert(summary: Summary): Alert {
  const [only, ...others] = summary.deployables;
  return {
    version: alertVersion,
    kind: 'summary',
    phase: 'summary',
    severity: summary.severity,
    rung: summary.rung,
    // Where all of them are in one deployable, a program may look at it alone.
    deployable: others.length === 0 && only !== undefined && only.name !== '-' ? only.name : null,
    assembly: null,
    resource: null,
    cause: summary.causes.length === 1 ? (summary.causes[0]?.name ?? null) : null,
    action: null,
    outcome: null,
    at: new Date(summary.lastAtMs).toISOString(),
    text: summaryText(summary),
    count: summary.count,
    incident: null,
    event: null,
    summary,
  };
}

/** Longer values are cut; the JSON has all. */
const maxValueLength = 2000;

/** The variables of an alert; what it does not have is an empty one. */
export function environmentOf(alert: Alert): Readonly<Record<string, string>> {
  const values = {
    VERSION: String(alert.version),
    KIND: alert.kind,
    PHASE: alert.phase,
    SEVERITY: alert.severity,
    RUNG: alert.rung,
    DEPLOYABLE: alert.deployable,
    ASSEMBLY: alert.assembly,
    RESOURCE: alert.resource,
    INCIDENT: alert.incident?.id ?? null,
    CAUSE: alert.cause,
    ACTION: alert.action,
    OUTCOME: alert.outcome,
    AT: alert.at,
    TEXT: alert.text,
    COUNT: String(alert.count),
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`PCLOUD_ALERT_${name}`, oneLine(value ?? '')]),
  );
}

/** A guest's words may be among them: no control characters, which could be a second line of a mail's head. */
function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, maxValueLength);
}

/** As it is written to standard input and posted: one line. */
export function jsonOf(alert: Alert): string {
  return `${JSON.stringify(alert)}\n`;
}
