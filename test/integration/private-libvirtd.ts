/**
 * A libvirtd of the test's own, in a temporary directory, with TCG guests: as root in a mount namespace
 * (`qemu:///system?socket=…`), or as an unprivileged user (`qemu:///session?socket=…`). It never touches
 * the host's libvirtd. It can be killed and started again, with its machines running on.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export type PrivateLibvirtd = {
  /** For `virConnectOpen`. */
  readonly uri: string;
  /** Short, writable by the guests' QEMU; for sockets and disks of the test. Removed by `stop`. */
  readonly directory: string;
  pid(): number;
  /** SIGKILL to libvirtd alone; resolves when it is gone. Its machines run on. */
  kill(): Promise<void>;
  /** Starts it again on the same directory; resolves when its socket accepts. */
  start(): Promise<void>;
  /** Ends every QEMU that it has started, and itself. */
  stop(): Promise<void>;
};

/** `session`: as the unprivileged user `nobody` when we are root, else as ourselves. */
export type PrivateLibvirtdMode = 'system' | 'session';

/** The words that run a command somewhere else, such as in a network namespace. */
export type Within = (...command: readonly string[]) => readonly string[];

const script = fileURLToPath(new URL('private-libvirtd.sh', import.meta.url));
const startLimitMs = 20_000;
const nobody = 65_534;

/** The mode that works for this user. */
export function privateLibvirtdMode(): PrivateLibvirtdMode {
  return process.getuid?.() === 0 ? 'system' : 'session';
}

/**
 * Starts one and waits until it accepts connections.
 * @param within where it runs, and its machines
 * @throws Error with libvirtd's own output if it does not.
 */
export async function startPrivateLibvirtd(
  mode = privateLibvirtdMode(),
  within: Within = (...command) => command,
): Promise<PrivateLibvirtd> {
  const directory = mkdtempSync(join(tmpdir(), 'plv-'));
  const lowered = mode === 'session' && process.getuid?.() === 0 ? nobody : undefined;
  writeConfiguration(directory, mode);
  if (lowered !== undefined)
    for (const path of ['', 'config', 'config/libvirt']) chownSync(join(directory, path), lowered, lowered);
  const socket =
    mode === 'system' ? join(directory, 'run/libvirt-sock') : join(directory, 'run/libvirt/libvirt-sock');
  let daemon: ChildProcess | null = null;
  let output = '';

  async function start(): Promise<void> {
    rmSync(socket, { force: true });
    daemon = launch(directory, mode, lowered, within);
    daemon.stderr?.on('data', (data: Buffer) => (output = (output + data.toString()).slice(-4000)));
    const deadline = performance.now() + startLimitMs;
    while (!(await accepts(socket))) {
      const ended = daemon.exitCode !== null || daemon.signalCode !== null;
      if (ended || performance.now() > deadline)
        throw new Error(`a private libvirtd did not start: ${output}`);
      await delay(20);
    }
  }

  const pid = () => Number.parseInt(readFileSync(join(directory, 'libvirtd.pid'), 'utf8'), 10);

  async function kill(): Promise<void> {
    const ended = daemon === null ? Promise.resolve() : once(daemon, 'exit');
    process.kill(pid(), 'SIGKILL');
    await ended;
    daemon = null;
  }

  await start();
  return {
    uri: `qemu:///${mode}?socket=${socket}`,
    directory,
    pid,
    kill,
    start,
    async stop() {
      if (daemon !== null) await kill();
      for (const qemu of qemusOf(directory)) process.kill(qemu, 'SIGKILL');
      // A QEMU that is dying may still be writing into its directory.
      while (qemusOf(directory).length > 0) await delay(10);
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function launch(
  directory: string,
  mode: PrivateLibvirtdMode,
  uid: number | undefined,
  within: Within,
): ChildProcess {
  const daemon = ['tini', '-s', '--', 'libvirtd', '--pid-file', join(directory, 'libvirtd.pid')];
  const argv = within(...(mode === 'system' ? ['unshare', '-m', 'sh', script, directory] : daemon));
  const home = {
    HOME: directory,
    XDG_CONFIG_HOME: join(directory, 'config'),
    XDG_CACHE_HOME: join(directory, 'cache'),
    XDG_DATA_HOME: join(directory, 'data'),
    XDG_RUNTIME_DIR: join(directory, 'run'),
  };
  return spawn(argv[0] ?? '', argv.slice(1), {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
      ...(mode === 'session' ? home : {}),
    },
    ...(uid === undefined ? {} : { uid, gid: uid, cwd: '/' }),
  });
}

/** qemu.conf: no virtlogd (stdio_handler), no cgroups, no confinement; as root the guests' QEMU is root too. */
function writeConfiguration(directory: string, mode: PrivateLibvirtdMode): void {
  const etc = join(directory, mode === 'system' ? 'etc' : 'config/libvirt');
  mkdirSync(etc, { recursive: true });
  const qemu = [
    'stdio_handler = "file"',
    'security_driver = "none"',
    'namespaces = []',
    'cgroup_controllers = []',
  ];
  const asRoot = [
    'user = "root"',
    'group = "root"',
    'dynamic_ownership = 0',
    'clear_emulator_capabilities = 1',
  ];
  writeFileSync(join(etc, 'qemu.conf'), [...qemu, ...(mode === 'system' ? asRoot : []), ''].join('\n'));
  writeFileSync(join(etc, 'libvirtd.conf'), 'auth_unix_ro = "none"\nauth_unix_rw = "none"\n');
}

/** The QEMUs whose monitor lives under this directory, or, as root, whose mount namespace hides that. */
function qemusOf(directory: string): readonly number[] {
  const pidFiles = [join(directory, 'run/qemu'), join(directory, 'run/libvirt/qemu/run')].flatMap((parent) =>
    existsSync(parent) ? readdirSync(parent).map((name) => join(parent, name)) : [],
  );
  return pidFiles
    .filter((path) => path.endsWith('.pid'))
    .flatMap((path) => {
      const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
      return Number.isInteger(pid) && isQemu(pid) ? [pid] : [];
    });
}

function isQemu(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('qemu');
  } catch {
    return false; // gone
  }
}

function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const attempt = connect(socket);
    attempt.once('connect', () => {
      attempt.destroy();
      resolve(true);
    });
    attempt.once('error', () => resolve(false));
  });
}
