/**
 * The configuration of a private libvirtd, and where its directories lie. Pure text and paths: as root every
 * directory that libvirt has compiled in gets a private one bound over it, and without root the same
 * follows from XDG variables. Starting it is `libvirtd.ts`.
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

/**
 * Accounts that libvirtd looks up before it reads qemu.conf, as Debian and Fedora call them. Only the package
 * of the system's own libvirt service makes them, and we do not install that.
 */
const qemuAccounts = ['libvirt-qemu', 'qemu'];

/** /etc/passwd as a private libvirtd sees it: the host's, and the accounts that it insists on (unused). */
export function passwdWithQemu(passwd: string): string {
  return withMissingLines(passwd, (name) => `${name}:x:65534:65534::/nonexistent:/usr/sbin/nologin`);
}

/** /etc/group, likewise. */
export function groupWithQemu(group: string): string {
  return withMissingLines(group, (name) => `${name}:x:65534:`);
}

function withMissingLines(text: string, line: (name: string) => string): string {
  const missing = qemuAccounts.filter(
    (name) => !text.split('\n').some((known) => known.startsWith(`${name}:`)),
  );
  const body = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return body + missing.map((name) => `${line(name)}\n`).join('');
}

/** Only a Unix socket, which only its owner can open; no polkit, which needs a system bus. */
export const libvirtdConf = `listen_tls = 0
listen_tcp = 0
unix_sock_ro_perms = "0700"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
audit_level = 0
log_outputs = "3:stderr"
`;

/**
 * qemu.conf: machines run as the stack's own user, without a security driver, cgroup controllers or a
 * namespace each (all three need a host that libvirt administers), and their output goes straight to a file,
 * so that no virtlogd is needed.
 */
export function qemuConf(isRoot: boolean): string {
  const common = `security_driver = "none"
dynamic_ownership = 0
remember_owner = 0
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
`;
  return isRoot ? `user = "root"\ngroup = "root"\nclear_emulator_capabilities = 0\n${common}` : common;
}
