/**
 * What may be told to people outside: the opening and the end of an incident, and the few journal events that
 * are no incident and still concern somebody who is not looking. Pure; whom it is told is `rules.ts`, how much
 * of it at once is `bursts.ts`.
 */
import type { Rung } from '../../model/deployable-alert.ts';
import type { EventKind, Incident, JournalEvent, SupervisorEvent } from '../../model/event.ts';

export type Severity = SupervisorEvent['severity'];

export type Notice = {
  /** The same for the opening and the end of one incident. */
  readonly key: string;
  /** `ended` also for an incident that was over before anybody could be told of its opening. */
  readonly phase: 'opened' | 'ended' | 'event';
  /** `incident`, or the kind of the journal event. */
  readonly kind: 'incident' | EventKind;
  readonly severity: Severity;
  readonly rung: Rung;
  readonly deployable: string | null;
  readonly assembly: string | null;
  readonly resource: string | null;
  /** Wall clock ms of what is told: when it was noticed, or when it ended. */
  readonly atMs: number;
  readonly cause: string | null;
  /** What was done last. */
  readonly action: string | null;
  readonly outcome: Incident['outcome'] | null;
  readonly text: string;
  /** Causes that are the same but for numbers have the same one. */
  readonly causeClass: string;
  readonly incident: Incident | null;
  readonly event: JournalEvent | null;
};

/** Of an incident that is open, or has ended. */
export function noticeOfIncident(incident: Incident): Notice {
  const { deployable, assembly, resource, rung, cause, outcome } = incident;
  const ended = outcome !== 'open';
  return {
    key: incident.id,
    phase: ended ? 'ended' : 'opened',
    kind: 'incident',
    severity: severityOf(incident),
    rung,
    deployable,
    assembly,
    resource,
    atMs: incident.endedAtMs ?? incident.noticedAtMs,
    cause,
    action: incident.actions.at(-1)?.text ?? null,
    outcome,
    text: textOf(incident),
    causeClass: incident.verdict ?? causeClassOf(cause),
    incident,
    event: null,
  };
}

/** What needs a person is an error; an application that is being started again is not, yet. */
function severityOf({ outcome, rung }: Incident): Severity {
  switch (outcome) {
    case 'open':
    case 'escalated':
      return rung === 'resource' ? 'warning' : 'error';
    case 'blocked':
      return 'error';
    case 'recovered':
    case 'stopped':
    case 'maintenance':
      return 'info';
  }
}

const endings: Readonly<Record<Exclude<Incident['outcome'], 'open'>, string>> = {
  recovered: 'is well again',
  escalated: 'did not recover; what it stands in is being recovered',
  blocked: 'is given up, a person is needed',
  stopped: 'was stopped by an operator',
  maintenance: 'failed in maintenance, nothing is done about it',
};

/** `The resource [httpdone] in assembly [assy1] in deployable [dep1] is well again after 1.0 s: it was …`. */
function textOf(incident: Incident): string {
  const { resource, assembly, deployable, cause, outcome, noticedAtMs, endedAtMs } = incident;
  const place = [
    ...(resource === null ? [] : [`resource [${resource}]`]),
    `assembly [${assembly}]`,
    ...(deployable === null ? [] : [`deployable [${deployable}]`]),
  ].join(' in ');
  const why = cause.replace(/\.$/, '');
  if (outcome === 'open') {
    const action = incident.actions.at(-1)?.text;
    const doing = action === undefined ? '' : ` ${action.replace(/\.$/, '')}.`;
    return `The ${place} is FAILED: ${why}.${doing}`;
  }
  const tookS = (Math.max(0, (endedAtMs ?? noticedAtMs) - noticedAtMs) / 1000).toFixed(1);
  return `The ${place} ${endings[outcome]} (after ${tookS} s). The cause was: ${why}.`;
}

const longestClass = 80;

/** A cause without what differs from one VM to the next: numbers, and somebody's words in parentheses. */
export function causeClassOf(cause: string): string {
  return cause
    .replaceAll(/\s*\([^)]*\)/g, '')
    .replaceAll(/\d+(?:\.\d+)?/g, 'N')
    .slice(0, longestClass);
}

/** Events that are told although they are no incident. Everything else is in the journal for who looks. */
const toldEvents: Partial<Record<EventKind, 'host' | 'place'>> = {
  // The third rung has no incident of its own.
  escalation: 'place',
  'deployable-blocked': 'place',
  'maintenance-ending': 'place',
  'hypervisor-lost': 'host',
  'hypervisor-back': 'host',
  'service-stalled': 'host',
};

/** Of a journal event, or undefined for one that is not told. */
export function noticeOfEvent(event: JournalEvent): Notice | undefined {
  const where = toldEvents[event.kind];
  // What is given up is told by `deployable-blocked`, which follows at once.
  if (where === undefined || (event.kind === 'escalation' && event.facts['followedBy'] === 'blocked'))
    return undefined;
  const { deployable, assembly, resource, kind, severity, atMs, text } = event;
  const smallest = resource !== null ? 'resource' : assembly !== null ? 'assembly' : 'deployable';
  return {
    key: `event/${event.seq}`,
    phase: 'event',
    kind,
    severity,
    rung: where === 'host' ? 'host' : smallest,
    deployable,
    assembly,
    resource,
    atMs,
    cause: null,
    action: null,
    outcome: null,
    text,
    causeClass: kind,
    incident: null,
    event,
  };
}
