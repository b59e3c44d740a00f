/**
 * Reads a small file that others may have put something else in the place of: a directory, a pipe that would
 * hold the reader for ever, a file of any size. What the text means is the caller's.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * The file's text.
 * @throws the system's error (`ENOENT`, `ELOOP`, …), or an Error that says why it is not read: not a regular
 *   file, or larger than `maxBytes`.
 */
export async function readRegularFile(file: string, maxBytes: number): Promise<string> {
  // Without O_NONBLOCK the open itself waits until somebody writes into a pipe.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw new Error('it is not a regular file');
    if (facts.size > maxBytes) throw new Error(`it has ${facts.size} bytes, the limit is ${maxBytes}`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}
