/**
 * The routes of two well-behaved services, for tests of the whole program. A test spreads these and replaces
 * what it is about.
 */
import type { z } from 'zod';
import {
  buildEventSchema,
  builderStatusSchema,
  buildsAnswerSchema,
  imagesAnswerSchema,
  releasesAnswerSchema,
} from '../../model/builder-api.ts';
import type { Build, BuildEvent } from '../../model/builder-api.ts';
import { buildDetailSchema, logEventSchema } from '../../model/build-record.ts';
import type { BuildDetail, LogEvent } from '../../model/build-record.ts';
import {
  assemblyChangeAnswer,
  deployableChangeAnswer,
  doneAnswer,
  imagesInUseAnswer,
  incidentAnswer,
  incidentsAnswer,
  journalAnswer,
} from '../../model/cped-answers.ts';
import { templateAnswer, templatesAnswer } from '../../model/template-answers.ts';
import {
  accessAnswer,
  assemblyAnswer,
  assemblyListAnswer,
  assemblyStatusSchema,
  cpedStatusAnswer,
  deployableAnswer,
  deployableListAnswer,
  deployableStatusSchema,
  requirementsAnswer,
} from '../../model/cped-api.ts';
import type { JournalEvent } from '../../model/event.ts';
import { mediaAnswerSchema, mediaRemovedSchema } from '../../model/media-api.ts';
import type { Canned, Handler, Routes } from './fake-services.ts';
import {
  assemblyDefinition,
  assemblyStatus,
  cpedStatus,
  deployableDefinition,
  deployableStatus,
  incident,
  jeosDigest,
  requirement,
} from './samples.ts';

export function can(schema: z.ZodType, value: unknown): Canned {
  return { schema, value };
}

export function cannedJournal(events: readonly JournalEvent[]): Canned {
  return can(journalAnswer, { events, lastSeq: events.at(-1)?.seq ?? 0 });
}

const changed = { assembly: assemblyDefinition(), requirement };
const deployable = can(deployableAnswer, { deployable: deployableDefinition() });

const template: z.infer<typeof templateAnswer>['template'] = {
  name: 'httpd',
  summary: 'a web server',
  class: 'service',
  ocfAgent: null,
  origin: 'operator',
  file: '/o/httpd.yaml',
  overrides: '/t/httpd.yaml',
  fault: null,
  families: { debian: { service: 'apache2', packages: ['apache2'], files: [] } },
  ports: [{ guestPort: 80, scheme: 'http' }],
  monitorIntervalMs: 10_000,
  monitorTimeoutMs: 20_000,
  startTimeoutMs: 60_000,
  stopTimeoutMs: 60_000,
  checks: [
    {
      name: 'page',
      probe: { kind: 'http', guestPort: 80, path: '/', statusFrom: 200, statusTo: 399 },
      intervalMs: 10_000,
      timeoutMs: 5000,
      failuresNeeded: 3,
      startGraceMs: 30_000,
    },
  ],
  parameters: [],
};

const atStart = can(assemblyChangeAnswer, { ...changed, takesEffect: 'at-start', note: null });

export const cpedRoutes: Routes = {
  'GET /v1/status': can(cpedStatusAnswer, cpedStatus()),
  'GET /v1/templates/httpd': can(templateAnswer, { template }),
  'GET /v1/templates': can(templatesAnswer, {
    templates: [
      {
        name: 'httpd',
        summary: 'a web server',
        families: ['debian'],
        origin: 'shipped',
        file: '/t/httpd.yaml',
        overrides: null,
        checks: ['page'],
      },
    ],
    faults: [],
  }),
  'GET /v1/assemblies': can(assemblyListAnswer, {
    assemblies: [assemblyStatus(), assemblyStatus({ name: 'assy2' })],
  }),
  'POST /v1/assemblies': can(assemblyAnswer, changed),
  'GET /v1/assemblies/assy1': can(assemblyStatusSchema, assemblyStatus()),
  'DELETE /v1/assemblies/assy3': can(doneAnswer, { done: true }),
  'POST /v1/assemblies/assy1/clone': can(assemblyAnswer, changed),
  'GET /v1/assemblies/assy1/access': can(accessAnswer, {
    user: 'root',
    host: '127.0.0.1',
    port: 20022,
    identityFile: '/nowhere/key',
    hostKey: null,
  }),
  'POST /v1/assemblies/assy1/resources': atStart,
  'DELETE /v1/assemblies/assy1/resources/httpdone': can(assemblyChangeAnswer, {
    ...changed,
    takesEffect: 'at-reload',
    note: 'deployable_reload dep1 makes it so.',
  }),
  'POST /v1/assemblies/assy3/renew': atStart,
  'PUT /v1/assemblies/assy1/networks/bridge%3Abr0': atStart,
  'DELETE /v1/assemblies/assy1/networks/bridge%3Abr0': atStart,
  'PUT /v1/assemblies/assy1/disks/data': atStart,
  'DELETE /v1/assemblies/assy1/disks/data': atStart,
  'PUT /v1/assemblies/assy1/escalation': atStart,
  'PUT /v1/assemblies/assy1/resources/httpdone/escalation': can(assemblyChangeAnswer, {
    ...changed,
    takesEffect: 'at-reload',
    note: 'deployable_reload dep1 makes it so.',
  }),
  'GET /v1/deployables': can(deployableListAnswer, { deployables: [deployableStatus()] }),
  'POST /v1/deployables': deployable,
  'GET /v1/deployables/dep1': can(deployableStatusSchema, deployableStatus()),
  'DELETE /v1/deployables/dep1': can(doneAnswer, { done: true }),
  'POST /v1/deployables/dep1/assemblies': can(deployableChangeAnswer, {
    deployable: deployableDefinition(),
    takesEffect: 'at-start',
    note: null,
  }),
  'DELETE /v1/deployables/dep1/assemblies/assy3': deployable,
  'PUT /v1/deployables/dep1/escalation': can(deployableChangeAnswer, {
    deployable: deployableDefinition(),
    takesEffect: 'at-start',
    note: null,
  }),
  'GET /v1/deployables/dep1/requirements': can(requirementsAnswer, { requirements: [] }),
  'POST /v1/deployables/dep1/start': deployable,
  'POST /v1/deployables/dep1/stop': deployable,
  'POST /v1/deployables/dep1/reload': deployable,
  'POST /v1/deployables/dep1/recover': deployable,
  'GET /v1/journal': cannedJournal([]),
  'GET /v1/incidents': can(incidentsAnswer, { incidents: [incident()] }),
  'GET /v1/incidents/12': can(incidentAnswer, { incident: incident() }),
  'GET /v1/images-in-use': can(imagesInUseAnswer, { assemblies: [], images: [] }),
};

