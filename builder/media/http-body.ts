/**
 * The body of an answer as chunks, with a limit on the server's silence. What arrived before a connection broke
 * is handed over before the break is told: a stream of Node's would throw it away, and a download would never
 * get past a proxy that cuts every few bytes.
 */
import type { IncomingMessage } from 'node:http';

/** More than this is not read ahead of whoever takes the chunks. */
const readAheadBytes = 1024 * 1024;

/**
 * Begins to read at once.
 * @param stallMs the time that the reader takes for a chunk does not count.
 * @param failure the error to throw for the stream's own.
 */
export function bodyOf(
  response: IncomingMessage,
  stallMs: number,
  failure: (error: unknown) => Error,
): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = [];
  let queuedBytes = 0;
  let end: { readonly error: Error | undefined } | undefined;
  let wake: (() => void) | undefined;
  const finish = (error: Error | undefined): void => {
    end ??= { error };
    wake?.();
  };
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    queuedBytes += chunk.length;
    if (queuedBytes > readAheadBytes) response.pause();
    wake?.();
  });
  response.once('end', () => finish(undefined));
  response.on('error', (error) => finish(failure(error)));
  response.once('close', () =>
    finish(response.complete ? undefined : failure(new Error('the connection broke'))),
  );

  const more = async (): Promise<void> => {
    const arrived = Promise.withResolvers<void>();
    wake = arrived.resolve;
    const silence = setTimeout(() => response.destroy(new Error(`no byte for ${stallMs} ms`)), stallMs);
    try {
      if (chunks.length === 0 && end === undefined) await arrived.promise;
    } finally {
      clearTimeout(silence);
      wake = undefined;
    }
  };
  return (async function* () {
    try {
      for (;;) {
        await more();
        const chunk = chunks.shift();
        if (chunk !== undefined) {
          queuedBytes -= chunk.length;
          if (queuedBytes <= readAheadBytes) response.resume();
          yield chunk;
        } else if (end !== undefined) {
          if (end.error !== undefined) throw end.error;
          return;
        }
      }
    } finally {
      response.destroy();
    }
  })();
}
