/**
 * A real sshd on a loopback port, run by the test's own user with keys of its own, and a remote side whose
 * `systemctl` and `service` are small real programs that keep services as processes and files in a directory.
 */
import { randomBytes } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import type { SshTarget } from '../../../runtime/adapters/ssh-arguments.ts';
import type { SshAlgorithms } from '../../../model/ssh.ts';

export type Age = 'modern' | 'rhel6';

/** What sshd of OpenSSH 5.3 knows and today's still can: RSA with SHA-1, group 14 with SHA-1. */
const ofAge: Readonly<Record<Age, readonly string[]>> = {
  modern: [],
  rhel6: [
    'KexAlgorithms diffie-hellman-group14-sha1',
    'HostKeyAlgorithms ssh-rsa',
    'Ciphers aes128-ctr',
    'MACs hmac-sha1',
    'PubkeyAcceptedAlgorithms ssh-rsa',
  ],
};
export const algorithmsOfAge: Readonly<Record<Age, SshAlgorithms>> = {
  modern: {},
  rhel6: {
    hostKeyAlgorithms: ['ssh-rsa'],
    publicKeyAlgorithms: ['ssh-rsa'],
    kexAlgorithms: ['diffie-hellman-group14-sha1'],
    ciphers: ['aes128-ctr'],
    macs: ['hmac-sha1'],
  },
};

const serviceProgram = `#!/bin/sh
# The services of the test: NAME.pid, NAME.broken (a start that dies), NAME.slow (an action that hangs).
home=$(dirname "$0")/..
start() {
  [ -e "$home/$1.slow" ] && sleep 60
  [ -e "$home/$1.broken" ] && { echo "cannot start $1: it is broken" >&2; return 1; }
  sleep 1000 </dev/null >/dev/null 2>&1 &
  echo $! >"$home/state/$1.pid"
  echo "start $1" >>"$home/log"
}
pid_of() { cat "$home/state/$1.pid" 2>/dev/null || echo 0; }
runs() { p=$(pid_of "$1"); [ "$p" != 0 ] && kill -0 "$p" 2>/dev/null; }
stop() {
  runs "$1" && kill "$(pid_of "$1")"
  rm -f "$home/state/$1.pid"
  echo "stop $1" >>"$home/log"
}
`;

const systemctl = `${serviceProgram}
verb=$1
shift
case $verb in
  show)
    for last; do :; done
    name=\${last%.service}
    if [ "$name" = absent ]; then printf 'LoadState=not-found\\nActiveState=inactive\\nMainPID=0\\n'
    elif runs "$name"; then printf 'LoadState=loaded\\nActiveState=active\\nMainPID=%s\\n' "$(pid_of "$name")"
    else printf 'LoadState=loaded\\nActiveState=inactive\\nMainPID=0\\n'; fi ;;
  start)
    [ "$1" = absent.service ] && { echo "Unit absent.service not found." >&2; exit 5; }
    start "\${1%.service}" ;;
  stop) stop "\${1%.service}" ;;
  kill)
    for last; do :; done
    runs "\${last%.service}" && kill -s "$2" "$(pid_of "\${last%.service}")"
    echo "kill \${last%.service}" >>"$home/log" ;;
  restart) echo "restart $1" >>"$home/log" ;;
  *) echo "$verb $*" >>"$home/log" ;;
esac
`;

const service = `${serviceProgram}
case $2 in
  status) if runs "$1"; then echo "$1 (pid $(pid_of "$1")) is running..."; else echo "$1 is stopped"; exit 3; fi ;;
  start) start "$1" ;;
  stop) stop "$1" ;;
  restart) echo "restart $1" >>"$home/log" ;;
esac
`;

const ocfAgent = `#!/bin/sh
home=$(dirname "$0")/../../..
case $1 in
  monitor) [ -e "$home/ocf.up" ] || exit 7 ;;
  start) printf '%s' "$OCF_RESKEY_greeting" >"$home/ocf.up" ;;
  stop) rm -f "$home/ocf.up" ;;
esac
exit 0
`;

export type Sshd = Awaited<ReturnType<typeof startSshd>>;

export const sshdPath = '/usr/sbin/sshd';

