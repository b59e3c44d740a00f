/**
 * What the configuration files of a private libvirtd say, and the accounts that it insists on. Pure text. Two
 * start one: the stack of a checkout (`tools/stack/`), and the builder for each install (`builder/cell/`).
 */

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
