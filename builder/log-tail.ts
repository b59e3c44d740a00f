/**
 * Reading a build's log while it grows: every byte once, whole characters, and a word when the log was begun
 * anew. It reads the file in the image directory, whichever host writes it, and so it looks again and again
 * instead of waiting for notices, which no shared file system carries.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCodeOf } from '../service/error-code.ts';

const chunkBytes = 64 * 1024;
const lookAgainMs = 300;

/** Where in which log a reader is: a log that was begun anew is another file. */
export type LogPosition = { readonly generation: string; readonly offsetBytes: number };

export type LogPiece =
  | { readonly kind: 'text'; readonly text: string; readonly position: LogPosition }
  | { readonly kind: 'restart'; readonly position: LogPosition };

export type LogTailOptions = {
  readonly path: string;
  /** Read on from here; from the beginning where that log is gone. */
  readonly after: LogPosition | undefined;
  /** Whether anybody may still write; asked each time the end is reached. False ends the reading. */
  readonly goesOn: () => Promise<boolean>;
  readonly signal: AbortSignal;
};

/** `<generation>:<offset>`, for the id of an event. */
export function positionText({ generation, offsetBytes }: LogPosition): string {
  return `${generation}:${offsetBytes}`;
}

export function parsePosition(text: string): LogPosition | undefined {
  const match = /^([0-9]{1,20}-[0-9]{1,20}):([0-9]{1,15})$/.exec(text);
  const [, generation, offset] = match ?? [];
  return generation === undefined ? undefined : { generation, offsetBytes: Number(offset) };
}

/** Yields what the log holds from there on, until nobody writes any more or the signal aborts. */
export async function* tailLog(options: LogTailOptions): AsyncGenerator<LogPiece> {
  const { signal } = options;
  let position = options.after;
  for (;;) {
    // Asked before reading: what is written until then is read.
    const goesOn = await options.goesOn();
    const opened = await openLog(options.path);
    if (opened !== undefined) {
      const { handle, generation, sizeBytes } = opened;
      try {
        const isSame = position?.generation === generation && position.offsetBytes <= sizeBytes;
        if (position !== undefined && !isSame)
          yield { kind: 'restart', position: { generation, offsetBytes: 0 } };
        position = isSame && position !== undefined ? position : { generation, offsetBytes: 0 };
        for await (const piece of readFrom(handle, position, !goesOn)) {
          position = piece.position;
          yield piece;
          if (signal.aborted) return;
        }
      } finally {
        await handle.close();
      }
    }
    if (!goesOn || signal.aborted) return;
    await delay(lookAgainMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

type OpenedLog = { readonly handle: FileHandle; readonly generation: string; readonly sizeBytes: number };

async function openLog(file: string): Promise<OpenedLog | undefined> {
  try {
    const handle = await open(file, 'r');
    const facts = await handle.stat({ bigint: true });
    return {
      handle,
      generation: `${facts.ino}-${facts.birthtimeNs}`,
      sizeBytes: Number(facts.size),
    };
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param isWhole nothing follows: half a character at the end is all that there will be. */
async function* readFrom(
  handle: FileHandle,
  start: LogPosition,
  isWhole: boolean,
): AsyncGenerator<Extract<LogPiece, { kind: 'text' }>> {
  const buffer = Buffer.alloc(chunkBytes);
  let { offsetBytes } = start;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, offsetBytes);
    const length = isWhole && bytesRead < chunkBytes ? bytesRead : wholeCharacters(buffer, bytesRead);
    if (length === 0) return;
    offsetBytes += length;
    yield {
      kind: 'text',
      text: buffer.toString('utf8', 0, length),
      position: { generation: start.generation, offsetBytes },
    };
  }
}

/** How many of the first bytes end at the end of a UTF-8 character; bytes that are none count as such. */
export function wholeCharacters(bytes: Uint8Array, length: number): number {
  for (let back = 1; back <= Math.min(4, length); back += 1) {
    const byte = bytes[length - back] ?? 0;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needs > back ? length - back : length;
  }
  return length;
}