export const runningBuild: Build = {
  digest: '3f9a0c11d2e4'.padEnd(64, '0'),
  kind: 'jeos',
  title: 'JEOS debian12 x86_64',
  state: 'active',
  progress: { percent: 42, step: 'install', stepTitle: 'installing packages', elapsedMs: 9000 },
  logPath: '/images/builds/3f9a.log',
  error: null,
  requestedAt: '2026-11-22T11:00:00.000Z',
  finishedAt: null,
  durationMs: null,
};

export const buildDetail: BuildDetail = {
  ...runningBuild,
  startedAt: '2026-11-22T11:00:01.000Z',
  steps: [
    {
      step: 'prepare',
      title: 'preparing files',
      startedAt: '2026-11-22T11:00:01.000Z',
      durationMs: 1240,
    },
    {
      step: 'install',
      title: 'installing packages',
      startedAt: '2026-11-22T11:00:02.240Z',
      durationMs: null,
    },
  ],
  runsOn: { hostName: 'host1', owner: { host: '0123456789ab', pid: 4711, startTicks: '1' } },
  earlier: [{ startedAt: '2026-11-22T10:50:00.000Z', hostName: 'host2', reason: 'the mirror was away' }],
  request: { kind: 'jeos', release: 'debian12', architecture: 'x86_64' },
  requestedOn: 'host2',
  requestedFor: null,
  logSizeBytes: 2048,
  logTail: ['== installing packages', '\tunpacking base-files'],
  evidenceDirectory: '/images/builds/3f9a',
  evidence: [{ name: 'screen.png', sizeBytes: 4096 }],
};

export const builderRoutes: Routes = {
  'GET /v1/status': can(builderStatusSchema, {
    version: '0.1.0',
    redis: 'private',
    redisReachable: true,
    concurrency: 2,
    waiting: 1,
    active: 1,
    imageDirectory: '/images',
    freeBytes: 1e9,
  }),
  'GET /v1/releases': can(releasesAnswerSchema, {
    releases: [
      {
        name: 'debian12',
        aliases: ['bookworm'],
        summary: 'Debian 12',
        family: 'debian',
        architectures: ['x86_64'],
        engine: 'bootstrap',
        engines: ['bootstrap'],
      },
    ],
  }),
  'GET /v1/images': can(imagesAnswerSchema, {
    images: [
      {
        digest: jeosDigest,
        kind: 'jeos',
        names: ['jeos debian12 x86_64'],
        release: 'debian12',
        architecture: 'x86_64',
        templates: [],
        parentDigest: null,
        sizeBytes: 83_000_000,
        createdAt: '2026-11-22T11:00:00.000Z',
        engine: 'bootstrap',
        engineVersion: '1.3.5',
        synthetic: false,
      },
    ],
    damaged: [],
  }),
  'GET /v1/media': can(mediaAnswerSchema, {
    media: [
      {
        release: 'F14',
        architecture: 'x86_64',
        kind: 'iso',
        location: 'https://archive.example/F14.iso',
        origin: 'catalogue',
        standIn: null,
        state: 'absent',
        title: null,
        sha256: null,
        sizeBytes: 3_520_802_816,
        synthetic: false,
        problem: null,
        hint: null,
      },
    ],
  }),
  'DELETE /v1/media/F14': can(mediaRemovedSchema, { removed: ['the medium /x.iso for F14 is forgotten'] }),
  'GET /v1/builds': can(buildsAnswerSchema, { builds: [runningBuild] }),
  [`GET /v1/builds/${runningBuild.digest}`]: can(buildDetailSchema, buildDetail),
};

/** A build's event stream that says this and ends. */
export function buildStream(events: readonly BuildEvent[]): Handler {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events)
      response.write(`id: 1\ndata: ${JSON.stringify(buildEventSchema.parse(event))}\n\n`);
    response.end();
  };
}

/** A log's stream that says this, with the place in the log as ids, and ends. */
export function logStream(events: readonly LogEvent[]): Handler {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const [index, event] of events.entries())
      response.write(`id: 1-1:${index}\ndata: ${JSON.stringify(logEventSchema.parse(event))}\n\n`);
    response.end();
  };
}
