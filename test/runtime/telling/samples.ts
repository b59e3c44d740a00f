/** Incidents, events and notices that the tests of the alerts tell of. */
import { incidentSchema } from '../../../model/event.ts';
import type { Incident, JournalEvent } from '../../../model/event.ts';
import { noticeOfIncident } from '../../../runtime/telling/notice.ts';
import type { Notice } from '../../../runtime/telling/notice.ts';

export const startMs = Date.UTC(2026, 10, 22, 12, 0, 0);

export function incident(fields: Partial<Incident> = {}): Incident {
  return incidentSchema.parse({
    id: '7',
    deployable: 'dep1',
    assembly: 'assy1',
    resource: 'httpdone',
    rung: 'resource',
    verdict: null,
    cause: 'its main process 163 was killed by signal 9',
    evidence: [],
    actions: [{ atMs: startMs + 1, text: 'Starting it again at once (failure 1 of 5 within 3600 s).' }],
    outcome: 'open',
    noticedAtMs: startMs,
    endedAtMs: null,
    ...fields,
  });
}

export function ended(fields: Partial<Incident> = {}): Incident {
  return incident({ outcome: 'recovered', endedAtMs: startMs + 1000, ...fields });
}

export function notice(id: string, phase: 'opened' | 'ended' = 'opened'): Notice {
  return noticeOfIncident(phase === 'opened' ? incident({ id }) : ended({ id }));
}

export function event(fields: Partial<JournalEvent> = {}): JournalEvent {
  return {
    seq: 1,
    atMs: startMs,
    kind: 'hypervisor-lost',
    severity: 'warning',
    deployable: null,
    assembly: null,
    resource: null,
    incident: null,
    text: 'The connection to libvirt is lost.',
    facts: {},
    ...fields,
  };
}
