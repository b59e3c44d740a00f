/**
 * `make install` into a directory, and what systemd would do with it: the units verify with the programs that
 * they name in place, their exposure stays under a limit, and each ExecStart, run by hand, says READY=1.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { startPrivateLibvirtd } from '../../tools/stack/libvirtd.ts';
import { stopMembers } from '../../tools/stack/members.ts';
import { notifySocketAt } from './notify-socket.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const base = mkdtempSync('/tmp/pcloud-install-');
const prefix = path.join(base, 'usr');
const directories = { stateDir: path.join(base, 'state'), runtimeDir: path.join(base, 'run') };

/** Upper limits of `systemd-analyze security`, in tenths; what each unit still lacks stands in it, with why. */
const exposureLimits = {
  'pcloud-cped.service': 21,
  'pcloud-builder.service': 25,
  'pcloud-builder-worker.service': 45,
} as const;
type Unit = keyof typeof exposureLimits;
const units = Object.keys(exposureLimits) as Unit[];

function unitFile(unit: string): string {
  return path.join(prefix, 'lib/systemd/system', unit);
}

before(async () => {
  await execa(process.execPath, [path.join(checkout, 'tools/install/main.ts'), '--prefix', prefix], {
    timeout: 120_000,
  });
});

after(async () => {
  await stopMembers(directories, 'all');
  rmSync(base, { recursive: true, force: true });
});

for (const unit of units) {
  test(`${unit} verifies with the installed program in place`, async () => {
    const { stderr } = await execa('systemd-analyze', ['verify', '--man=no', unitFile(unit)], {
      timeout: 30_000,
    });
    assert.equal(stderr, '');
  });

  test(`${unit} stays under its limit of exposure`, async (context) => {
    const limit = exposureLimits[unit];
    const { stdout } = await execa(
      'systemd-analyze',
      ['security', '--offline=true', `--threshold=${limit}`, '--no-pager', unitFile(unit)],
      { timeout: 30_000 },
    );
    context.diagnostic(stdout.trimEnd().split('\n').at(-1) ?? '');
  });
}

test('the worker’s unit leaves an install what it needs', () => {
  const text = readFileSync(unitFile('pcloud-builder-worker.service'), 'utf8');
  assert.match(text, /^DeviceAllow=\/dev\/net\/tun rw$/m);
  // A user namespace may mount a /proc only where nothing in the one outside is covered.
  assert.doesNotMatch(text, /^(?:ProtectKernelTunables|ProtectKernelLogs|ProtectHostname|ProtectProc)=/m);
  // libguestfs boots out of /usr/lib/modules.
  assert.doesNotMatch(text, /^ProtectKernelModules=/m);
  // Without new privileges newuidmap, which is setuid, has those that it is started with.
  assert.match(text, /^AmbientCapabilities=CAP_SETUID CAP_SETGID$/m);
});

test('the builder’s two units are started, stopped and reloaded as one', () => {
  const service = readFileSync(unitFile('pcloud-builder.service'), 'utf8');
  const worker = readFileSync(unitFile('pcloud-builder-worker.service'), 'utf8');
  assert.match(service, /^Wants=.*\bpcloud-builder-worker\.service$/m);
  assert.match(service, /^PropagatesReloadTo=pcloud-builder-worker\.service$/m);
  assert.match(worker, /^PartOf=pcloud-builder\.service$/m);
  assert.match(worker, /^After=.*\bpcloud-builder\.service$/m);
  // Nothing that only a build needs is left to the one that listens.
  assert.match(service, /^CapabilityBoundingSet=$/m);
  assert.match(service, /^RestrictNamespaces=yes$/m);
});

test('a reload of each unit first looks whether the configuration is good', () => {
  for (const unit of units) {
    const reloads = [...readFileSync(unitFile(unit), 'utf8').matchAll(/^ExecReload=(.*)$/gm)].map(
      ([, command]) => command,
    );
    assert.match(reloads[0] ?? '', /\/sbin\/pcloud-(?:cped|builder) --check-config$/, unit);
    assert.equal(reloads[1], '/bin/kill -HUP $MAINPID', unit);
  }
});

test('the users, groups and directories are ones that systemd accepts', async () => {
  const root = path.join(base, 'root');
  mkdirSync(path.join(root, 'etc'), { recursive: true });
  const sysusers = path.join(prefix, 'lib/sysusers.d/pcloud.conf');
  const { stdout } = await execa('systemd-sysusers', ['--dry-run', `--root=${root}`, sysusers], {
    all: true,
    timeout: 30_000,
  });
  assert.doesNotMatch(stdout, /fail|invalid/i);
  const text = readFileSync(path.join(prefix, 'lib/tmpfiles.d/pcloud.conf'), 'utf8');
  const users = [...readFileSync(sysusers, 'utf8').matchAll(/^u +(\S+)/gm)].map((match) => match[1]);
  for (const [, user] of text.matchAll(/^d +\S+ +\d+ +(\S+)/gm)) assert.ok(users.includes(user), user);
});

