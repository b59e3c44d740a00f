/**
 * Chunks of a program's output in, lines out; bounded, so that a program that never ends its line costs no
 * memory. Several streams may share one splitter where lines of both are only read for their words.
 */

/** The start of a longer line is enough to recognise it. */
const maxLineLength = 4096;

export type LineSplitter = {
  push(chunk: Uint8Array): void;
  /** What came since the last end of a line: a question that waits for its answer has none. */
  rest(): string;
};

/** Calls `onLine` for each complete line, without its end; a carriage return ends a line too. */
export function createLineSplitter(onLine: (line: string) => void): LineSplitter {
  const decoder = new TextDecoder();
  let rest = '';
  return {
    push: (chunk) => {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r/);
      rest = (parts.pop() ?? '').slice(0, maxLineLength);
      for (const part of parts) onLine(part.slice(0, maxLineLength));
    },
    rest: () => rest,
  };
}
