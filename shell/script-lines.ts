/**
 * The lines of a script out of a stream of bytes. It holds back no more than one line, and never more of that
 * than a line may have; what a line means is `run-line.ts`'s.
 */
import { StringDecoder } from 'node:string_decoder';
import { maxLineLength } from './words.ts';

/**
 * Each line without its end (`\n` or `\r\n`). One longer than a line may be comes cut to one character more
 * than that, so that whoever runs it refuses it; nothing after it is read.
 */
export async function* scriptLines(input: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let isFirst = true;
  for await (const chunk of input) {
    rest += decoder.write(chunk);
    // A byte order mark is an editor's, not the operator's.
    if (isFirst && rest.startsWith('\ufeff')) rest = rest.slice(1);
    if (rest !== '') isFirst = false;
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    if (rest.length > maxLineLength) {
      yield rest.slice(0, maxLineLength + 1);
      return;
    }
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}
