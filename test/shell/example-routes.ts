/**
 * Two services for which every example of the command table goes well: what `canned.ts` answers, and what only
 * the examples ask. Each answer is checked by the schema of the wire before it is sent.
 */
import { buildSchema, deletedAnswerSchema, ensureAnswerSchema } from '../../model/builder-api.ts';
import type { Build } from '../../model/builder-api.ts';
import {
  alertsAnswer,
  assemblyChangeAnswer,
  doneAnswer,
  maintenanceAnswer,
  maintenanceClearedAnswer,
  maintenanceListAnswer,
  maintenanceWindowsAnswer,
  resourcesAnswer,
  secretAnswer,
} from '../../model/cped-answers.ts';
import type { TargetWindows } from '../../model/cped-answers.ts';
import {
  accessAnswer,
  deployableAnswer,
  deployableStatusSchema,
  importAnswer,
} from '../../model/cped-api.ts';
import type { JournalEvent } from '../../model/event.ts';
import { gcAnswerSchema } from '../../model/image-gc.ts';
import { imageDetailsSchema } from '../../model/image-details.ts';
import { mediaEventSchema, mediaRemovedSchema, mediaTaskSchema } from '../../model/media-api.ts';
import type { MediaEvent, MediaInfo } from '../../model/media-api.ts';
import {
  builderRoutes,
  buildStream,
  can,
  cannedJournal,
  cpedRoutes,
  logStream,
  runningBuild,
} from './canned.ts';
import { eventRoute } from './fake-services.ts';
import type { Canned, FakeService, Handler, Routes } from './fake-services.ts';
import {
  assemblyDefinition,
  deployableDefinition,
  deployableStatus,
  imageDetails,
  imageDigest,
  jeosDigest,
  journalEvent,
  requirement,
  resourceStatus,
} from './samples.ts';

const sha256 = 'c3'.repeat(32);
/** The file of the example of deployable_apply, `shop.yaml`. */
export const serviceFileText =
  'version: 1\nname: shop\nassemblies:\n  front:\n    release: debian12\n    resources: { site: { template: httpd } }\n';

/** Of OpenSSH's own form; nobody has its secret half. */
export const guestHostKey = `ssh-ed25519 ${Buffer.alloc(51, 7).toString('base64')} root@guest`;

const changed = can(assemblyChangeAnswer, {
  assembly: assemblyDefinition(),
  requirement,
  takesEffect: 'at-start',
  note: null,
});
const done = can(doneAnswer, { done: true });
const maintenance = { target: 'assembly:assy1', untilMs: null, setAtMs: 1, window: null };
const targetWindows: TargetWindows = {
  target: 'deployable:dep1',
  windows: [
    {
      target: 'deployable:dep1',
      window: { every: ['sunday'], at: '03:00', forMs: 7_200_000, timeZone: 'Europe/Berlin' },
      nextMs: 1_780_275_600_000,
    },
  ],
};
const built: Build = { ...runningBuild, state: 'built', progress: null };
const queued = can(ensureAnswerSchema, {
  digest: jeosDigest,
  state: 'waiting',
  jobId: jeosDigest,
  title: 'JEOS debian12 x86_64',
});

const medium: MediaInfo = {
  release: 'RHEL6',
  architecture: 'x86_64',
  kind: 'iso',
  location: '/srv/iso/rhel.iso',
  origin: 'operator',
  standIn: null,
  state: 'ready',
  title: 'RHEL-6.10 Server.x86_64',
  sha256,
  sizeBytes: 3_853_516_800,
  synthetic: false,
  problem: null,
  hint: null,
};
const addTask = '0123456789abcdef';
const verifyTask = 'fedcba9876543210';

function task(id: string, kind: 'add' | 'verify'): Canned {
  return can(mediaTaskSchema, { id, kind, title: 'a medium' });
}

/** A task's stream that says this and ends. */
function taskStream(event: MediaEvent): Handler {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`id: 1\ndata: ${JSON.stringify(mediaEventSchema.parse(event))}\n\n`);
  };
}

