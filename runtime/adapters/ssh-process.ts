/**
 * One ssh process for one command in a guest: started, bounded in time and in what it may say, and ended. What
 * a guest says is read as it comes and kept as a tail; an endless one costs no memory and ends the process.
 */
import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import { guestLinkLimits } from '../../model/guest-link-limits.ts';
import type { Clock } from '../ports.ts';
import { remoteCommand } from './ssh-quote.ts';
import { frameScript, mark } from './ssh-scripts.ts';

/** What an operation may say in all; a service's last words are kept, a flood is not worth more. */
const maxOutputBytes = 2 * guestLinkLimits.bytesPerSecond;
/** Of each stream, to find our own lines and the last words in. */
const tailBytes = 4096;
/** TERM, two seconds, KILL in the guest, and the way back: then the host stops waiting. */
const graceMs = 5000;

export type RemoteOutcome =
  | {
      readonly kind: 'ended';
      readonly code: number;
      readonly timedOut: boolean;
      /** What followed our mark and the nonce on lines of their own, without the last. */
      readonly told: readonly string[];
      readonly stdout: string;
      readonly stderr: string;
    }
  /** Past its limit without a word of how it ended. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'flood' }
  /** ssh ended first: the connection is gone, or was never there. */
  | { readonly kind: 'lost'; readonly reason: string };

export type RemoteRequest = {
  /** The arguments of ssh for a remote command line. */
  readonly sshArguments: (command: string) => readonly string[];
  readonly elevate: boolean;
  readonly body: string;
  readonly arguments: readonly string[];
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'after'>;
  /** Resolve at this line of our own already, before the end. */
  readonly until?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told every piece as it comes. */
  readonly onOutput?: ((stream: 'stdout' | 'stderr', chunk: Buffer) => void) | undefined;
};

/** ssh gets no agent, no display and no secrets of ours. */
export const sshEnvironment = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };

/**
 * Runs a body in the guest and resolves with how it ended; never rejects for what a guest does.
 * @throws PcloudError `unquotable`.
 */
export async function runRemote(request: RemoteRequest): Promise<RemoteOutcome> {
  const nonce = randomBytes(8).toString('hex');
  const limitSeconds = String(Math.max(1, Math.ceil(request.timeoutMs / 1000)));
  const words = ['sh', '-c', frameScript, 'pcloud', nonce, limitSeconds, request.body, ...request.arguments];
  const command = remoteCommand(request.elevate ? ['sudo', '-n', '--', ...words] : words);
  return await converse(request, nonce, request.sshArguments(command));
}

async function converse(
  request: RemoteRequest,
  nonce: string,
  sshArguments: readonly string[],
): Promise<RemoteOutcome> {
  const child = execa('ssh', sshArguments, {
    buffer: false,
    stdin: 'ignore',
    reject: false,
    env: sshEnvironment,
    extendEnv: false,
  });
  const tails: { stdout: Buffer; stderr: Buffer } = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  let saidBytes = 0;
  let settled = false;
  const marker = Buffer.from(`\n${mark} ${nonce} `);
  const withoutOurs = { stdout: createMarkCutter(marker), stderr: createMarkCutter(marker) };
  return await new Promise<RemoteOutcome>((resolve) => {
    const settle = (outcome: RemoteOutcome): void => {
      if (settled) return;
      settled = true;
      cancel();
      request.signal?.removeEventListener('abort', abort);
      child.kill('SIGKILL');
      resolve(outcome);
    };
    const abort = (): void => settle({ kind: 'lost', reason: 'the connection was closed' });
    const cancel = request.clock.after(request.timeoutMs + graceMs, () => settle({ kind: 'silent' }));
    const take = (stream: 'stdout' | 'stderr', chunk: Buffer): void => {
      if (settled) return;
      saidBytes += chunk.length;
      if (saidBytes > maxOutputBytes) return settle({ kind: 'flood' });
      tails[stream] = tailOf(tails[stream], chunk);
      const outcome = readTails(tails, nonce, request.until);
      if (request.onOutput !== undefined) {
        const said = withoutOurs[stream](chunk);
        if (said.length > 0) request.onOutput(stream, said);
      }
      // What a daemon that it left behind still writes is not waited for.
      if (outcome !== undefined) settle(outcome);
    };
    child.stdout.on('data', (chunk: Buffer) => take('stdout', chunk));
    child.stderr.on('data', (chunk: Buffer) => take('stderr', chunk));
    request.signal?.addEventListener('abort', abort);
    if (request.signal?.aborted === true) abort();
    void child.then((result) => {
      const words = lastWords(tails.stderr.toString(), '') || (result.shortMessage ?? 'ssh ended');
      settle({ kind: 'lost', reason: words });
    });
  });
}

