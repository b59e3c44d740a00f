/**
 * Downloads from a real server that misbehaves: whatever it does, in the end there is the right file, or none
 * and a reason. A killed builder is one whose part is found by the next.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { download, downloadedPath, partPath } from '../../../builder/media/download.ts';
import type { Download, DownloadLimits } from '../../../builder/media/download.ts';
import { PcloudError } from '../../../model/errors.ts';
import type { Misdeed } from './archive-server.ts';
import { quickLimits, sha256Of, world } from './world.ts';
import type { World } from './world.ts';

const content = randomBytes(200_000);
const sum = sha256Of(content);

type Case = World & { readonly job: Download; misbehave(...misdeeds: Misdeed[]): void };

async function downloading(
  t: TestContext,
  limits: Partial<DownloadLimits> = {},
  expectedSha256: string | null = sum,
): Promise<Case> {
  const made = await world(t, { '/dvd.iso': content });
  const { cacheDirectory } = made.context;
  await mkdir(cacheDirectory);
  const job: Download = {
    url: `${made.archive.url}/dvd.iso`,
    directory: cacheDirectory,
    owner: 'test',
    expectedSha256,
    limits: { ...quickLimits, ...limits },
    nowMs: () => performance.now(),
    ...made.work,
  };
  return { ...made, job, misbehave: (...misdeeds) => void made.archive.misdeeds.set('/dvd.iso', misdeeds) };
}

async function assertWhole(made: Case): Promise<void> {
  const done = await download(made.job);
  assert.equal(done.sha256, sum);
  assert.equal(done.path, downloadedPath(made.job.directory, sum));
  assert.ok((await readFile(done.path)).equals(content));
  assert.deepEqual(await made.cached(), [`${sum}.iso`]);
}

async function failureOf(made: Case): Promise<PcloudError> {
  try {
    await download(made.job);
  } catch (error) {
    assert.ok(error instanceof PcloudError, String(error));
    return error;
  }
  return assert.fail('it did not fail');
}

test('a download is verified, in place under its checksum, and nothing is left beside it', async (t) => {
  const made = await downloading(t);
  await assertWhole(made);
  assert.deepEqual(made.archive.requests, ['GET /dvd.iso']);
  const downloads = made.progress.filter(({ phase }) => phase === 'download');
  assert.deepEqual([downloads.at(0)?.doneBytes, downloads.at(-1)?.doneBytes], [0, 200_000]);
  assert.ok(downloads.every(({ totalBytes }) => totalBytes === 200_000));
  assert.equal(made.progress.at(-1)?.phase, 'verify');
});

/** Each ends well; `requests` is what the server must have seen, when that matters. */
const survivable: readonly (readonly [title: string, misdeeds: readonly Misdeed[], requests?: RegExp])[] = [
  [
    'drops the connection',
    [{ kind: 'drop', afterBytes: 50_000 }],
    /^GET \/dvd\.iso\nGET \/dvd\.iso bytes=50000-$/,
  ],
  [
    'drops it again and again, a little further each time',
    Array.from({ length: 8 }, () => ({ kind: 'drop', afterBytes: 20_000 }) as const),
    /bytes=20000-\n.*bytes=40000-[^]*bytes=160000-$/,
  ],
  ['drops it before the first byte', [{ kind: 'drop', afterBytes: 0 }]],
  ['stalls', [{ kind: 'stall', afterBytes: 30_000 }], /bytes=30000-$/],
  [
    'answers 503 twice',
    [
      { kind: 'status', status: 503 },
      { kind: 'status', status: 503 },
    ],
  ],
  ['answers 429', [{ kind: 'status', status: 429 }]],
  ['ignores ranges', [{ kind: 'drop', afterBytes: 50_000 }, { kind: 'ignore-range' }]],
  [
    'says no such range',
    [
      { kind: 'drop', afterBytes: 50_000 },
      { kind: 'status', status: 416 },
    ],
    /bytes=50000-\nGET \/dvd\.iso$/,
  ],
  ['promises more than there is', [{ kind: 'length', contentLength: 300_000 }]],
  ['never says how much there is', [{ kind: 'chunked' }]],
  ['says nothing of versions, and drops', [{ kind: 'no-validator' }]],
  ['redirects', [{ kind: 'redirect', to: '/dvd.iso' }]],
];
for (const [title, misdeeds, requests] of survivable)
  test(`from a server that ${title}, the file comes whole`, async (t) => {
    const made = await downloading(t);
    made.misbehave(...misdeeds);
    await assertWhole(made);
    if (requests !== undefined) assert.match(made.archive.requests.join('\n'), requests);
  });

