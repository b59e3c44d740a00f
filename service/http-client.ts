/**
 * The client side of our sockets: one JSON request, one validated answer, always with a limit on time and
 * size. Event streams are `event-stream.ts`. Which service is asked, and what to say when it is not running,
 * is the caller's.
 */
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { errorBodySchema, errorFromBody, PcloudError } from '../model/errors.ts';
import { connectError } from './connect-error.ts';

/** The largest answer that a service of ours gives is a journal page; well below this. */
export const maxAnswerBytes = 16 * 1024 * 1024;

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export type JsonRequest<T> = {
  readonly socketPath: string;
  readonly method: Method;
  /** Path and query, percent-encoded (`pathOf` helps). */
  readonly path: string;
  /** Sent as JSON when given. */
  readonly body?: unknown;
  readonly schema: z.ZodType<T>;
  readonly timeoutMs: number;
  /** Ends the wait early; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The error for a service that is not there, with its hint how to start it. */
  readonly notRunning: () => PcloudError;
};

/** `/v1/assemblies/` + encoded segments: pathOf`/v1/assemblies/${name}/clone`. */
export function pathOf(parts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return parts.reduce((path, part, i) => path + encodeURIComponent(String(values[i - 1])) + part);
}

/**
 * Asks once; never retries.
 * @throws PcloudError the service's own error; `notRunning()`; `no-permission`; `service-timeout`;
 *   `connection-lost`; `bad-answer`.
 */
export async function requestJson<T>(options: JsonRequest<T>): Promise<T> {
  const limit = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  let answer: { status: number; text: string };
  try {
    answer = await exchange(options, signal);
  } catch (error) {
    if (error instanceof PcloudError) throw error;
    if (limit.aborted) throw timedOut(options, error);
    options.signal?.throwIfAborted();
    throw await connectError(options.socketPath, error, options.notRunning);
  }
  return readAnswer(options, answer);
}

function readAnswer<T>(options: JsonRequest<T>, answer: { status: number; text: string }): T {
  let value: unknown;
  try {
    value = answer.text === '' ? undefined : JSON.parse(answer.text);
  } catch (error) {
    throw badAnswer(options, 'it is not JSON', error);
  }
  if (answer.status >= 400) {
    const body = errorBodySchema.safeParse(value);
    if (body.success) throw errorFromBody(body.data);
    throw badAnswer(options, `status ${answer.status} without an error that we know`, body.error);
  }
  const result = options.schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw badAnswer(options, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unexpected'}`, result.error);
}

async function exchange(
  options: JsonRequest<unknown>,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing: ClientRequest = request({
      socketPath: options.socketPath,
      method: options.method,
      path: options.path,
      agent: false,
      signal,
      headers: {
        accept: 'application/json',
        host: 'localhost',
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
      },
    });
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
  return { status: response.statusCode ?? 0, text: await readText(options, response) };
}

async function readText(options: JsonRequest<unknown>, response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxAnswerBytes) {
      response.destroy();
      throw badAnswer(options, `it is larger than ${maxAnswerBytes} bytes`, undefined);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function timedOut(options: JsonRequest<unknown>, cause: unknown): PcloudError {
  return new PcloudError({
    code: 'service-timeout',
    category: 'unavailable',
    message: `The service on ${options.socketPath} gave no answer to ${options.method} ${options.path} within ${options.timeoutMs} ms.`,
    hint: 'It may be busy or stuck: look at its log, and try again. What was asked may still happen.',
    cause,
  });
}

function badAnswer(options: JsonRequest<unknown>, why: string, cause: unknown): PcloudError {
  return new PcloudError({
    code: 'bad-answer',
    category: 'internal',
    message: `The answer to ${options.method} ${options.path} from ${options.socketPath} is not understood: ${why}.`,
    hint: 'Is the service of another version than this program? Restart the service after an upgrade.',
    cause,
  });
}