test('the manual pages are where man(1) looks', () => {
  for (const name of readdirSync(path.join(checkout, 'docs/man')))
    assert.match(readFileSync(path.join(prefix, `share/man/man${name.slice(-1)}`, name), 'utf8'), /^\.TH /m);
});

test('completions are where bash and zsh look', () => {
  for (const file of ['bash-completion/completions/pcloudsh', 'zsh/site-functions/_pcloudsh'])
    assert.match(readFileSync(path.join(prefix, 'share', file), 'utf8'), /deployable_start/, file);
});

test('the installed shell answers with its usage', async () => {
  const { stdout, stderr } = await execa(path.join(prefix, 'bin/pcloudsh'), ['help'], { timeout: 20_000 });
  assert.match(stdout, /jeos_create/);
  assert.equal(stderr, '');
});

test('the installed shell is compiled once for each user, and runs where that cannot be kept', async (t) => {
  const home = mkdtempSync('/tmp/pcu-');
  t.after(() => rmSync(home, { recursive: true }));
  const answers = async (environment: Readonly<Record<string, string>>): Promise<void> => {
    const { stdout, stderr } = await execa(path.join(prefix, 'bin/pcloudsh'), ['help'], {
      env: { PATH: process.env['PATH'] ?? '', ...environment },
      extendEnv: false,
      timeout: 20_000,
    });
    assert.match(stdout, /jeos_create/);
    assert.equal(stderr, '');
  };
  await answers({ HOME: home });
  const kept = (): readonly string[] =>
    readdirSync(path.join(home, '.cache/pacemaker-cloud/node'), { recursive: true, encoding: 'utf8' }).sort();
  const first = kept();
  assert.ok(first.length > 10, first.join(' '));
  await answers({ HOME: home });
  assert.deepEqual(kept(), first);
  for (const nowhere of [{}, { HOME: '/dev/null' }, { HOME: home, XDG_CACHE_HOME: '/proc/none' }])
    await answers(nowhere);
});

/** Runs a unit's ExecStart line with a service manager's socket, until it has said that it is ready. */
async function startUnit(unit: Unit, libvirtUri: string) {
  const [program = '', ...words] = (
    /^ExecStart=(.*)$/m.exec(readFileSync(unitFile(unit), 'utf8'))?.[1] ?? ''
  ).split(' ');
  const notifySocket = path.join(directories.runtimeDir, `notify-${unit}.sock`);
  const notify = notifySocketAt(notifySocket);
  const child = spawn(program, words, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      PCLOUD_TEST_RUN: process.env['PCLOUD_TEST_RUN'],
      PCLOUD_STATE_DIR: directories.stateDir,
      PCLOUD_SETTINGS_FILE: '/dev/null',
      PCLOUD_RUNTIME_DIR: directories.runtimeDir,
      PCLOUD_LIBVIRT_URI: libvirtUri,
      NOTIFY_SOCKET: notifySocket,
      WATCHDOG_USEC: '1000000',
    },
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const end = async (): Promise<void> => {
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      const [code] = (await once(child, 'exit', { signal: AbortSignal.timeout(20_000) }).catch(() => {
        child.kill('SIGKILL');
        return [null];
      })) as [number | null];
      assert.equal(code, 0, log);
    }
    notify.close();
    rmSync(notifySocket, { force: true });
  };
  try {
    await notify.until('READY=1');
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${unit} did not become ready; its log:\n${log}`, { cause: error });
  }
  return { notify, child, end };
}

for (const unit of units) {
  test(`${unit}: its ExecStart line says READY=1, pings the watchdog, reloads, and ends on TERM with exit code 0`, async () => {
    const { uri } = await startPrivateLibvirtd(directories);
    // A worker's Redis is its service's.
    const before =
      unit === 'pcloud-builder-worker.service' ? [await startUnit('pcloud-builder.service', uri)] : [];
    const { notify, child, end } = await startUnit(unit, uri);
    try {
      await notify.until('WATCHDOG=1');
      const heard = notify.heard.length;
      child.kill('SIGHUP');
      await notify.until('RELOADING=1', heard);
      await notify.until('STATUS=Reloaded, no setting has changed', heard);
    } finally {
      await end();
      for (const other of before) await other.end();
    }
  });
}