const hopeless: readonly (readonly [title: string, misdeed: Misdeed, code: string, message: RegExp])[] = [
  ['has no such file', { kind: 'status', status: 404 }, 'media-refused', /status 404/],
  ['forbids it', { kind: 'status', status: 403 }, 'media-refused', /status 403/],
  [
    'redirects for ever',
    { kind: 'redirect', to: '/dvd.iso' },
    'media-refused',
    /redirected more than 5 times/,
  ],
  ['redirects to a file', { kind: 'redirect', to: 'file:///etc/passwd' }, 'media-refused', /file:/],
  ['redirects nowhere', { kind: 'redirect', to: 'http://[' }, 'media-refused', /address that is none/],
  ['keeps being in trouble', { kind: 'status', status: 500 }, 'media-unreachable', /status 500/],
  ['keeps stalling', { kind: 'stall', afterBytes: 0 }, 'media-unreachable', /no byte for|no answer for/],
];
for (const [title, misdeed, code, message] of hopeless)
  test(`a server that ${title} is ${code}, and nothing of it is used`, async (t) => {
    const made = await downloading(t, { stallMs: 50 });
    made.misbehave(...Array.from({ length: 50 }, () => misdeed));
    const error = await failureOf(made);
    assert.deepEqual([error.code, made.archive.requests.length <= 6], [code, true], error.message);
    assert.match(error.message, message);
    assert.ok(error.hint !== undefined);
    assert.ok(!(await made.cached()).some((name) => name.endsWith('.iso')));
  });

test('a server that does not exist is media-unreachable', async (t) => {
  const made = await downloading(t);
  await made.archive.close();
  const error = await failureOf(made);
  assert.deepEqual([error.code, error.category], ['media-unreachable', 'unavailable']);
  assert.match(error.message, /ECONNREFUSED/);
});

test('a wrong checksum keeps nothing, and says what was expected and what was found', async (t) => {
  const made = await downloading(t, {}, 'f'.repeat(64));
  const error = await failureOf(made);
  assert.equal(error.code, 'media-checksum-mismatch');
  assert.match(error.message, new RegExp(`expected sha256 f{64}, found ${sum}`));
  assert.deepEqual(await made.cached(), []);
});

test('a file that changes between two attempts is begun anew', async (t) => {
  const made = await downloading(t);
  made.archive.files.set('/dvd.iso', randomBytes(200_000));
  made.misbehave({ kind: 'drop', afterBytes: 60_000 });
  const first = download({ ...made.job, limits: { ...quickLimits, retryDelaysMs: [] } });
  await assert.rejects(first, { code: 'media-unreachable' });
  made.archive.files.set('/dvd.iso', content);
  await assertWhole(made);
});

test('so is one whose server claims that it had not changed', async (t) => {
  const made = await downloading(t);
  made.archive.files.set('/dvd.iso', randomBytes(200_000));
  made.misbehave({ kind: 'drop', afterBytes: 60_000 });
  await assert.rejects(download({ ...made.job, limits: { ...quickLimits, retryDelaysMs: [] } }));
  made.archive.files.set('/dvd.iso', content);
  made.misbehave({ kind: 'ignore-condition' });
  await assertWhole(made);
  assert.deepEqual(made.archive.requests, ['GET /dvd.iso', 'GET /dvd.iso bytes=60000-', 'GET /dvd.iso']);
});

test('wrong bytes of an earlier run cost a second download, not the file', async (t) => {
  const made = await downloading(t);
  made.misbehave({ kind: 'drop', afterBytes: 60_000 });
  await assert.rejects(download({ ...made.job, limits: { ...quickLimits, retryDelaysMs: [] } }));
  const part = partPath(made.job.directory, 'test', made.job.url);
  await writeFile(part, Buffer.alloc(60_000));
  await assertWhole(made);
});

