/**
 * Bytes in, lines out, for a stream whose other end is not trusted: at most one unfinished line is kept,
 * and never more than the limit. Pure: the remainder goes in and comes out.
 */

export type SplitLines = {
  /** Whole lines without their newline, as Latin-1 text: one character a byte, so nothing is lost. */
  readonly lines: readonly string[];
  /** The unfinished line: an argument of the next call, to be dropped at the end of the stream. */
  readonly rest: Uint8Array;
  /** A line, finished or not, is longer than the limit. `lines` holds those before it; stop reading. */
  readonly tooLong: boolean;
};

export const emptyRest: Uint8Array = new Uint8Array(0);

const newline = 0x0a;

/** @param maxBytes longest line, newline included */
export function splitLines(rest: Uint8Array, chunk: Uint8Array, maxBytes: number): SplitLines {
  const lines: string[] = [];
  let head = rest;
  let start = 0;
  for (;;) {
    const end = chunk.indexOf(newline, start);
    const stop = end === -1 ? chunk.length : end;
    if (head.length + (stop - start) > maxBytes - 1) return { lines, rest: emptyRest, tooLong: true };
    const piece = chunk.subarray(start, stop);
    if (end === -1) return { lines, rest: join(head, piece), tooLong: false };
    lines.push(head.length === 0 ? latin1(piece) : latin1(head) + latin1(piece));
    head = emptyRest;
    start = end + 1;
  }
}

/** A copy: the chunk's memory is the stream's, and may be used again. */
function join(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const joined = new Uint8Array(head.length + tail.length);
  joined.set(head);
  joined.set(tail, head.length);
  return joined;
}

/** A thousand guests speak every second: a copy by the runtime costs a tenth of one character at a time. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
