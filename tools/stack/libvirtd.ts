/**
 * A private libvirtd beside the operator's: never its sockets, its domains, its networks or its files. The
 * stack of a checkout runs on one, and so do tests that need libvirt. It starts, awaits, stops and sweeps
 * the daemon and its machines; what is defined in it is the client's.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { groupWithQemu, libvirtdConf, passwdWithQemu, qemuConf } from '../../service/libvirtd-files.ts';
import { type DaemonSpec, awaitReady, startDaemon } from './daemon.ts';
import { type LibvirtdPlan, type PrivateLibvirtdDirectories, planLibvirtd } from './libvirtd-config.ts';
import { stackMarker, stopMembers } from './members.ts';
import { livingProcessOf, removePidFile, writeFileAtomically } from './pid-file.ts';
import { type ProcessIdentity, stopProcess } from './processes.ts';
import { findProgram } from './programs.ts';

export type { PrivateLibvirtdDirectories } from './libvirtd-config.ts';

export type PrivateLibvirtd = {
  /** What a client connects to. */
  readonly uri: string;
  readonly socketPath: string;
  /** The subreaper that libvirtd runs under; machines outlive libvirtd, not this stack. */
  readonly process: ProcessIdentity;
  /** Ends its machines, then libvirtd; leaves its files for the next start. */
  stop(): Promise<void>;
};

const readyLimitMs = 20_000;
const stopLimitMs = 5000;

/** Places of libvirt's drivers: Debian's, Fedora's, and a plain lib. */
const driverDirectories = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'].map((base) =>
  path.join(base, 'libvirt/connection-driver'),
);

/**
 * A directory that holds the QEMU driver alone: without the others libvirtd cannot touch the host's
 * networks, storage or devices at all. Undefined where the drivers are not where we know them.
 */
function qemuDriverDirectory(stateDir: string): string | undefined {
  const name = 'libvirt_driver_qemu.so';
  const source = driverDirectories
    .map((directory) => path.join(directory, name))
    .find((file) => existsSync(file));
  if (source === undefined) return undefined;
  const directory = path.join(stateDir, 'libvirt/drivers');
  mkdirSync(directory, { recursive: true });
  const link = path.join(directory, name);
  rmSync(link, { force: true });
  symlinkSync(source, link);
  return directory;
}

function daemonSpec(directories: PrivateLibvirtdDirectories, plan: LibvirtdPlan): DaemonSpec {
  const drivers = qemuDriverDirectory(directories.stateDir);
  // Under a subreaper a killed machine is reaped at once, and libvirt reports it 1.5 s earlier.
  const daemon = [findProgram('tini'), '-s', '--', findProgram('libvirtd')];
  if (plan.binds.length > 0) daemon.push('--pid-file', '/run/libvirt/libvirtd.pid');
  const helper = path.join(import.meta.dirname, 'libvirt-namespace.ts');
  const command =
    plan.binds.length === 0
      ? daemon
      : [findProgram('unshare'), '--mount', process.execPath, helper, ...plan.binds.flat(), '--', ...daemon];
  return {
    name: 'the private libvirtd',
    command: command[0] ?? '',
    arguments: command.slice(1),
    environment: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: process.env['HOME'] ?? '/',
      LANG: 'C.UTF-8',
      ...markersOfCaller(),
      [stackMarker]: directories.stateDir,
      ...(drivers === undefined ? {} : { LIBVIRT_DRIVER_DIR: drivers }),
      ...plan.environment,
    },
    workingDirectory: '/',
    logFile: path.join(directories.stateDir, 'log/libvirtd.log'),
    pidFile: pidFileOf(directories),
  };
}

/** A test run's marker, so that the runner finds a libvirtd that a test forgot. */
function markersOfCaller(): Readonly<Record<string, string>> {
  const run = process.env['PCLOUD_TEST_RUN'];
  return run === undefined ? {} : { PCLOUD_TEST_RUN: run };
}

function pidFileOf(directories: PrivateLibvirtdDirectories): string {
  return path.join(directories.stateDir, 'run/libvirtd.pid');
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The URI of the private libvirtd of these directories, running or not. */
export function privateLibvirtUri(directories: PrivateLibvirtdDirectories): string {
  return planLibvirtd(directories, isRoot()).uri;
}

/**
 * Starts a private libvirtd and waits until a client can connect; one that already runs is used as it is.
 * Machines that a killed libvirtd of these directories left running are adopted by the new one.
 * @param directories runtimeDir must be short: its sockets are limited to 107 bytes
 * @throws PcloudError `program-missing`, `daemon-not-started` or `daemon-not-ready`
 */
export async function startPrivateLibvirtd(
  directories: PrivateLibvirtdDirectories,
): Promise<PrivateLibvirtd> {
  const plan = planLibvirtd(directories, isRoot());
  const spec = daemonSpec(directories, plan);
  let identity = livingProcessOf(spec.pidFile);
  if (identity === undefined) {
    // Its subreaper may have been killed over its head; it would hold the pid file against the new one.
    await stopMembers(directories, 'libvirtd');
    mkdirSync(directories.runtimeDir, { recursive: true, mode: 0o700 });
    mkdirSync(path.dirname(plan.socketPath), { recursive: true });
    writeFileAtomically(path.join(plan.configDir, 'libvirtd.conf'), libvirtdConf);
    writeFileAtomically(path.join(plan.configDir, 'qemu.conf'), qemuConf(isRoot()));
    writeFileAtomically(
      path.join(plan.accountsDir, 'passwd'),
      passwdWithQemu(readFileSync('/etc/passwd', 'utf8')),
      0o644,
    );
    writeFileAtomically(
      path.join(plan.accountsDir, 'group'),
      groupWithQemu(readFileSync('/etc/group', 'utf8')),
      0o644,
    );
    identity = await startDaemon(spec);
  }
  await awaitReady(spec, identity, () => answers(plan), readyLimitMs);
  return {
    uri: plan.uri,
    socketPath: plan.socketPath,
    process: identity,
    stop: () => stopPrivateLibvirtd(directories),
  };
}

async function answers(plan: LibvirtdPlan): Promise<boolean> {
  if (!existsSync(plan.socketPath)) return false;
  await execa('virsh', ['--quiet', '--connect', plan.uri, 'list', '--name'], {
    timeout: 5000,
    env: { LIBVIRT_AUTOSTART: '0' },
  });
  return true;
}

/** The private libvirtd of these directories, if it runs. */
export function livingLibvirtd(directories: PrivateLibvirtdDirectories): ProcessIdentity | undefined {
  return livingProcessOf(pidFileOf(directories));
}

/** Ends the machines of a private libvirtd and itself, whether it still runs or was killed. */
export async function stopPrivateLibvirtd(directories: PrivateLibvirtdDirectories): Promise<void> {
  const identity = livingLibvirtd(directories);
  await stopMembers(directories, 'machines');
  if (identity !== undefined) await stopProcess(identity, stopLimitMs);
  removePidFile(pidFileOf(directories));
  rmSync(path.join(directories.runtimeDir, 'libvirt'), { recursive: true, force: true });
  if (!isRoot()) rmSync(path.join(directories.runtimeDir, 'c'), { recursive: true, force: true });
}
