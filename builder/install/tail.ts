/**
 * The last lines of something that talks without end, for messages, and how much it has said. Pure apart from its
 * own state.
 */
import { createLineSplitter } from '../line-splitter.ts';

export type Tail = {
  push(chunk: Uint8Array): void;
  /** Oldest first; the last may be one that is not ended yet, such as a question. */
  lines(): readonly string[];
  bytes(): number;
};

/** @param onLine told of each whole line. */
export function createTail(maxLines: number, onLine: (line: string) => void): Tail {
  const kept: string[] = [];
  let bytes = 0;
  const splitter = createLineSplitter((line) => {
    kept.push(line);
    if (kept.length > maxLines) kept.shift();
    onLine(line);
  });
  return {
    push: (chunk) => {
      bytes += chunk.length;
      splitter.push(Buffer.from(chunk));
    },
    lines: () => [...kept, splitter.rest()].filter((line) => line !== '').slice(-maxLines),
    bytes: () => bytes,
  };
}