/** Passes on what comes before our mark, holding back what may be the mark's beginning. */
export function createMarkCutter(marker: Buffer): (chunk: Buffer) => Buffer {
  let held: Buffer = Buffer.alloc(0);
  let found = false;
  return (chunk) => {
    if (found) return Buffer.alloc(0);
    const whole = Buffer.concat([held, chunk]);
    const at = whole.indexOf(marker);
    found = at !== -1;
    const passed = found ? at : whole.length - beginningAtEnd(whole, marker);
    held = Buffer.from(whole.subarray(passed));
    return whole.subarray(0, passed);
  };
}

/** How many of the last bytes are the first ones of the marker. */
function beginningAtEnd(bytes: Buffer, marker: Buffer): number {
  for (let length = Math.min(marker.length - 1, bytes.length); length > 0; length -= 1)
    if (bytes.subarray(bytes.length - length).equals(marker.subarray(0, length))) return length;
  return 0;
}

function tailOf(tail: Buffer, chunk: Buffer): Buffer {
  const whole = Buffer.concat([tail, chunk.subarray(Math.max(0, chunk.length - tailBytes))]);
  return whole.subarray(Math.max(0, whole.length - tailBytes));
}

function readTails(
  tails: { readonly stdout: Buffer; readonly stderr: Buffer },
  nonce: string,
  until: string | undefined,
): RemoteOutcome | undefined {
  const out = parted(tails.stdout, nonce);
  const err = parted(tails.stderr, nonce);
  const end = out.told.map((line) => /^end (\d{1,3}) ([01])$/.exec(line)).find((match) => match !== null);
  const whole = end !== undefined && err.told.includes('end');
  if (!whole && (until === undefined || !out.told.includes(until))) return undefined;
  return {
    kind: 'ended',
    code: Number(end?.[1] ?? 0),
    timedOut: end?.[2] === '1',
    told: out.told.filter((line) => !line.startsWith('end ')),
    stdout: out.said,
    stderr: err.said,
  };
}

/** Whole lines of ours without their beginning, and all others. */
function parted(tail: Buffer, nonce: string): { readonly told: readonly string[]; readonly said: string } {
  const prefix = `${mark} ${nonce} `;
  const lines = tail.toString().split('\n').slice(0, -1);
  return {
    told: lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length)),
    said: lines.filter((line) => !line.startsWith(prefix)).join('\n'),
  };
}

/** The end of what was said, stderr first, as the agent gives it: at most 512 bytes, control characters out. */
export function lastWords(stderr: string, stdout: string): string {
  const text = stderr.trim() === '' ? stdout : stderr;
  const printable = text
    .replaceAll(/[\p{Cc}\p{Cs}]+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
  const bytes = Buffer.from(printable);
  if (bytes.length <= maxLastWordsBytes) return printable;
  // Cut in the middle of a character, its rest decodes to replacement characters.
  return bytes
    .subarray(bytes.length - maxLastWordsBytes)
    .toString()
    .replace(/^\ufffd+/, '');
}

const maxLastWordsBytes = 512;