export async function startSshd(age: Age) {
  // sshd refuses an authorized_keys that lies below a directory others may write to, so not in /tmp itself.
  const home = await mkdtemp(path.join(tmpdir(), 'pssh-'));
  const bin = path.join(home, 'bin');
  await mkdir(bin);
  await mkdir(path.join(home, 'state'));
  await mkdir(path.join(home, 'run'));
  await mkdir(path.join(home, 'ocf/resource.d/test'), { recursive: true });
  const programs = {
    'bin/systemctl': systemctl,
    'bin/service': service,
    'ocf/resource.d/test/thing': ocfAgent,
  };
  for (const [name, text] of Object.entries(programs))
    await writeFile(path.join(home, name), text, { mode: 0o755 });
  const type = age === 'rhel6' ? ['-t', 'rsa', '-b', '3072'] : ['-t', 'ed25519'];
  const hostKeyFile = path.join(home, 'host');
  const userKeyFile = path.join(home, 'user');
  for (const file of [hostKeyFile, userKeyFile])
    await execa('ssh-keygen', ['-q', ...type, '-N', '', '-f', file]);
  await writeFile(path.join(home, 'authorized_keys'), await readFile(`${userKeyFile}.pub`), { mode: 0o600 });
  const port = await freePort();
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${hostKeyFile}`,
    `AuthorizedKeysFile ${home}/authorized_keys`,
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    'PermitRootLogin prohibit-password',
    `SetEnv PATH=${bin}:/usr/bin:/bin OCF_ROOT=${home}/ocf`,
    'LogLevel ERROR',
    ...ofAge[age],
  ];
  const configFile = path.join(home, 'sshd_config');
  await writeFile(configFile, `${config.join('\n')}\n`);
  // Where sshd runs as root it wants its empty directory, which the distribution's unit makes.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const start = () =>
    execa(sshdPath, ['-D', '-e', '-f', configFile], {
      reject: false,
      buffer: false,
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
    });
  let daemon = start();
  await untilListening(port);
  const target: SshTarget = {
    assembly: 'assy1',
    host: '127.0.0.1',
    port,
    user: userInfo().username,
    identityFile: userKeyFile,
    hostKey: (await readFile(`${hostKeyFile}.pub`, 'utf8')).trim(),
    trustFirst: false,
    algorithms: algorithmsOfAge[age],
    elevate: false,
    runDirectory: path.join(home, 'run'),
  };
  return {
    home,
    target,
    /** Pids of sshd's processes for connections, and below. */
    async children(): Promise<readonly number[]> {
      const { stdout } = await execa('ps', ['-e', '-o', 'pid=,ppid=']);
      const pairs = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
      const below = new Set([daemon.pid]);
      for (let size = 0; size !== below.size;) {
        size = below.size;
        for (const [pid, parent] of pairs) if (below.has(parent)) below.add(pid);
      }
      return [...below].filter((pid) => pid !== undefined && pid !== daemon.pid).map(Number);
    },
    async pidOf(name: string): Promise<number> {
      return Number(await readFile(path.join(home, 'state', `${name}.pid`), 'utf8'));
    },
    log: async (): Promise<string> => await readFile(path.join(home, 'log'), 'utf8').catch(() => ''),
    async signalAll(signal: NodeJS.Signals): Promise<void> {
      for (const pid of await this.children()) process.kill(pid, signal);
    },
    /** The listener and all connections end. */
    async stop(): Promise<void> {
      const children = await this.children();
      daemon.kill('SIGKILL');
      await daemon;
      for (const pid of children) killQuietly(pid);
    },
    async restart(): Promise<void> {
      daemon = start();
      await untilListening(port);
    },
    async remove(): Promise<void> {
      await this.stop();
      for (const name of ['web', 'old', 'db']) killQuietly(await this.pidOf(name).catch(() => 0));
      await rm(home, { recursive: true, force: true });
    },
  };
}

function killQuietly(pid: number): void {
  if (pid <= 1) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const probe = await execa('ssh-keyscan', ['-T', '1', '-p', String(port), '127.0.0.1'], { reject: false });
    // Any banner: an old one's algorithms are not ssh-keyscan's.
    if (/SSH-2\.0/.test(probe.stderr + probe.stdout)) return;
  }
  throw new Error(`sshd does not listen on port ${port}`);
}

export async function fileIsThere(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}

export const runDirectoryOf = (): string => path.join(tmpdir(), `ps-${randomBytes(3).toString('hex')}`);
export const chmodFile = chmod;
