/** The commands for install media: what is asked of the builder, what is printed, and with which exit code. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import { mediaInfoSchema, mediaProgressSchema, mediaVerdictSchema } from '../../model/media-api.ts';
import type {
  MediaInfo,
  MediaOutcome,
  MediaProgress,
  MediaTask,
  MediaVerdict,
} from '../../model/media-api.ts';
import type { BuilderPort } from '../../shell/ports.ts';
import { mediaStep, renderMedia } from '../../shell/render-media.ts';
import { runLine } from '../../shell/run-line.ts';
import { plainStyle } from '../../shell/style.ts';
import { recorder, serviceAway } from './ports-fake.ts';
import type { Recorder } from './ports-fake.ts';
import { nowMs } from './samples.ts';

const sha256 = 'c3'.repeat(32);
const task: MediaTask = { id: '0123456789abcdef', kind: 'add', title: 'RHEL6' };

function info(fields: Partial<MediaInfo> = {}): MediaInfo {
  return mediaInfoSchema.parse({
    release: 'RHEL6',
    architecture: 'x86_64',
    kind: 'iso',
    location: '/srv/rhel.iso',
    origin: 'operator',
    standIn: null,
    state: 'ready',
    title: 'RHEL-6.10 Server.x86_64',
    sha256,
    sizeBytes: 3_853_516_800,
    synthetic: false,
    problem: null,
    hint: null,
    ...fields,
  });
}

function progress(fields: Partial<MediaProgress> = {}): MediaProgress {
  return mediaProgressSchema.parse({
    phase: 'download',
    what: 'http://archive.example/x.iso',
    doneBytes: 1024 ** 3,
    totalBytes: 4 * 1024 ** 3,
    bytesPerSecond: 16 * 1024 ** 2,
    ...fields,
  });
}

const added: MediaOutcome = { kind: 'added', medium: info(), warnings: [] };
const following = (outcome: MediaOutcome, seen: readonly MediaProgress[] = []): Partial<BuilderPort> => ({
  addMedium: () => Promise.resolve(task),
  verifyMedia: () => Promise.resolve(task),
  followMedia: (_id, onProgress) => {
    seen.forEach((one) => onProgress(one));
    return Promise.resolve(outcome);
  },
});

async function run(line: string, session: Recorder): Promise<number> {
  return await runLine(line, session.context);
}

test('media_add shows how far it is and what the release is installed from then', async () => {
  const seen = [0, 1, 2, 15, 16, 60].map((percent) =>
    progress({ doneBytes: 40_000_000 * percent, totalBytes: 4_000_000_000 }),
  );
  const session = recorder({
    builder: following(added, [...seen, progress({ phase: 'verify', doneBytes: 0 })]),
  });
  assert.equal(await run('media_add RHEL6 /srv/rhel.iso', session), 0);
  assert.deepEqual(session.printed, [
    '  0% medium for RHEL6: downloading 0 B of 3.7 GiB, 16 MiB/s, 3m58s left (0s)',
    ' 15% medium for RHEL6: downloading 572 MiB of 3.7 GiB, 16 MiB/s, 3m22s left (0s)',
    ' 60% medium for RHEL6: downloading 2.2 GiB of 3.7 GiB, 16 MiB/s, 1m35s left (0s)',
    '  0% medium for RHEL6: taking the checksum: 0 B of 4.0 GiB, 16 MiB/s, 4m16s left (0s)',
    'RHEL6 x86_64 is installed from RHEL-6.10 Server.x86_64',
    '  /srv/rhel.iso',
    `  sha256 ${sha256}`,
  ]);
});

test('on a terminal it redraws one line, and takes it away', async () => {
  const session = recorder({ builder: following(added, [progress()]), redraws: true });
  assert.equal(await run('media_add RHEL6 /srv/rhel.iso', session), 0);
  assert.match(
    session.lives[0] ?? '',
    /^ 25% .*medium for RHEL6: downloading 1\.0 GiB of 4\.0 GiB, 16 MiB\/s/,
  );
  assert.equal(session.lives.at(-1), undefined);
});

test('a path is sent as the builder must see it; an address as it is', async () => {
  const asked: unknown[] = [];
  const builder: Partial<BuilderPort> = {
    ...following(added),
    addMedium: (...words) => {
      asked.push(words);
      return Promise.resolve(task);
    },
  };
  for (const line of [
    'media_add RHEL6 rhel.iso',
    `media_add RHEL6 http://archive.example/os/ --sha256 ${sha256}`,
    "media_add RHEL6 ''",
    'media_add RHEL6 ftp://archive.example/x.iso',
  ])
    assert.equal(await run(line, recorder({ builder })), 0);
  assert.deepEqual(asked, [
    ['RHEL6', path.resolve('rhel.iso'), undefined],
    ['RHEL6', 'http://archive.example/os/', sha256],
    ['RHEL6', '', undefined],
    ['RHEL6', 'ftp://archive.example/x.iso', undefined],
  ]);
});

test('warnings are warnings, and the medium is added all the same', async () => {
  const session = recorder({
    builder: following({ ...added, warnings: ['It calls itself synthetic.\u001b[2J'] }),
  });
  assert.equal(await run('media_add RHEL6 /srv/rhel.iso', session), 0);
  assert.deepEqual(session.complained, [String.raw`warning: It calls itself synthetic.\u001b[2J`]);
});

test('a wrong checksum is exit code 1 with the builder’s own words', async () => {
  const failure = new PcloudError({
    code: 'media-checksum-mismatch',
    category: 'failed',
    message: 'Expected a, found b.',
    hint: 'Compare.',
  });
  const session = recorder({ builder: { ...following(added), followMedia: () => Promise.reject(failure) } });
  assert.equal(await run('media_add RHEL6 /srv/rhel.iso', session), 1);
  assert.deepEqual(session.complained, ['error: Expected a, found b.', '  hint: Compare.']);
});

test('Ctrl-C is exit code 130, and says what goes on and what would end it', async () => {
  const session = recorder({
    builder: {
      ...following(added),
      followMedia: async (_id, _onProgress, signal) =>
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    },
  });
  const running = run('media_add RHEL6 http://archive.example/x.iso', session);
  setImmediate(session.interrupt);
  assert.equal(await running, 130);
  assert.match(
    session.complained[0] ?? '',
    /^Stopped waiting; adding the medium for RHEL6 goes on\. media_list shows it, media_remove RHEL6 ends it\.$/,
  );
});

test('a builder that is restarted meanwhile is waited for, and said once', async () => {
  let attempts = 0;
  const session = recorder({
    builder: {
      ...following(added),
      followMedia: () => ((attempts += 1) < 3 ? Promise.reject(serviceAway) : Promise.resolve(added)),
    },
  });
  assert.equal(await run('media_add RHEL6 http://archive.example/x.iso', session), 0);
  assert.equal(session.complained.filter((line) => line.startsWith('warning')).length, 1);
});

test('--no-wait only begins', async () => {
  const session = recorder({ builder: { addMedium: () => Promise.resolve(task) } });
  assert.equal(await run('media_add RHEL6 /srv/rhel.iso --no-wait', session), 0);
  assert.match(session.printed[0] ?? '', /^began to add the medium for RHEL6/);
});

const media: readonly MediaInfo[] = [
  info({
    release: 'F14',
    origin: 'catalogue',
    state: 'absent',
    title: null,
    location: 'https://archive.example/F14.iso',
    sha256: null,
  }),
  info(),
  info({
    release: 'F15',
    kind: 'tree',
    origin: 'catalogue',
    standIn: 'CentOS 6.10',
    state: 'remote',
    sizeBytes: null,
    title: null,
    location: 'http://archive.example/os/',
  }),
  info({
    release: 'F16',
    state: 'damaged',
    location: '',
    title: null,
    sizeBytes: null,
    problem: 'It is broken\n',
    hint: 'Give it again.',
  }),
];

test('the list shows kind, state, size and where from, and hints at what is to be done', async () => {
  const session = recorder({ builder: { media: () => Promise.resolve(media) } });
  assert.equal(await run('media_list', session), 0);
  assert.deepEqual(renderMedia(media, { nowMs, columns: null, style: plainStyle }), [
    'RELEASE  ARCH    KIND  STATE    SIZE     WHAT',
    'F14      x86_64  iso   absent   3.6 GiB  https://archive.example/F14.iso',
    'RHEL6    x86_64  iso   ready    3.6 GiB  RHEL-6.10 Server.x86_64: /srv/rhel.iso (given by media_add)',
    'F15      x86_64  tree  remote   -        http://archive.example/os/ (CentOS 6.10 stands in)',
    String.raw`F16      x86_64  -     damaged  -        given by media_add; It is broken\n`,
  ]);
  assert.deepEqual(session.complained, [String.raw`warning: F16: It is broken\n`, '  hint: Give it again.']);
});

test('--json prints what the builder said, on one line, and no progress', async () => {
  const list = recorder({ builder: { media: () => Promise.resolve(media) } });
  assert.equal(await run('media_list --json', list), 0);
  assert.deepEqual(JSON.parse(list.printed.join('\n')), { version: 1, media });
  const verify = recorder({ builder: following({ kind: 'verified', verdicts: [] }, [progress()]) });
  assert.equal(await run('media_verify --json', verify), 0);
  assert.deepEqual(verify.printed, ['{"version":1,"verdicts":[]}']);
});

function verdict(fields: Partial<MediaVerdict>): MediaVerdict {
  const base = {
    release: 'F14',
    architecture: 'x86_64',
    location: '/x.iso',
    verdict: 'checked',
    sha256,
    detail: 'it is good',
    hint: null,
  };
  return mediaVerdictSchema.parse({ ...base, ...fields });
}

test('media_verify is exit code 1 when one is bad, with what to do', async () => {
  const good = recorder({ builder: following({ kind: 'verified', verdicts: [verdict({})] }) });
  assert.equal(await run('media_verify F14', good), 0);
  assert.match(good.printed.at(-1) ?? '', /F14 +x86_64 +checked +c3c3c3c3c3c3 +\/x\.iso: it is good/);
  const bad = verdict({ verdict: 'bad', sha256: null, detail: 'it is another', hint: 'Copy it again.' });
  const session = recorder({ builder: following({ kind: 'verified', verdicts: [verdict({}), bad] }) });
  assert.equal(await run('media_verify', session), 1);
  assert.deepEqual(session.complained, ['warning: F14: it is another', '  hint: Copy it again.']);
  const none = recorder({ builder: following({ kind: 'verified', verdicts: [] }) });
  assert.equal(await run('media_verify', none), 0);
  assert.match(none.printed[0] ?? '', /nothing to verify/);
});

test('media_remove says what it removed', async () => {
  const session = recorder({
    builder: { removeMedium: (release) => Promise.resolve([`the medium for ${release} is forgotten`]) },
  });
  assert.equal(await run('media_remove RHEL6 --yes', session), 0);
  assert.deepEqual(session.printed, ['the medium for RHEL6 is forgotten']);
});

test('progress is said in words whatever is known of it', () => {
  assert.equal(mediaStep(progress({ totalBytes: null })).step, 'downloading 1.0 GiB, 16 MiB/s');
  assert.equal(mediaStep(progress({ bytesPerSecond: null })).step, 'downloading 1.0 GiB of 4.0 GiB');
  assert.equal(mediaStep(progress({ bytesPerSecond: 0 })).step, 'downloading 1.0 GiB of 4.0 GiB, 0 B/s');
  assert.deepEqual(mediaStep(progress({ totalBytes: 0, doneBytes: 0 })).percent, null);
  assert.equal(mediaStep(progress({ doneBytes: 5 * 1024 ** 3 })).percent, 100);
});