export const exampleBuilderRoutes: Routes = {
  ...builderRoutes,
  'POST /v1/images/ensure': queued,
  [`GET /v1/builds/${jeosDigest}/events`]: buildStream([
    { kind: 'done', build: { ...built, digest: jeosDigest } },
  ]),
  'DELETE /v1/images/jeos/debian12/x86_64': can(deletedAnswerSchema, { deleted: [jeosDigest] }),
  'GET /v1/images/jeos/debian12/x86_64': can(imageDetailsSchema, imageDetails({ packages: [] })),
  [`GET /v1/images/${imageDigest}`]: can(
    imageDetailsSchema,
    imageDetails({ digest: imageDigest, kind: 'assembly' }),
  ),
  'POST /v1/images/gc': can(gcAnswerSchema, { shared: false, entries: [] }),
  [`GET /v1/builds/${runningBuild.digest}/log`]: logStream([
    { kind: 'text', text: '== installing packages\n' },
    { kind: 'end', state: 'built' },
  ]),
  [`POST /v1/builds/${runningBuild.digest}/cancel`]: can(buildSchema, {
    ...runningBuild,
    state: 'cancelled',
  }),
  [`POST /v1/builds/${runningBuild.digest}/retry`]: queued,
  'POST /v1/media': task(addTask, 'add'),
  'POST /v1/media/verify': task(verifyTask, 'verify'),
  [`GET /v1/media/tasks/${addTask}/events`]: taskStream({ kind: 'added', medium, warnings: [] }),
  [`GET /v1/media/tasks/${verifyTask}/events`]: taskStream({
    kind: 'verified',
    verdicts: [
      {
        release: 'F14',
        architecture: 'x86_64',
        location: '/x.iso',
        verdict: 'checked',
        sha256,
        detail: 'its checksum',
        hint: null,
      },
    ],
  }),
  'DELETE /v1/media/RHEL6': can(mediaRemovedSchema, {
    removed: ['the medium /x.iso for RHEL6 is forgotten'],
  }),
};

/** @param identityFile A file that can be read, for `assembly_ssh`; nobody listens on the port that goes with it. */
export function exampleCpedRoutes(identityFile: string, closedPort: number): Routes {
  const journal: JournalEvent[] = [journalEvent()];
  return {
    ...cpedRoutes,
    'GET /v1/journal': cannedJournal(journal),
    'GET /v1/events': eventRoute(journal).route,
    'POST /v1/import': can(importAnswer, {
      assembly: assemblyDefinition({ name: 'shop1' }),
      copiedBytes: 4096,
      durationMs: 12,
      publicKey: null,
    }),
    'GET /v1/assemblies/assy1/access': can(accessAnswer, {
      user: 'root',
      host: '127.0.0.1',
      port: closedPort,
      identityFile,
      hostKey: guestHostKey,
    }),
    'GET /v1/assemblies/assy1/resources': can(resourcesAnswer, { resources: [resourceStatus()] }),
    'PUT /v1/assemblies/web/depends': changed,
    'DELETE /v1/assemblies/web/depends/db': changed,
    'PUT /v1/assemblies/web/resources/httpdone/depends': changed,
    'DELETE /v1/assemblies/web/resources/httpdone/depends/db/mysqldone': changed,
    'PUT /v1/assemblies/web/resources/httpdone/parameters/DB_HOST': changed,
    'DELETE /v1/assemblies/web/resources/httpdone/parameters/DB_HOST': changed,
    'POST /v1/maintenance': can(maintenanceAnswer, { maintenance }),
    'POST /v1/maintenance/clear': can(maintenanceClearedAnswer, { target: 'assembly:assy1', goesOn: null }),
    'GET /v1/maintenance': can(maintenanceListAnswer, {
      maintenances: [maintenance],
      windows: targetWindows.windows,
    }),
    'PUT /v1/maintenance/windows': can(maintenanceWindowsAnswer, targetWindows),
    'POST /v1/maintenance/windows': can(maintenanceWindowsAnswer, targetWindows),
    'POST /v1/maintenance/windows/remove': can(maintenanceWindowsAnswer, targetWindows),
    'POST /v1/deployables/dep1/alerts': can(alertsAnswer, { alerts: [{ program: 'alert-pager' }] }),
    'POST /v1/deployables/dep1/alerts/remove': can(alertsAnswer, { alerts: [] }),
    'PUT /v1/deployables/dep1/secrets/database-password': can(secretAnswer, { changed: true, note: null }),
    'DELETE /v1/deployables/dep1/secrets/database-password': done,
    'PUT /v1/start-limit': done,
  };
}

/** Starting and stopping change what the status says, as in a service. */
export function followIntent(cped: FakeService): void {
  const becomes = (state: 'active' | 'stopped', intent: 'up' | 'down'): Handler => {
    return (_request, response) => {
      cped.routes['GET /v1/deployables/dep1'] = can(
        deployableStatusSchema,
        deployableStatus({ state, intent }),
      );
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(deployableAnswer.parse({ deployable: deployableDefinition() })));
    };
  };
  cped.routes['POST /v1/deployables/dep1/start'] = becomes('active', 'up');
  cped.routes['POST /v1/deployables/dep1/stop'] = becomes('stopped', 'down');
}
