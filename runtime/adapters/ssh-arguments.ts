/**
 * The argument lists of the system's ssh, and the one line of known_hosts that is trusted. Pure: a function of
 * the target. Nothing of the user's own configuration, agent or keys takes part.
 */
import { PcloudError } from '../../model/errors.ts';
import { parseHostKey } from '../../model/ssh.ts';
import type { SshAlgorithms } from '../../model/ssh.ts';

/** How the guest of an assembly is reached by ssh, resolved anew for each connection. */
export type SshTarget = {
  readonly assembly: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Absolute path of the private key, readable by the service's user alone. */
  readonly identityFile: string;
  /** The pinned host key; null while none is known. */
  readonly hostKey: string | null;
  /** Take the host key of the first connection; only by the operator's word. */
  readonly trustFirst: boolean;
  readonly algorithms: SshAlgorithms;
  /** Run as root by sudo, because the user is not root. */
  readonly elevate: boolean;
  /** `/run` of the guest. */
  readonly runDirectory: string;
};

/** Who resolves targets: the launcher. */
export interface SshTargets {
  /** @throws PcloudError when there is no way to it (not defined any more, no port leads to it). */
  target(assembly: string): SshTarget;
}

/** What one connection uses on this host. */
export type SshFiles = { readonly knownHosts: string; readonly controlPath: string };

const connectTimeoutSeconds = 5;
/** A connection that is dead without saying so is noticed after interval times count. */
const aliveIntervalSeconds = 2;
const aliveCountMax = 3;

/** The name under which the host key is pinned: ports change, an assembly's name does not. */
function aliasOf(target: SshTarget): string {
  return `pcloud-${target.assembly}`;
}

/**
 * What known_hosts holds before connecting.
 * @throws PcloudError `no-host-key`, `bad-host-key`.
 */
export function knownHostsText(target: SshTarget): string {
  if (target.hostKey === null) {
    if (target.trustFirst) return '';
    throw new PcloudError({
      code: 'no-host-key',
      category: 'unavailable',
      message: `No ssh host key is known for assembly ${target.assembly}, so it cannot be recognised.`,
      hint: 'Import it with --host-key, or with --trust-first to take the one of the first connection.',
    });
  }
  const key = parseHostKey(target.hostKey);
  if (key !== undefined) return `${aliasOf(target)} ${key.line}\n`;
  throw new PcloudError({
    code: 'bad-host-key',
    category: 'failed',
    message: `What is pinned as the ssh host key of assembly ${target.assembly} is none.`,
    hint: 'Import it again with --host-key.',
  });
}

/** The key that ssh wrote into our known_hosts at the first connection, or undefined. */
export function learntHostKey(target: SshTarget, knownHosts: string): string | undefined {
  const prefix = `${aliasOf(target)} `;
  const line = knownHosts.split('\n').find((candidate) => candidate.startsWith(prefix));
  return line === undefined ? undefined : parseHostKey(line.slice(prefix.length))?.line;
}

/** ssh that holds the connection, and runs `command` in its first session. */
export function masterArguments(target: SshTarget, files: SshFiles, command: string): readonly string[] {
  return argumentsOf(
    target,
    {
      ...settingsOf(target, files.knownHosts),
      ControlMaster: 'yes',
      ControlPath: quoted(files.controlPath),
      ControlPersist: 'no',
    },
    command,
  );
}

/** ssh that runs `command` over the connection of a master, and fails when that is gone. */
export function sessionArguments(target: SshTarget, files: SshFiles, command: string): readonly string[] {
  // Without a master ssh would dial by itself; through `false` it comes nowhere.
  const settings = {
    ...settingsOf(target, files.knownHosts),
    ControlMaster: 'no',
    ControlPath: quoted(files.controlPath),
    ProxyCommand: 'false',
  };
  return argumentsOf(target, settings, command);
}

/** ssh of its own connection, for one command. */
export function soleArguments(target: SshTarget, knownHosts: string, command: string): readonly string[] {
  return argumentsOf(target, { ...settingsOf(target, knownHosts), ControlPath: 'none' }, command);
}

function argumentsOf(
  target: SshTarget,
  settings: Readonly<Record<string, string>>,
  command: string,
): readonly string[] {
  return [
    '-F',
    'none',
    '-T',
    '-i',
    percentFree(target.identityFile),
    '-p',
    String(target.port),
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    '-l',
    target.user,
    '--',
    target.host,
    command,
  ];
}

function settingsOf(target: SshTarget, knownHosts: string): Readonly<Record<string, string>> {
  return {
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    UserKnownHostsFile: quoted(knownHosts),
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: target.hostKey === null && target.trustFirst ? 'accept-new' : 'yes',
    HostKeyAlias: aliasOf(target),
    CheckHostIP: 'no',
    HashKnownHosts: 'no',
    UpdateHostKeys: 'no',
    ConnectTimeout: String(connectTimeoutSeconds),
    ServerAliveInterval: String(aliveIntervalSeconds),
    ServerAliveCountMax: String(aliveCountMax),
    ClearAllForwardings: 'yes',
    ForwardAgent: 'no',
    ForwardX11: 'no',
    EscapeChar: 'none',
    LogLevel: 'ERROR',
    ...algorithmSettings(target),
  };
}

/** The pinned key's type alone is asked for, in what the release's sshd can sign with. */
function algorithmSettings(target: SshTarget): Readonly<Record<string, string>> {
  const { algorithms } = target;
  const pinned = target.hostKey === null ? undefined : parseHostKey(target.hostKey)?.type;
  const hostKey = hostKeyAlgorithms(pinned, algorithms.hostKeyAlgorithms);
  return {
    ...(hostKey === undefined ? {} : { HostKeyAlgorithms: hostKey.join(',') }),
    ...(algorithms.publicKeyAlgorithms === undefined
      ? {}
      : { PubkeyAcceptedAlgorithms: algorithms.publicKeyAlgorithms.join(',') }),
    ...(algorithms.kexAlgorithms === undefined ? {} : { KexAlgorithms: algorithms.kexAlgorithms.join(',') }),
    ...(algorithms.ciphers === undefined ? {} : { Ciphers: algorithms.ciphers.join(',') }),
    ...(algorithms.macs === undefined ? {} : { MACs: algorithms.macs.join(',') }),
  };
}

function hostKeyAlgorithms(
  pinned: string | undefined,
  ofRelease: readonly string[] | undefined,
): readonly string[] | undefined {
  if (pinned === undefined) return ofRelease;
  // RFC 8332: one RSA key, three ways to sign with it.
  const signatures = pinned === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [pinned];
  if (ofRelease === undefined) return signatures;
  const known = ofRelease.filter((name) => name === pinned || signatures.includes(name));
  return known.length === 0 ? signatures : known;
}

/** As ssh_config(5) reads a path: tokens begin with `%`, blanks part a list. */
function quoted(file: string): string {
  return `"${percentFree(file)}"`;
}

function percentFree(file: string): string {
  return file.replaceAll('%', '%%');
}
