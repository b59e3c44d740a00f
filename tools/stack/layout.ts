/**
 * Where the private stack of a checkout keeps things, and the environment that leads its parts there. Pure:
 * the facts of the machine come in as arguments. It makes no directory and reads no file.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';

/** Longest path of a Unix socket in bytes (unix(7): sun_path holds 108, the last is a NUL). */
export const maxSocketPathBytes = 107;

/** Longest file name below the runtime directory: `g/`, a UUID without dashes, `.sock`. */
const longestSocketName = `g/${'0'.repeat(32)}.sock`;

export type StackFacts = {
  /** Absolute path of the checkout. */
  readonly checkout: string;
  readonly uid: number;
  /** $XDG_RUNTIME_DIR, where the session has one. */
  readonly xdgRuntimeDir: string | undefined;
  /** Another state directory than `.pcloud` in the checkout: tests have their own stacks. */
  readonly stateDir?: string | undefined;
};

export type StackLayout = {
  readonly checkout: string;
  /** Eight hex digits that tell the stacks of one machine apart. */
  readonly id: string;
  /** Owner of this stack's domains, written into their metadata. */
  readonly owner: string;
  readonly stateDir: string;
  readonly runtimeDir: string;
  readonly logDir: string;
  /** Pid files; gone with a reboot in meaning, so each holds a boot id. */
  readonly pidDir: string;
  /** KEY=VALUE lines for `node --env-file`, which the launchers read. */
  readonly envFile: string;
  readonly builderSocket: string;
  readonly cpedSocket: string;
};

/** The layout of this checkout's stack. The id follows from its path (or the other state directory's), so it is stable. */
export function layoutOf(facts: StackFacts): StackLayout {
  const stateDir = path.resolve(facts.stateDir ?? path.join(facts.checkout, '.pcloud'));
  const id = createHash('sha256')
    .update(facts.stateDir ?? facts.checkout)
    .digest('hex')
    .slice(0, 8);
  const runtimeDir = runtimeDirOf(facts, id);
  return {
    checkout: facts.checkout,
    id,
    owner: `pcloud-${id}`,
    stateDir,
    runtimeDir,
    logDir: path.join(stateDir, 'log'),
    pidDir: path.join(stateDir, 'run'),
    envFile: path.join(stateDir, 'env'),
    builderSocket: path.join(runtimeDir, 'builder.sock'),
    cpedSocket: path.join(runtimeDir, 'cped.sock'),
  };
}

function runtimeDirOf(facts: StackFacts, id: string): string {
  if (facts.uid === 0) return `/run/pcloud-${id}`;
  const fallback = `/tmp/pcloud-${facts.uid}-${id}`;
  if (facts.xdgRuntimeDir === undefined || facts.xdgRuntimeDir === '') return fallback;
  const wanted = path.join(facts.xdgRuntimeDir, `pcloud-${id}`);
  return Buffer.byteLength(path.join(wanted, longestSocketName)) <= maxSocketPathBytes ? wanted : fallback;
}

/**
 * The environment by which services, shell and tools find this stack.
 * @param libvirtUri of the private libvirtd
 */
export function environmentOf(layout: StackLayout, libvirtUri: string): Readonly<Record<string, string>> {
  return {
    PCLOUD_STATE_DIR: layout.stateDir,
    PCLOUD_RUNTIME_DIR: layout.runtimeDir,
    PCLOUD_LIBVIRT_URI: libvirtUri,
    PCLOUD_OWNER: layout.owner,
    PCLOUD_NETWORK: 'user',
    // Nor the settings of an installed service, which would lead this one to its state.
    PCLOUD_SETTINGS_FILE: '/dev/null',
    // Not the host's: breaking a checkout's machines must not page whoever is on duty for the installed service.
    PCLOUD_ALERTS_DIR: path.join(layout.stateDir, 'alerts.d'),
    PCLOUD_ALERTS_FILE: path.join(layout.stateDir, 'alerts.yaml'),
    // A client must never bring up a libvirtd of its own when ours is down.
    LIBVIRT_AUTOSTART: '0',
  };
}

/** The text of the env file: one KEY=VALUE a line, quoted for `node --env-file`. */
export function envFileText(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([key, value]) => `${key}='${value}'\n`)
    .join('');
}
