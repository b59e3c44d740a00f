/**
 * The client side of an event stream: server-sent events of one of our sockets as an async iterable of
 * validated values. It does not reconnect; the caller does, with the last id that it saw.
 */
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { errorBodySchema, errorFromBody, PcloudError } from '../model/errors.ts';
import { connectError } from './connect-error.ts';
import { createSseParser } from './sse-parser.ts';
import { heartbeatMs } from './sse.ts';

export type StreamEvent<T> = { readonly id: string | null; readonly data: T };

export type EventStreamOptions<T> = {
  readonly socketPath: string;
  readonly path: string;
  /** Resume after this id (`Last-Event-ID`). */
  readonly lastEventId?: string | undefined;
  readonly schema: z.ZodType<T>;
  /** Aborting ends the iteration without an error. */
  readonly signal?: AbortSignal | undefined;
  readonly notRunning: () => PcloudError;
  /** Silence for this long means that the connection is dead; three heartbeats unless given. */
  readonly idleLimitMs?: number | undefined;
};

/** An error answer is small; more than this is not one. */
const maxErrorBytes = 256 * 1024;

/**
 * Yields each event as it comes; returns when the server ends the stream or `signal` aborts.
 * @throws PcloudError the service's own error; `notRunning()`; `no-permission`; `connection-lost`; `bad-answer`.
 */
export async function* eventStream<T>(options: EventStreamOptions<T>): AsyncGenerator<StreamEvent<T>> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  try {
    const response = await connect(options, signal);
    if (response.statusCode !== 200) throw await refusal(options, response);
    const parser = createSseParser();
    for await (const chunk of response as AsyncIterable<Buffer>)
      for (const event of parser.push(chunk)) yield { id: event.id, data: readData(options, event.data) };
  } catch (error) {
    if (options.signal?.aborted === true) return;
    if (error instanceof PcloudError) throw error;
    throw await connectError(options.socketPath, error, options.notRunning);
  } finally {
    stop.abort();
  }
}

async function connect(options: EventStreamOptions<unknown>, signal: AbortSignal): Promise<IncomingMessage> {
  const idleLimitMs = options.idleLimitMs ?? 3 * heartbeatMs;
  return await new Promise((resolve, reject) => {
    const outgoing = request({
      socketPath: options.socketPath,
      method: 'GET',
      path: options.path,
      agent: false,
      signal,
      timeout: idleLimitMs,
      headers: {
        accept: 'text/event-stream',
        host: 'localhost',
        ...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }),
      },
    });
    let response: IncomingMessage | undefined;
    outgoing.once('response', (incoming) => {
      response = incoming;
      resolve(incoming);
    });
    outgoing.once('timeout', () => {
      // The reader of the answer shall see this error, not the bare "aborted" of a closed socket.
      (response ?? outgoing).destroy(new Error(`no sign of life for ${idleLimitMs} ms`));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

async function refusal(
  options: EventStreamOptions<unknown>,
  response: IncomingMessage,
): Promise<PcloudError> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > maxErrorBytes) break;
  }
  const body = errorBodySchema.safeParse(parseJson(text));
  return body.success
    ? errorFromBody(body.data)
    : badEvent(options, `status ${response.statusCode ?? 0}`, body.error);
}

function readData<T>(options: EventStreamOptions<T>, data: string): T {
  const result = options.schema.safeParse(parseJson(data));
  if (result.success) return result.data;
  throw badEvent(options, result.error.issues[0]?.message ?? 'unexpected', result.error);
}

/** Undefined for what is not JSON: no schema of ours accepts it, so the one error path below is enough. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function badEvent(options: EventStreamOptions<unknown>, why: string, cause: unknown): PcloudError {
  return new PcloudError({
    code: 'bad-answer',
    category: 'internal',
    message: `The event stream ${options.path} from ${options.socketPath} is not understood: ${why}.`,
    hint: 'Is the service of another version than this program? Restart the service after an upgrade.',
    cause,
  });
}
