/**
 * Where the directories of a stack's private libvirtd lie. Pure paths: as root every directory that libvirt has
 * compiled in gets a private one bound over it, and without root the same follows from XDG variables. What its
 * files say is `service/libvirtd-files.ts`; starting it is `libvirtd.ts`.
 */
import path from 'node:path';

export type PrivateLibvirtdDirectories = {
  /** Long-lived: configuration, domain definitions, logs. */
  readonly stateDir: string;
  /** Short-lived and short: sockets, pid files. */
  readonly runtimeDir: string;
};

export type LibvirtdPlan = {
  readonly uri: string;
  readonly socketPath: string;
  /** Where libvirtd.conf and qemu.conf go. */
  readonly configDir: string;
  /** Where passwd and group go. */
  readonly accountsDir: string;
  /** [private file or directory, the host's]; empty without root. */
  readonly binds: readonly (readonly [string, string])[];
  /** Set for libvirtd only. */
  readonly environment: Readonly<Record<string, string>>;
};

/** Where a private libvirtd of this user keeps what, and the URI that reaches it. */
export function planLibvirtd(directories: PrivateLibvirtdDirectories, isRoot: boolean): LibvirtdPlan {
  const state = path.join(directories.stateDir, 'libvirt');
  const run = path.join(directories.runtimeDir, 'libvirt');
  const socketPath = path.join(run, 'libvirt-sock');
  if (isRoot) {
    return {
      uri: `qemu:///system?socket=${socketPath}`,
      socketPath,
      configDir: path.join(state, 'etc'),
      accountsDir: state,
      binds: [
        [path.join(state, 'etc'), '/etc/libvirt'],
        [path.join(state, 'lib'), '/var/lib/libvirt'],
        [path.join(state, 'cache'), '/var/cache/libvirt'],
        [path.join(state, 'log'), '/var/log/libvirt'],
        [run, '/run/libvirt'],
        [path.join(state, 'passwd'), '/etc/passwd'],
        [path.join(state, 'group'), '/etc/group'],
      ],
      environment: {},
    };
  }
  // Monitor sockets lie below the configuration directory in a session, so it has to be short too.
  const configHome = path.join(directories.runtimeDir, 'c');
  return {
    uri: `qemu:///session?socket=${socketPath}`,
    socketPath,
    configDir: path.join(configHome, 'libvirt'),
    accountsDir: state,
    binds: [],
    environment: {
      XDG_CONFIG_HOME: configHome,
      XDG_RUNTIME_DIR: directories.runtimeDir,
      XDG_CACHE_HOME: path.join(state, 'cache'),
      XDG_DATA_HOME: path.join(state, 'data'),
    },
  };
}
