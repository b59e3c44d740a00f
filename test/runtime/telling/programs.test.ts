/** Which files are run as alert programs, and what becomes of programs that behave in every bad way. */
import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { readProgramDirectory } from '../../../runtime/telling/programs.ts';
import { runProgram } from '../../../runtime/telling/run-program.ts';
import type { AlertOutcome } from '../../../runtime/telling/run-program.ts';

async function directoryOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'pcp-'));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  return directory;
}

async function program(directory: string, name: string, script: string, modeOctal = 0o755): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, modeOctal);
  return file;
}

test('only regular executable files that nobody else may write are run; the others are named with the reason', async (t) => {
  const directory = await directoryOf(t);
  for (const name of [
    'mail',
    'pager.py',
    'mail~',
    '.hidden',
    '#mail#',
    'mail.bak',
    'mail.rpmnew',
    'mail.dpkg-dist',
    'x.swp',
  ])
    await program(directory, name, 'exit 0');
  await program(directory, 'README', '', 0o644);
  await program(directory, 'open-to-all', '', 0o757);
  await program(directory, 'open-to-group', '', 0o775);
  await mkdir(path.join(directory, 'directory'));
  await symlink(path.join(directory, 'mail'), path.join(directory, 'link'));
  const { programs, skipped } = await readProgramDirectory(directory);
  assert.deepEqual(
    programs,
    ['mail', 'pager.py'].map((name) => ({ name, path: path.join(directory, name) })),
  );
  const reasons = Object.fromEntries(skipped.map(({ name, why }) => [name, why]));
  assert.equal(Object.keys(reasons).length, 12);
  for (const name of ['mail~', '.hidden', '#mail#', 'mail.bak', 'mail.rpmnew', 'mail.dpkg-dist', 'x.swp'])
    assert.match(reasons[name] ?? '', /leave behind/, name);
  assert.match(reasons['README'] ?? '', /not executable/);
  assert.match(reasons['open-to-all'] ?? '', /others may write/);
  assert.match(reasons['open-to-group'] ?? '', /others may write/);
  assert.match(reasons['directory'] ?? '', /not a regular file/);
  assert.match(reasons['link'] ?? '', /not a regular file/);
});

test('a directory that others may write to is not used at all, and one that is not there is empty', async (t) => {
  const directory = await directoryOf(t);
  await program(directory, 'mail', 'exit 0');
  await chmod(directory, 0o777);
  const { programs, skipped } = await readProgramDirectory(directory);
  assert.deepEqual(programs, []);
  assert.match(skipped[0]?.why ?? '', /others may write/);
  assert.deepEqual(await readProgramDirectory(path.join(directory, 'absent')), { programs: [], skipped: [] });
});

test('a program of another user is not run', { skip: process.getuid?.() !== 0 }, async (t) => {
  const directory = await directoryOf(t);
  await chown(await program(directory, 'mail', 'exit 0'), 65_534, 65_534);
  const { programs, skipped } = await readProgramDirectory(directory);
  assert.deepEqual(programs, []);
  assert.match(skipped[0]?.why ?? '', /belongs to user 65534/);
});

const never = new AbortController().signal;

async function run(
  file: string,
  options: { timeoutMs?: number; signal?: AbortSignal; input?: string } = {},
): Promise<AlertOutcome> {
  return await runProgram({
    path: file,
    environment: { PCLOUD_ALERT_VERSION: '1', PCLOUD_ALERT_TEXT: 'two words' },
    input: '{"version":1}\n',
    timeoutMs: 10_000,
    killDelayMs: 200,
    signal: never,
    ...options,
  });
}

test('a program gets a clean environment, the JSON on its standard input, and no arguments', async (t) => {
  const directory = await directoryOf(t);
  process.env['PCLOUD_SECRET_OF_THE_TEST'] = 'x';
  t.after(() => delete process.env['PCLOUD_SECRET_OF_THE_TEST']);
  const file = await program(directory, 'tells', `{ env; echo "$# arguments"; cat; } > ${directory}/out`);
  assert.deepEqual(await run(file), { ok: true });
  const lines = (await readFile(path.join(directory, 'out'), 'utf8')).trim().split('\n');
  // What sh(1) itself sets is not ours.
  const ours = lines.filter((line) => !/^(?:PWD|OLDPWD|SHLVL|_)=/.test(line)).sort();
  assert.deepEqual(ours, [
    '0 arguments',
    'HOME=/',
    'LANG=C.UTF-8',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'PCLOUD_ALERT_TEXT=two words',
    'PCLOUD_ALERT_VERSION=1',
    '{"version":1}',
  ]);
});