test('what a killed builder had made durable is gone on with; what it had not is fetched again', async (t) => {
  const made = await downloading(t);
  made.misbehave({ kind: 'stall', afterBytes: 100_000 });
  const stop = new AbortController();
  const onProgress: Download['onProgress'] = ({ doneBytes }) => {
    if (doneBytes >= 90_000) stop.abort(new Error('enough'));
  };
  let atMs = 0;
  const nowMs = (): number => (atMs += 1000);
  await assert.rejects(download({ ...made.job, onProgress, nowMs, signal: stop.signal }), /enough/);
  // As after kill -9: the part is longer than what is noted of it.
  const part = partPath(made.job.directory, 'test', made.job.url);
  const bytes = await readFile(part);
  await writeFile(part, Buffer.concat([bytes, randomBytes(5000)]));
  await assertWhole(made);
  assert.match(made.archive.requests.at(-1) ?? '', new RegExp(`bytes=${bytes.length}-$`));
});

test('a download that was whole and only not renamed yet asks the server for nothing', async (t) => {
  const made = await downloading(t);
  made.misbehave({ kind: 'drop', afterBytes: 199_999 });
  await assert.rejects(download({ ...made.job, limits: { ...quickLimits, retryDelaysMs: [] } }));
  const part = partPath(made.job.directory, 'test', made.job.url);
  await writeFile(part, content);
  const note = JSON.parse(await readFile(`${part}.json`, 'utf8')) as { haveBytes: number };
  await writeFile(`${part}.json`, JSON.stringify({ ...note, haveBytes: content.length }));
  const before = made.archive.requests.length;
  await assertWhole(made);
  assert.equal(made.archive.requests.length, before);
});

test('a damaged note of a part costs the part, nothing else', async (t) => {
  const made = await downloading(t);
  const part = partPath(made.job.directory, 'test', made.job.url);
  await writeFile(part, 'half');
  await writeFile(`${part}.json`, '{"partVersion":');
  await assertWhole(made);
});

test('two builders that share the directory each finish, and the file is whole', async (t) => {
  const made = await downloading(t);
  made.misbehave({ kind: 'drop', afterBytes: 10_000 }, { kind: 'drop', afterBytes: 20_000 });
  const [one, two] = await Promise.all([download(made.job), download({ ...made.job, owner: 'other' })]);
  assert.equal(one.path, two.path);
  await assertWhole(made);
});

test('more than the limit is refused before it is fetched, also when the server does not say how much', async (t) => {
  const made = await downloading(t, { maxBytes: 100_000 });
  assert.equal((await failureOf(made)).code, 'media-too-large');
  made.misbehave({ kind: 'chunked' });
  assert.equal((await failureOf(made)).code, 'media-too-large');
  assert.ok(!(await made.cached()).some((name) => name.endsWith('.iso')));
});

test('without room for it the download does not begin, and says how much is needed', async (t) => {
  const made = await downloading(t, { spareBytes: 2 ** 60 });
  const error = await failureOf(made);
  assert.equal(error.code, 'disk-full');
  assert.match(error.message, /not enough room in .*MiB free, 1099511627777 MiB needed/);
  assert.match(error.hint ?? '', /PCLOUD_STATE_DIR/);
});

test('it can be stopped while it waits to try again', async (t) => {
  const made = await downloading(t, { retryDelaysMs: [60_000] });
  made.misbehave({ kind: 'status', status: 503 });
  const stop = new AbortController();
  const stopped = download({ ...made.job, signal: stop.signal });
  while (made.archive.requests.length === 0) await new Promise(setImmediate);
  stop.abort(new Error('enough'));
  await assert.rejects(stopped, /enough/);
});

test('a token in an address is shown to nobody', async (t) => {
  const made = await downloading(t);
  const job = { ...made.job, url: `${made.job.url}?_auth_=secret`, expectedSha256: 'f'.repeat(64) };
  const error = await failureOf({ ...made, job });
  assert.doesNotMatch(JSON.stringify([error.message, error.facts, made.progress]), /secret/);
});

test('a file far larger than what is read ahead comes whole, made durable on the way', async (t) => {
  const large = randomBytes(12 * 1024 * 1024);
  const made = await downloading(t, { keepEveryBytes: 4 * 1024 * 1024 }, sha256Of(large));
  made.archive.files.set('/dvd.iso', large);
  const done = await download(made.job);
  assert.ok((await readFile(done.path)).equals(large));
});
