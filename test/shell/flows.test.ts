/**
 * Commands that ask more than one thing: builds with progress, the queue after a definition changed, the start
 * of a deployable, and what happens when one of the services is away or the operator stops waiting.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import type { BuilderPort, BuildProgress, CpedPort } from '../../shell/ports.ts';
import { runLine } from '../../shell/run-line.ts';
import { recorder, serviceAway } from './ports-fake.ts';
import type { Recorder } from './ports-fake.ts';
import { cpedStatus, deployableStatus, imageDigest, jeosDigest, requirement } from './samples.ts';

const steps: readonly BuildProgress[] = [
  { state: 'waiting', percent: null, step: null },
  { state: 'active', percent: 5, step: 'reading the archive' },
  { state: 'active', percent: 40, step: 'installing packages' },
  { state: 'active', percent: 60, step: 'installing packages' },
  { state: 'active', percent: 95, step: 'making the disk' },
];

const building: Partial<BuilderPort> = {
  builds: () => Promise.resolve([]),
  ensureJeos: () => Promise.resolve({ digest: jeosDigest, ready: false }),
  ensureRequirement: () => Promise.resolve({ digest: imageDigest, ready: false }),
  follow: (_digest, onProgress) => {
    steps.forEach((step) => onProgress(step));
    return Promise.resolve();
  },
};

async function run(line: string, session: Recorder): Promise<number> {
  return await runLine(line, session.context);
}

test('in a pipe, jeos_create prints one line a step and at the end digest and seconds', async () => {
  const session = recorder({ builder: building });
  assert.equal(await run('jeos_create debian12 x86_64', session), 0);
  assert.deepEqual(session.printed.slice(0, -1), [
    'JEOS debian12 x86_64: waiting (0s)',
    '  5% JEOS debian12 x86_64: reading the archive (0s)',
    ' 40% JEOS debian12 x86_64: installing packages (0s)',
    ' 95% JEOS debian12 x86_64: making the disk (0s)',
  ]);
  assert.match(session.printed.at(-1) ?? '', /^JEOS debian12 x86_64 is built: a1a1a1a1a1a1 in 0\.\d s$/);
});

test('on a terminal, it redraws one line in place and takes it away at the end', async () => {
  const session = recorder({ builder: building, redraws: true });
  assert.equal(await run('jeos_create debian12 x86_64', session), 0);
  assert.equal(session.printed.length, 1);
  assert.ok(session.lives.some((line) => line?.includes('installing packages')));
  assert.equal(session.lives.at(-1), undefined);
});

test('a JEOS that is built already is said at once, and nothing is followed', async () => {
  const session = recorder({
    builder: { ensureJeos: () => Promise.resolve({ digest: jeosDigest, ready: true }) },
  });
  assert.equal(await run('jeos_create debian12 x86_64', session), 0);
  assert.deepEqual(session.printed, ['JEOS debian12 x86_64 is already built: a1a1a1a1a1a1']);
});

test('--no-wait only queues', async () => {
  const session = recorder({ builder: { ensureJeos: building.ensureJeos as BuilderPort['ensureJeos'] } });
  assert.equal(await run('jeos_create debian12 x86_64 --no-wait', session), 0);
  assert.match(session.printed[0] ?? '', /^queued/);
});

test('a build that fails is exit code 1 with its own message and hint', async () => {
  const failure = new PcloudError({
    code: 'build-failed',
    category: 'failed',
    message: 'Step install failed.',
    hint: 'Log: /images/x/build.log',
  });
  const session = recorder({ builder: { ...building, follow: () => Promise.reject(failure) } });
  assert.equal(await run('jeos_create debian12 x86_64', session), 1);
  assert.deepEqual(session.complained, ['error: Step install failed.', '  hint: Log: /images/x/build.log']);
});

const hanging: BuilderPort['follow'] = async (_digest, _onProgress, signal) =>
  await new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

test('Ctrl-C while a build runs is exit code 130, says that it goes on, and cancels nothing', async () => {
  const session = recorder({ builder: { ...building, follow: hanging } });
  const running = run('jeos_create debian12 x86_64', session);
  setImmediate(session.interrupt);
  assert.equal(await running, 130);
  assert.match(session.complained[0] ?? '', /the build of JEOS debian12 x86_64 goes on/);
  assert.deepEqual(session.printed, ['JEOS debian12 x86_64: waiting (0s)']);
});

test('a command that does not heed Ctrl-C is left alone after a moment', async () => {
  const session = recorder({ cped: { assemblies: () => new Promise(() => undefined) } });
  const running = run('assembly_list', session);
  setImmediate(session.interrupt);
  assert.equal(await running, 130);
  assert.match(session.complained[0] ?? '', /may still happen/);
});

test('a builder that is restarted in the middle is waited for, and said once', async () => {
  let attempts = 0;
  const session = recorder({
    builder: {
      ...building,
      follow: () => ((attempts += 1) < 3 ? Promise.reject(serviceAway) : Promise.resolve()),
    },
  });
  assert.equal(await run('jeos_create debian12 x86_64', session), 0);
  assert.equal(attempts, 3);
  assert.equal(session.complained.filter((line) => line.startsWith('warning')).length, 1);
});

const added = { requirement, imageDigest: null, note: null };

test('a resource is added, and its image queued without waiting', async () => {
  const session = recorder({ cped: { addResource: () => Promise.resolve(added) }, builder: building });
  assert.equal(await run('assembly_resource_add httpdone httpd assy1', session), 0);
  assert.deepEqual(session.printed, [
    'resource httpdone (httpd) added to assembly assy1',
    'its image (debian12 x86_64 with httpd) is on its way: b2b2b2b2b2b2; build_list shows how far it is',
  ]);
});

test('an assembly is renewed, and the image that it needs by now queued without waiting', async () => {
  const session = recorder({ cped: { renewAssembly: () => Promise.resolve(added) }, builder: building });
  assert.equal(await run('assembly_renew assy1 --yes', session), 0);
  assert.deepEqual(session.printed, [
    'assembly assy1: its next start makes a new disk on the newest image',
    'its image (debian12 x86_64 with httpd) is on its way: b2b2b2b2b2b2; build_list shows how far it is',
  ]);
});

test('with the builder away the definition stands: a warning, and exit code 0', async () => {
  const session = recorder({
    cped: { addResource: () => Promise.resolve(added) },
    builder: { ensureRequirement: () => Promise.reject(serviceAway) },
  });
  assert.equal(await run('assembly_resource_add httpdone httpd assy1', session), 0);
  assert.match(session.complained[0] ?? '', /^warning: The definition stands, but .* could not be queued/);
  assert.match(session.complained[1] ?? '', /deployable_start asks for the image again/);
});

test('an assembly that has its disk needs no other image, and what is left to do is said', async () => {
  const session = recorder({
    cped: {
      addResource: () =>
        Promise.resolve({ ...added, imageDigest, note: 'deployable_reload dep1 starts it.' }),
    },
  });
  assert.equal(await run('assembly_resource_add httpdone httpd assy1', session), 0);
  assert.deepEqual(session.printed.slice(1), [
    'deployable_reload dep1 starts it.',
    'assembly assy1 keeps its disk, on image b2b2b2b2b2b2',
  ]);
});

test('a refused definition queues nothing', async () => {
  const refusal = new PcloudError({ code: 'x', category: 'conflict', message: 'No.' });
  const session = recorder({ cped: { addResource: () => Promise.reject(refusal) } });
  assert.equal(await run('assembly_resource_add httpdone httpd assy1', session), 1);
  assert.deepEqual(session.printed, []);
});

function startable(calls: string[]): Partial<CpedPort> {
  return {
    requirements: () =>
      Promise.resolve(['assy1', 'assy2', 'assy3'].map((assembly) => ({ assembly, requirement }))),
    status: () => Promise.resolve(cpedStatus()),
    startDeployable: (name) => {
      calls.push(`start ${name}`);
      return Promise.resolve();
    },
    deployable: () => Promise.resolve(deployableStatus()),
    async *events(_, signal) {
      yield* [];
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  };
}

test('deployable_start asks for every image, follows equal ones once, and then starts', async () => {
  const calls: string[] = [];
  const session = recorder({
    cped: startable(calls),
    builder: {
      ensureRequirement: () => {
        calls.push('ensure');
        return Promise.resolve({ digest: imageDigest, ready: false });
      },
      follow: () => {
        calls.push('follow');
        return Promise.resolve();
      },
    },
  });
  assert.equal(await run('deployable_start dep1', session), 0);
  assert.deepEqual(calls, ['ensure', 'ensure', 'ensure', 'follow', 'start dep1']);
  assert.match(session.printed[1] ?? '', /^image debian12 x86_64 with httpd is built: b2b2b2b2b2b2/);
});

test('with the builder away it warns and starts with the images that are there', async () => {
  const calls: string[] = [];
  const session = recorder({
    cped: startable(calls),
    builder: { ensureRequirement: () => Promise.reject(serviceAway) },
  });
  assert.equal(await run('deployable_start dep1', session), 0);
  assert.deepEqual(calls, ['start dep1']);
  assert.match(session.complained[0] ?? '', /Going on with the images that are there/);
});

test('a failed image build means that nothing is started', async () => {
  const calls: string[] = [];
  const failure = new PcloudError({ code: 'build-failed', category: 'failed', message: 'Broken.' });
  const session = recorder({
    cped: startable(calls),
    builder: { ...building, follow: () => Promise.reject(failure) },
  });
  assert.equal(await run('deployable_start dep1', session), 1);
  assert.deepEqual(calls, []);
});

test('--no-wait starts and returns without reading the status', async () => {
  const calls: string[] = [];
  const session = recorder({
    cped: { ...startable(calls), requirements: () => Promise.resolve([]), deployable: () => assert.fail() },
  });
  assert.equal(await run('deployable_start dep1 --no-wait', session), 0);
  assert.deepEqual(calls, ['start dep1']);
});

test('deployable_stop waits until it is off', async () => {
  let reads = 0;
  const session = recorder({
    cped: {
      ...startable([]),
      stopDeployable: () => Promise.resolve(),
      deployable: () =>
        Promise.resolve(
          deployableStatus({ intent: 'down', state: (reads += 1) < 2 ? 'stopping' : 'stopped' }),
        ),
    },
  });
  assert.equal(await run('deployable_stop dep1', session), 0);
  assert.match(session.printed.at(-1) ?? '', /^deployable dep1 is stopped after/);
});

test('the exit code of a command in a guest is passed on', async () => {
  const identityFile = new URL(import.meta.url).pathname;
  const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO0FnmUXx1ITYp5gpiW6s5l0V5Xlnh6gUDxu6GGs7Pri';
  const session = recorder({
    cped: {
      access: () => Promise.resolve({ user: 'root', host: '127.0.0.1', port: 20022, identityFile, hostKey }),
    },
    programExitCode: 7,
  });
  assert.equal(await run('assembly_ssh assy1 killall -9 "a b"', session), 7);
  assert.deepEqual(session.ran[0]?.argv.slice(-3), ['killall', '-9', 'a b']);
});

test('a build is cancelled by the first digits of its digest, unless two builds have them', async () => {
  const builds = ['abcdef11', 'abcdef22'].map((start) => ({
    digest: start.padEnd(64, '0'),
    title: 'x',
    state: 'active',
    percent: 1,
    step: null,
    kind: 'jeos' as const,
    sinceMs: 0,
    durationMs: null,
    logPath: null,
    error: null,
  }));
  const cancelled: string[] = [];
  const session = recorder({
    builder: {
      builds: () => Promise.resolve(builds),
      cancel: (digest) => {
        cancelled.push(digest);
        return Promise.resolve();
      },
    },
  });
  assert.equal(await run('build_cancel abcdef', session), 2);
  assert.equal(await run('build_cancel 999999', session), 1);
  assert.equal(await run('build_cancel abcdef2', session), 0);
  assert.deepEqual(cancelled, [builds[1]?.digest]);
});

test('a defect in a command is told as one, without a stack trace', async () => {
  const session = recorder({ cped: { assemblies: () => Promise.reject(new TypeError('x is undefined')) } });
  assert.equal(await run('assembly_list', session), 1);
  assert.match(
    session.complained.join('\n'),
    /^error: Unexpected failure in pcloudsh: x is undefined\n {2}hint: /,
  );
});
