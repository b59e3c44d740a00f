/** Statuses, incidents and events as the service answers them, for tests of the page's views. */
import type { AssemblyStatus, DeployableStatus } from '../../model/cped-api.ts';
import type { Incident, JournalEvent } from '../../model/event.ts';
import { firstState } from '../../page/state.ts';
import type { State } from '../../page/state.ts';

export const nowMs = Date.parse('2026-11-27T12:00:00Z');

export function resource(name: string, more: Partial<AssemblyStatus['resources'][number]> = {}) {
  return {
    name,
    template: 'httpd',
    state: 'active' as const,
    sinceMs: nowMs - 60_000,
    failuresInWindow: 0,
    escalation: { failures: 5, periodMs: 3_600_000 },
    urls: [],
    parameters: {},
    dependsOn: [],
    watching: {},
    maintenance: null,
    note: null,
    ...more,
  };
}

export function assembly(name: string, more: Partial<AssemblyStatus> = {}): AssemblyStatus {
  return {
    name,
    release: 'debian12',
    architecture: 'x86_64',
    deployable: 'shop',
    state: 'online',
    sinceMs: nowMs - 3_600_000,
    failuresInWindow: 0,
    escalation: { failures: 3, periodMs: 3_600_000 },
    imageDigest: 'a'.repeat(64),
    atNextStart: [],
    memoryMiB: 128,
    vcpus: 1,
    ports: [],
    disks: [],
    networks: [],
    imported: false,
    transport: 'agent',
    domainName: `pcloud-${name}`,
    uuid: '00000000-0000-4000-8000-000000000001',
    sshPort: 20_022,
    dependsOn: [],
    maintenance: null,
    maintenanceWindows: [],
    note: null,
    resources: [resource('site')],
    ...more,
  };
}

export function deployable(
  name: string,
  assemblies: readonly AssemblyStatus[],
  more: Partial<DeployableStatus> = {},
): DeployableStatus {
  return {
    name,
    intent: 'up',
    monitoring: 'am',
    state: 'active',
    sinceMs: nowMs - 3_600_000,
    escalation: { failures: 2, periodMs: 3_600_000 },
    secrets: [],
    alerts: [],
    maintenance: null,
    maintenanceWindows: [],
    note: null,
    assemblies: [...assemblies],
    ...more,
  };
}

export function incident(id: string, more: Partial<Incident> = {}): Incident {
  return {
    id,
    deployable: 'shop',
    assembly: 'web1',
    resource: null,
    rung: 'assembly',
    verdict: 'dead',
    cause: 'its virtual machine is off (destroyed)',
    evidence: [],
    actions: [{ atMs: nowMs - 50_000, text: 'restarting it at once' }],
    outcome: 'recovered',
    noticedAtMs: nowMs - 50_000,
    endedAtMs: nowMs - 40_000,
    ...more,
  };
}

export function event(seq: number, more: Partial<JournalEvent> = {}): JournalEvent {
  return {
    seq,
    atMs: nowMs - 1000,
    kind: 'assembly-failed',
    severity: 'warning',
    deployable: 'shop',
    assembly: 'web1',
    resource: null,
    incident: null,
    text: `event ${seq}`,
    facts: {},
    ...more,
  };
}

/** A live page with an operator before it. */
export function stateWith(more: Partial<State> = {}): State {
  return {
    ...firstState,
    nowMs,
    link: { kind: 'live' },
    session: { kind: 'known', role: 'operate', name: null },
    deployables: [],
    ...more,
  };
}