test(
  'of the rights that the service holds, a program gets none',
  { skip: process.getuid?.() !== 0 },
  async (t) => {
    const directory = await directoryOf(t);
    const shows = await program(
      directory,
      'shows',
      `grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status > ${directory}/out`,
    );
    const fixture = new URL('fixtures/run-one.ts', import.meta.url).pathname;
    // As the unit has it, and root's own rights switched off: CAP_KILL is all that there is.
    const rights = ['--securebits=+noroot', '--inh-caps=-all,+kill', '--ambient-caps=-all,+kill', '--'];
    await execa('setpriv', [...rights, shows], { timeout: 20_000 });
    const read = async (): Promise<string> => await readFile(path.join(directory, 'out'), 'utf8');
    assert.match(await read(), /CapEff:\t0+20\n/, 'the test would see a right');
    const { stdout } = await execa('setpriv', [...rights, process.execPath, fixture, shows], {
      timeout: 20_000,
    });
    assert.deepEqual(JSON.parse(stdout), { ok: true });
    assert.doesNotMatch(await read(), /[1-9a-f]$/m);
    assert.equal((await read()).match(/\t0{16}$/gm)?.length, 4);
  },
);

test('a program that fails is told by exit code and its last words', async (t) => {
  const directory = await directoryOf(t);
  for (const [script, why] of [
    ['echo first >&2; echo "no route to host" >&2; exit 3', 'it ended with exit code 3 (no route to host)'],
    ['exit 1', 'it ended with exit code 1'],
    ['kill -9 $$', 'it was ended by SIGKILL'],
  ] as const)
    assert.deepEqual(await run(await program(directory, 'fails', script)), { ok: false, why });
});

test('what is no program at all is a failure with its reason', async (t) => {
  const directory = await directoryOf(t);
  const file = path.join(directory, 'noise');
  await writeFile(file, '#!/no/such/interpreter\n');
  await chmod(file, 0o755);
  const outcome = await run(file);
  assert.match(outcome.ok ? '' : outcome.why, /exit code 127 \(.*No such file or directory\)/);
});

test('a program that hangs is ended after its time limit, one that ignores SIGTERM is killed, with its group', async (t) => {
  const directory = await directoryOf(t);
  for (const script of [
    'exec sleep 600',
    `trap '' TERM; sleep 600 & echo $! > ${directory}/child; wait; sleep 600`,
  ]) {
    const startedMs = performance.now();
    const outcome = await run(await program(directory, 'hangs', script), { timeoutMs: 300 });
    assert.deepEqual(outcome, { ok: false, why: 'it did not end within 0.3 s' });
    assert.ok(performance.now() - startedMs < 5000);
  }
  await assertGone(path.join(directory, 'child'));
});

test('a child that is left behind and holds the pipe open is not waited for, and ended', async (t) => {
  const directory = await directoryOf(t);
  const file = await program(directory, 'forks', `sleep 600 & echo $! > ${directory}/child; exit 0`);
  const startedMs = performance.now();
  assert.deepEqual(await run(file), { ok: true });
  assert.ok(performance.now() - startedMs < 5000);
  await assertGone(path.join(directory, 'child'));
});

test('a program may write 10 MB to both of its outputs, and read nothing of a large input', async (t) => {
  const directory = await directoryOf(t);
  const file = await program(
    directory,
    'floods',
    'head -c 10485760 /dev/zero; head -c 10485760 /dev/zero | tr "\\\\0" x >&2; exec 0<&-; exit 4',
  );
  const outcome = await run(file, { input: 'x'.repeat(4 * 1024 * 1024) });
  assert.match(outcome.ok ? '' : outcome.why, /^it ended with exit code 4 \(x{200}\)$/);
});

test('a program that runs when the service ends is ended with it', async (t) => {
  const directory = await directoryOf(t);
  const end = new AbortController();
  const running = run(await program(directory, 'slow', 'sleep 600'), { signal: end.signal });
  setImmediate(() => end.abort());
  assert.deepEqual(await running, { ok: false, why: 'the service ended meanwhile' });
});

/** The process of that pid file has ended; the kernel may take a moment to say so. */
async function assertGone(pidFile: string): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8'));
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // A zombie has ended; whoever inherits it collects it.
    if (state === '' || / Z /.test(state)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`process ${pid} is still there`);
}
