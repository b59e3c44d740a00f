/**
 * The log as entries of systemd's journal with fields (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/), where stderr
 * is connected to the journal; who reads it asks for `PCLOUD_ASSEMBLY=web`. What is logged is the same: pino's
 * lines come in here, and each that the journal does not take goes on to stderr.
 */
import { fstatSync } from 'node:fs';
import { sendDatagram } from '../native/unix-datagram/index.js';

export const journalSocketPath = '/run/systemd/journal/socket';

type SendDatagram = (socketPath: string, payload: Buffer) => void;

export type LogDestination = { write(line: string): void };

export type JournalOptions = {
  /** Takes what the journal does not. */
  readonly fallback: LogDestination;
  readonly socketPath?: string;
  /** Sends one datagram; tests bring another. */
  readonly send?: SendDatagram;
};

/** True when stderr is the journal's stream (systemd.exec(5), $JOURNAL_STREAM: device and inode). */
export function stderrIsJournal(env: Readonly<Record<string, string | undefined>>, fd = 2): boolean {
  const stream = /^(\d+):(\d+)$/.exec(env['JOURNAL_STREAM'] ?? '');
  if (stream === null) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return dev === BigInt(stream[1] ?? '') && ino === BigInt(stream[2] ?? '');
  } catch {
    // A service may be started with stderr closed: then it is not the journal.
    return false;
  }
}

/**
 * Never throws. The journal may come and go: each line is tried anew. A journal that is full for a moment must not
 * hold the service up; stderr is a stream of the same journal, and waits.
 */
export function journalDestination(options: JournalOptions): LogDestination {
  const { fallback, socketPath = journalSocketPath, send = sendDatagram } = options;
  return {
    write(line) {
      try {
        send(socketPath, journalEntry(line));
      } catch {
        fallback.write(line);
      }
    },
  };
}

/** pino's levels as syslog's (RFC 5424 §6.2.1). */
const priorities: readonly (readonly [number, number])[] = [
  [60, 2],
  [50, 3],
  [40, 4],
  [30, 6],
];

/** What has a name of its own in the journal; everything else is `PCLOUD_` and its own name. */
const journalNames: Readonly<Record<string, string>> = {
  msg: 'MESSAGE',
  service: 'SYSLOG_IDENTIFIER',
  pid: 'SYSLOG_PID',
  messageId: 'MESSAGE_ID',
};

/** The journal writes down when it got an entry, to the microsecond. */
const unwanted = new Set(['time', 'level']);

/** A datagram of the usual socket buffer holds 200 KiB; so much of one field is never what helps. */
const maxFieldBytes = 16 * 1024;
const maxFields = 60;

/**
 * Pure: a line of pino's as an entry in the native format.
 * @throws SyntaxError when it is not JSON.
 */
export function journalEntry(line: string): Buffer {
  const entry = JSON.parse(line) as Record<string, unknown>;
  const level = Number(entry['level']);
  const priority = priorities.find(([from]) => level >= from)?.[1] ?? 7;
  const fields = Object.entries(entry)
    .filter(([name, value]) => !unwanted.has(name) && value !== null && value !== undefined)
    .slice(0, maxFields)
    .map(([name, value]) => field(journalNames[name] ?? ownName(name), textOf(value)));
  return Buffer.concat([field('PRIORITY', String(priority)), ...fields]);
}

/** Capitals, digits and `_`, at most 64 of them; `durationMs` is PCLOUD_DURATION_MS. */
function ownName(name: string): string {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll(/[^A-Za-z0-9]+/g, '_');
  return `PCLOUD_${words.toUpperCase()}`.slice(0, 64);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  // An error's stack is what a person reads; it begins with the message.
  if (isError(value)) return value.stack;
  return JSON.stringify(value);
}

function isError(value: unknown): value is { readonly stack: string } {
  return typeof value === 'object' && value !== null && 'stack' in value && typeof value.stack === 'string';
}

/** `NAME=value`, or where the value has lines: the name, its length in 64 bits, little end first, the value. */
function field(name: string, text: string): Buffer {
  const whole = Buffer.from(text);
  const value =
    whole.length <= maxFieldBytes ? whole : Buffer.concat([whole.subarray(0, maxFieldBytes), cut]);
  if (!value.includes('\n')) return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.from('\n')]);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), size, value, Buffer.from('\n')]);
}

const cut = Buffer.from(' … (cut)');
