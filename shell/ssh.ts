/**
 * The login to an assembly: the argument list for the system's ssh (pure), the file with the one host key
 * that is trusted, and the call. Where the guest is and which key it has told is cped's to say.
 */
import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PcloudError } from '../model/errors.ts';
import { quoteForMessage } from '../model/names.ts';
import type { ShellContext } from './context.ts';
import type { AccessView } from './ports.ts';

const connectTimeoutSeconds = 10;

/** A public key as OpenSSH writes it: type, base64, and a comment that we drop (sshd(8), SSH_KNOWN_HOSTS). */
const hostKeyPattern =
  /^((?:ssh|ecdsa-sha2|sk-ssh|sk-ecdsa-sha2)-[a-z0-9@.-]{1,64}) ([A-Za-z0-9+/]{16,8192}={0,2})(?: [^\r\n]*)?$/;

/**
 * The known_hosts line that pins this key to this address and port, or undefined when the key is not one.
 * The key comes from a guest: what is more than one line could pin other hosts too.
 */
export function knownHostsLine(view: AccessView): string | undefined {
  const match = hostKeyPattern.exec((view.hostKey ?? '').trim());
  if (match === null) return undefined;
  const host = view.port === 22 ? view.host : `[${view.host}]:${view.port}`;
  return `${host} ${match[1] ?? ''} ${match[2] ?? ''}\n`;
}

/** The arguments of ssh; an empty command is an interactive login. */
export function sshArguments(
  view: AccessView,
  knownHostsFile: string,
  command: readonly string[],
): readonly string[] {
  const settings = {
    IdentitiesOnly: 'yes',
    UserKnownHostsFile: knownHostsFile,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    PasswordAuthentication: 'no',
    ConnectTimeout: String(connectTimeoutSeconds),
    ServerAliveInterval: '15',
    LogLevel: 'ERROR',
    ...(command.length === 0 ? {} : { BatchMode: 'yes' }),
    ...algorithmSettings(view.algorithms),
  };
  return [
    // The operator's own configuration (proxies, multiplexing, other keys) is for other hosts.
    '-F',
    'none',
    '-i',
    view.identityFile,
    '-p',
    String(view.port),
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    '-l',
    view.user,
    '--',
    view.host,
    ...command,
  ];
}

/** What today's ssh does not offer by itself to an sshd of RHEL 6's age. */
function algorithmSettings(algorithms: AccessView['algorithms'] = {}): Readonly<Record<string, string>> {
  const named = {
    HostKeyAlgorithms: algorithms.hostKeyAlgorithms,
    PubkeyAcceptedAlgorithms: algorithms.publicKeyAlgorithms,
    KexAlgorithms: algorithms.kexAlgorithms,
    Ciphers: algorithms.ciphers,
    MACs: algorithms.macs,
  };
  return Object.fromEntries(
    Object.entries(named).flatMap(([name, list]) => (list === undefined ? [] : [[name, list.join(',')]])),
  );
}

/**
 * Runs ssh on this terminal and resolves with its exit code.
 * @throws PcloudError `no-host-key`, `bad-host-key`, `key-not-readable`, `ssh-missing`.
 */
export async function runSsh(
  assembly: string,
  view: AccessView,
  command: readonly string[],
  context: ShellContext,
): Promise<number> {
  if (view.hostKey === null)
    throw new PcloudError({
      code: 'no-host-key',
      category: 'unavailable',
      message: `The assembly ${assembly} has not told its ssh host key yet, so it cannot be recognised.`,
      hint: 'It tells the key when its agent is up: wait until deployable_status shows it online, and try again.',
    });
  const pinned = knownHostsLine(view);
  if (pinned === undefined)
    throw new PcloudError({
      code: 'bad-host-key',
      category: 'failed',
      message: `What the assembly ${assembly} has told as its ssh host key is none: ${quoteForMessage(view.hostKey)}.`,
      hint: 'Do not trust this guest before you know why: look at its console in the virtual machine manager.',
    });
  await checkReadable(view.identityFile);
  const directory = await mkdtemp(path.join(tmpdir(), 'pcloudsh-'));
  try {
    const knownHostsFile = path.join(directory, 'known_hosts');
    await writeFile(knownHostsFile, pinned, { mode: 0o600, flag: 'wx' });
    return await context.runProgram('ssh', sshArguments(view, knownHostsFile, command));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function checkReadable(identityFile: string): Promise<void> {
  try {
    await access(identityFile, constants.R_OK);
  } catch (error) {
    throw new PcloudError({
      code: 'key-not-readable',
      category: 'failed',
      message: `The key ${identityFile} cannot be read by this user.`,
      hint: 'Logging in needs the rights of the service: run assembly_ssh as root, or as the user who started the service.',
      cause: error,
    });
  }
}
