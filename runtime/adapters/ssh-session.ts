/**
 * One connection to a guest by the system's ssh: a master process of ours whose first session is the watch, and
 * over whose socket operations run. It dials once and ends once; dialling again is the link's. The master ends
 * with its standard input, so that none outlives the service: hence no ControlPersist.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { countIn, emptyWindow, guestLinkLimits } from '../../model/guest-link-limits.ts';
import { maxLineBytes } from '../../model/guest-protocol.ts';
import { emptyRest, splitLines } from '../../model/line-splitter.ts';
import { checkSocketPath } from '../../service/unix-socket.ts';
import type { Clock } from '../ports.ts';
import { knownHostsText, learntHostKey, masterArguments, sessionArguments } from './ssh-arguments.ts';
import type { SshFiles, SshTarget } from './ssh-arguments.ts';
import { lastWords, sshEnvironment } from './ssh-process.ts';
import { remoteCommand } from './ssh-quote.ts';
import { mark, watchScript } from './ssh-scripts.ts';

export type SessionHello = {
  readonly bootId: string;
  readonly init: 'systemd' | 'sysv';
  readonly uptimeMs: number;
  /** Where the target had none: the one that ssh took at this first connection. */
  readonly learntHostKey: string | undefined;
};
export type PollAnswer = {
  readonly sequence: number;
  readonly uptimeMs: number;
  readonly gone: readonly number[];
};

/** `ended` comes last and once; `refused`: we ended it for what the guest said. */
export type SessionListener = {
  hello(hello: SessionHello): void;
  answered(answer: PollAnswer): void;
  ended(reason: string, refused: boolean): void;
};

export type SshSession = {
  /** Asks which of these `PID:START` still live. */
  poll(sequence: number, processes: readonly string[]): void;
  /** Arguments of ssh for a command over this connection. */
  sessionArguments(command: string): readonly string[];
  /** Ends it from our side. */
  end(reason: string, refused?: boolean): void;
  /** Resolves when its process is gone and its files are removed. */
  readonly closed: Promise<void>;
};

export type SessionOptions = {
  readonly target: SshTarget;
  /** Short and private to the service; sockets and known hosts are made in it. */
  readonly directory: string;
  readonly clock: Clock;
  readonly listener: SessionListener;
  readonly limits?: Partial<SessionLimits> | undefined;
};

export type SessionLimits = {
  /** From dialling to the guest's hello; an emulated guest computes for seconds at its keys. */
  readonly helloMs: number;
  /** A poll that is not answered so long ends the connection; the supervisor is suspicious well before. */
  readonly answerMs: number;
};
const defaultSessionLimits: SessionLimits = { helloMs: 30_000, answerMs: 10_000 };

/** ssh binds `PATH.` and 16 random characters first (mux.c), and that has to fit into a socket's path, too. */
const bindSuffix = `.${'x'.repeat(16)}`;

/** @throws PcloudError `no-host-key`, `bad-host-key`, `socket-path-too-long`; the system's error for its files. */
export function openSession(options: SessionOptions): SshSession {
  const { target, directory, clock, listener } = options;
  const limits = { ...defaultSessionLimits, ...options.limits };
  const name = randomBytes(4).toString('hex');
  const files: SshFiles = {
    controlPath: path.join(directory, name),
    knownHosts: path.join(directory, `${name}.hosts`),
  };
  checkSocketPath(`${files.controlPath}${bindSuffix}`);
  const hosts = knownHostsText(target);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(files.knownHosts, hosts, { mode: 0o600, flag: 'wx' });

  const command = remoteCommand(['exec', 'sh', '-c', watchScript, 'pcloud']);
  const child = execa('ssh', masterArguments(target, files, command), {
    buffer: false,
    stdin: 'pipe',
    reject: false,
    env: sshEnvironment,
    extendEnv: false,
  });
  let why: { readonly reason: string; readonly refused: boolean } | undefined;
  let cancelLimit = clock.after(limits.helloMs, () =>
    end(`no shell within ${limits.helloMs / 1000} s${ofSsh(errors)}`, false),
  );
  let errors = '';
  const end = (reason: string, refused: boolean): void => {
    why ??= { reason, refused };
    cancelLimit();
    // Nothing to be saved in it: its socket is ours to remove.
    child.kill('SIGKILL');
  };

  const reader = createWatchReader();
  child.stdout.on('data', (chunk: Buffer) => {
    for (const said of reader(chunk, clock.monotonicMs())) {
      if (why !== undefined) return;
      if (said.kind === 'refuse') end(`the guest lost its link: ${said.reason}`, true);
      else if (said.kind === 'hello') void greet(said.hello);
      else {
        cancelLimit();
        listener.answered(said.answer);
      }
    }
  });
  let errorBytes = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    errorBytes += chunk.length;
    errors = lastWords(errors + chunk.subarray(-4096).toString(), '');
    if (errorBytes > guestLinkLimits.bytesPerSecond) end('the guest lost its link: it floods the link', true);
  });
  // A pipe that broke: the process has ended, or will be ended, and that is what counts.
  child.stdin.on('error', () => undefined);

  const greet = async (hello: Omit<SessionHello, 'learntHostKey'>): Promise<void> => {
    cancelLimit();
    try {
      const learnt =
        target.hostKey === null ? learntHostKey(target, await readFile(files.knownHosts, 'utf8')) : undefined;
      if (why === undefined) listener.hello({ ...hello, learntHostKey: learnt });
    } catch (error) {
      end(`its host key cannot be read: ${String(error)}`, false);
    }
  };

  const closed = child.then(async (result) => {
    cancelLimit();
    await rm(files.controlPath, { force: true });
    await rm(files.knownHosts, { force: true });
    const { reason, refused } = why ?? {
      reason: errors || `ssh ended (${result.shortMessage ?? 'without a word'})`,
      refused: false,
    };
    why ??= { reason, refused };
    listener.ended(reason, refused);
  });

  return {
    closed,
    sessionArguments: (line) => sessionArguments(target, files, line),
    end: (reason, refused = false) => end(reason, refused),
    poll(sequence, processes) {
      if (why !== undefined) return;
      cancelLimit();
      cancelLimit = clock.after(limits.answerMs, () =>
        end(`no answer within ${limits.answerMs / 1000} s`, false),
      );
      child.stdin.write(`P ${sequence} ${processes.join(' ')}\n`);
    },
  };
}

