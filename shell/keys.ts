/**
 * Single keys from the terminal, for a command that has the whole screen. It takes the input from whoever has
 * it (the prompt's line reader) and gives it back.
 */
import type { ReadStream } from 'node:tty';

/** Tells of each key until the function that it returns is called; the terminal is in raw mode meanwhile. */
export function readKeys(input: ReadStream, onKey: (key: string) => void): () => void {
  // The line reader would keep what is typed as the beginning of the next command.
  const others = input.listeners('keypress');
  input.removeAllListeners('keypress');
  const onData = (chunk: Buffer | string): void => {
    // An escape sequence (an arrow key) is one key.
    const text = chunk.toString();
    if (text.startsWith('\u001b')) onKey(text);
    else for (const key of text) onKey(key);
  };
  input.on('data', onData);
  input.setRawMode(true);
  input.resume();
  return () => {
    input.off('data', onData);
    input.pause();
    input.setRawMode(false);
    // Themselves and not a wrapper, so that their owner can still take them off.
    for (const other of others) input.on('keypress', other as (...key: unknown[]) => void);
  };
}
