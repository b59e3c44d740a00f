/**
 * Reads server-sent events out of bytes (WHATWG HTML §9.2.6), as far as our own servers use the format: `id`,
 * `data` and comments. Pure: bytes in, events out, with a limit on what it holds back.
 */
import { StringDecoder } from 'node:string_decoder';

export type ParsedEvent = { readonly id: string | null; readonly data: string };

export type SseParser = {
  /** Events completed by this chunk. Throws RangeError when an event grows beyond the limit. */
  push(chunk: Uint8Array): readonly ParsedEvent[];
};

/** One event is one journal entry or one line of progress: a few kilobytes at most. */
export const maxEventChars = 1024 * 1024;

/** A parser for one connection; it holds the unfinished part between chunks. */
export function createSseParser(): SseParser {
  // A character may be split between two chunks.
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let id: string | null = null;
  let data: string[] = [];

  const line = (text: string): ParsedEvent | undefined => {
    if (text === '') {
      const event = data.length === 0 ? undefined : { id, data: data.join('\n') };
      data = [];
      return event;
    }
    const colon = text.indexOf(':');
    const field = colon === -1 ? text : text.slice(0, colon);
    const value = colon === -1 ? '' : text.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') id = value;
    else if (field === 'data') data.push(value);
    return undefined;
  };

  return {
    push(chunk) {
      rest += decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      const lines = rest.split(/\r?\n/);
      rest = lines.pop() ?? '';
      const events = lines.map(line).filter((event) => event !== undefined);
      const heldChars = rest.length + data.reduce((sum, part) => sum + part.length, 0);
      if (heldChars > maxEventChars)
        throw new RangeError(`an event is longer than ${maxEventChars} characters`);
      return events;
    },
  };
}
