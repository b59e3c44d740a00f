/**
 * Statuses, images and events that tests of the shell show; each is checked by the schema of the wire, so that
 * a sample cannot drift from what the services say.
 */
import type { z } from 'zod';
import {
  assemblyDefinitionSchema,
  deployableDefinitionSchema,
  requirementSchema,
} from '../../model/definition.ts';
import { assemblyStatusSchema, cpedStatusAnswer, deployableStatusSchema } from '../../model/cped-api.ts';
import type { AssemblyStatus, CpedStatus, DeployableStatus } from '../../model/cped-api.ts';
import { imageDetailsSchema } from '../../model/image-details.ts';
import type { ImageDetails } from '../../model/image-details.ts';
import { incidentSchema, journalEventSchema } from '../../model/event.ts';
import type { Incident, JournalEvent } from '../../model/event.ts';

export const nowMs = new Date(2026, 10, 22, 12, 0, 0).getTime();
export const jeosDigest = 'a1'.repeat(32);
export const imageDigest = 'b2'.repeat(32);

export function resourceStatus(
  fields: Partial<AssemblyStatus['resources'][number]> = {},
): AssemblyStatus['resources'][number] {
  return {
    name: 'httpdone',
    template: 'httpd',
    state: 'active',
    sinceMs: nowMs - 240_000,
    failuresInWindow: 1,
    escalation: { failures: 5, periodMs: 3_600_000 },
    urls: ['http://127.0.0.1:20080/'],
    parameters: {},
    dependsOn: [],
    watching: {},
    maintenance: null,
    note: null,
    ...fields,
  };
}

export function assemblyStatus(fields: Partial<AssemblyStatus> = {}): AssemblyStatus {
  return assemblyStatusSchema.parse({
    name: 'assy1',
    release: 'debian12',
    architecture: 'x86_64',
    deployable: 'dep1',
    state: 'online',
    sinceMs: nowMs - 252_000,
    failuresInWindow: 0,
    escalation: { failures: 3, periodMs: 3_600_000 },
    imageDigest,
    memoryMiB: 128,
    vcpus: 1,
    ports: [],
    disks: [],
    networks: [],
    domainName: 'pcloud-assy1',
    uuid: '3f0e9c1a-5b7d-4a53-9d8e-0123456789ab',
    sshPort: 20022,
    dependsOn: [],
    maintenance: null,
    note: null,
    resources: [resourceStatus()],
    ...fields,
  });
}

export function deployableStatus(fields: Partial<DeployableStatus> = {}): DeployableStatus {
  return deployableStatusSchema.parse({
    name: 'dep1',
    intent: 'up',
    monitoring: 'am',
    state: 'active',
    sinceMs: nowMs - 240_000,
    escalation: { failures: 2, periodMs: 3_600_000 },
    secrets: [],
    maintenance: null,
    note: null,
    assemblies: [
      assemblyStatus(),
      assemblyStatus({ name: 'assy2', resources: [resourceStatus({ name: 'httpdtwo' })] }),
    ],
    ...fields,
  });
}

export function journalEvent(fields: Partial<JournalEvent> = {}): JournalEvent {
  return journalEventSchema.parse({
    seq: 1,
    atMs: nowMs,
    kind: 'resource-failed',
    severity: 'error',
    deployable: 'dep1',
    assembly: 'assy1',
    resource: 'httpdone',
    incident: 'assy1/httpdone/1',
    text: 'The resource [httpdone] in assembly [assy1] in deployable [dep1] is FAILED. Restarting it.',
    facts: {},
    ...fields,
  });
}

export function incident(fields: Partial<Incident> = {}): Incident {
  return incidentSchema.parse({
    id: '12',
    deployable: 'dep1',
    assembly: 'assy1',
    resource: 'httpdone',
    rung: 'resource',
    verdict: 'died',
    cause: 'its main process 163 was killed by signal 9',
    evidence: [
      'the guest’s kernel told of the death',
      'screen: /var/lib/pacemaker-cloud/evidence/12/screen.png',
    ],
    actions: [
      { atMs: nowMs - 60_000, text: 'Starting it again at once (failure 1 of 5 within 3600 s).' },
      { atMs: nowMs - 58_960, text: 'Its start has succeeded.' },
    ],
    outcome: 'recovered',
    noticedAtMs: nowMs - 60_000,
    endedAtMs: nowMs - 58_900,
    ...fields,
  });
}

export function cpedStatus(fields: Partial<CpedStatus> = {}): CpedStatus {
  return cpedStatusAnswer.parse({
    service: 'pcloud-cped',
    version: '0.1.0',
    pid: 4711,
    startedAtMs: nowMs - 60_000,
    owner: 'pacemaker-cloud',
    hypervisor: { uri: 'qemu:///system', state: 'up', accelerator: 'tcg', acceleratorReason: 'no /dev/kvm' },
    lastSeq: 0,
    startLimit: null,
    ...fields,
  });
}

export function assemblyDefinition(
  fields: Partial<z.infer<typeof assemblyDefinitionSchema>> = {},
): z.infer<typeof assemblyDefinitionSchema> {
  return assemblyDefinitionSchema.parse({
    name: 'assy1',
    release: 'debian12',
    architecture: 'x86_64',
    uuid: '3f0e9c1a-5b7d-4a53-9d8e-0123456789ab',
    macAddress: '52:54:00:01:02:03',
    memoryMiB: 128,
    vcpus: 1,
    transport: { kind: 'agent' },
    imported: null,
    imageDigest: null,
    escalation: { failures: 3, periodMs: 3_600_000 },
    resources: [],
    ...fields,
  });
}

export function deployableDefinition(): z.infer<typeof deployableDefinitionSchema> {
  return deployableDefinitionSchema.parse({
    name: 'dep1',
    monitoring: 'am',
    intent: 'down',
    escalation: { failures: 2, periodMs: 3_600_000 },
    assemblies: [],
  });
}

export const requirement = requirementSchema.parse({
  release: 'debian12',
  architecture: 'x86_64',
  templates: ['httpd'],
});

export function imageDetails(fields: Partial<ImageDetails> = {}): ImageDetails {
  return imageDetailsSchema.parse({
    digest: jeosDigest,
    kind: 'jeos',
    names: ['jeos debian12 x86_64'],
    release: 'debian12',
    family: 'debian',
    architecture: 'x86_64',
    init: 'systemd',
    templates: [],
    parentDigest: null,
    engine: 'bootstrap',
    engineVersion: '1.3.5',
    method: null,
    medium: null,
    kickstartSha256: null,
    agentVersion: '0.1.0',
    builderVersion: '0.2.0',
    createdAt: new Date(nowMs - 7_500_000).toISOString(),
    buildDurationMs: 52_000,
    diskSha256: 'd1'.repeat(32),
    diskSizeBytes: 83_000_000,
    diskVirtualSizeBytes: 4_294_967_296,
    totalSizeBytes: 190_000_000,
    directory: `/images/${jeosDigest}`,
    files: ['build.log', 'disk.qcow2', 'manifest.json', 'packages.spdx.json'],
    packagesFile: 'packages.spdx.json',
    packageCount: 140,
    packages: null,
    ...fields,
  });
}
