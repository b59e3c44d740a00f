/**
 * Asks yes or no before something is lost: for a single command on the plain terminal, and in the prompt by way
 * of its own line reader. What is asked, and what follows from the answer, is the commands'.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';

/** Only these are yes; all else, and no answer, is no. */
function isYes(answer: string): boolean {
  return /^\s*y(?:es)?\s*$/i.test(answer);
}

type Output = { write(text: string): unknown };

/** The question of a single command. Ctrl-C and the end of the input are no. */
export function createConfirm(
  input: NodeJS.ReadableStream,
  output: Output,
  signal: AbortSignal,
): (question: string) => Promise<boolean> {
  return async (question) => {
    if (signal.aborted) return false;
    output.write(question);
    // Not as a terminal: then Ctrl-C would be a key, and not a signal.
    const reader = createInterface({ input, terminal: false });
    const done = new AbortController();
    try {
      const either = AbortSignal.any([signal, done.signal]);
      const answer = once(reader, 'line', { signal: either }).then(([line]) => String(line));
      const end = once(reader, 'close', { signal: either }).then(() => '');
      return isYes(await Promise.race([answer, end]));
    } catch (error) {
      if (!signal.aborted) throw error;
      return false;
    } finally {
      // The loser of the race must not be an unhandled rejection.
      done.abort();
      reader.close();
    }
  };
}

export type Question = {
  /** Asks and waits for the next line; Ctrl-C and the end of the input are no. */
  readonly ask: (question: string, signal: AbortSignal) => Promise<boolean>;
  /** Takes a line as the answer; false when nothing was asked. Lines typed ahead are no answers. */
  readonly answer: (line: string) => boolean;
};

/** The question in the prompt, whose line reader gets every line; it is paused while a command runs. */
export function createQuestion(readline: Interface, output: Output): Question {
  let settle: ((answer: string) => void) | undefined;
  return {
    ask: async (question, signal) => {
      if (signal.aborted) return false;
      output.write(question);
      const answer = new Promise<string>((resolve) => {
        settle = resolve;
      });
      const no = (): void => settle?.('');
      signal.addEventListener('abort', no, { once: true });
      readline.once('close', no);
      readline.resume();
      try {
        return isYes(await answer);
      } finally {
        settle = undefined;
        signal.removeEventListener('abort', no);
        readline.off('close', no);
        readline.pause();
      }
    },
    answer: (line) => {
      if (settle === undefined) return false;
      settle(line);
      return true;
    },
  };
}