function ofSsh(errors: string): string {
  return errors === '' ? '' : ` (${errors})`;
}

type Said =
  | { readonly kind: 'hello'; readonly hello: Omit<SessionHello, 'learntHostKey'> }
  | { readonly kind: 'answer'; readonly answer: PollAnswer }
  | { readonly kind: 'refuse'; readonly reason: string };

const helloLine = new RegExp(`^${mark} hello ([0-9a-f-]{36}) (systemd|sysv) (\\d{1,12})\\.(\\d\\d)$`);
const pollLine = new RegExp(`^${mark} poll (\\d{1,15}) (\\d{1,12})\\.(\\d\\d)((?: \\d{1,10}){0,64})$`);

/**
 * What the watch says, bounded as the agent's line is. Lines before the hello are the login shell's and dropped.
 * Pure apart from its own state.
 */
export function createWatchReader(): (chunk: Uint8Array, nowMs: number) => readonly Said[] {
  let rest = emptyRest;
  let greeted = false;
  let staleLines = 0;
  let bytes = emptyWindow;
  const onLine = (line: string): Said | undefined => {
    if (!greeted) {
      const [, bootId, init, seconds, hundredths] = helloLine.exec(line) ?? [];
      if (bootId === undefined) {
        staleLines += 1;
        return staleLines > guestLinkLimits.linesBeforeHello
          ? refuse('it talks without saying hello')
          : undefined;
      }
      greeted = true;
      return {
        kind: 'hello',
        hello: {
          bootId,
          init: init === 'systemd' ? 'systemd' : 'sysv',
          uptimeMs: uptimeMs(seconds, hundredths),
        },
      };
    }
    const [, sequence, seconds, hundredths, gone] = pollLine.exec(line) ?? [];
    if (sequence === undefined) return refuse('it sent nonsense');
    const pids = (gone ?? '').split(' ').filter((pid) => pid !== '');
    return {
      kind: 'answer',
      answer: { sequence: Number(sequence), uptimeMs: uptimeMs(seconds, hundredths), gone: pids.map(Number) },
    };
  };
  return (chunk, nowMs) => {
    bytes = countIn(bytes, chunk.length, nowMs, 1000);
    if (bytes.count > guestLinkLimits.bytesPerSecond) return [refuse('it floods the link with bytes')];
    const split = splitLines(rest, chunk, maxLineBytes);
    rest = split.rest;
    const said: Said[] = [];
    for (const line of split.lines) {
      const one = onLine(line);
      if (one !== undefined) said.push(one);
      if (one?.kind === 'refuse') return said;
    }
    if (split.tooLong) said.push(refuse(`it sent a line longer than ${maxLineBytes} bytes`));
    return said;
  };
}

function refuse(reason: string): Said {
  return { kind: 'refuse', reason };
}

function uptimeMs(seconds: string | undefined, hundredths: string | undefined): number {
  return Number(seconds) * 1000 + Number(hundredths) * 10;
}

/**
 * ssh takes no key of its caller's that others may read; where operators share it by the group, ssh gets a copy
 * of its own in the private directory. Returns the path to use.
 */
export async function privateIdentity(
  identityFile: string,
  directory: string,
  name: string,
): Promise<string> {
  const { mode } = await stat(identityFile);
  if ((mode & 0o077) === 0) return identityFile;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const copy = path.join(directory, `${name}.key`);
  await rm(copy, { force: true });
  await copyFile(identityFile, copy);
  await chmod(copy, 0o600);
  return copy;
}
