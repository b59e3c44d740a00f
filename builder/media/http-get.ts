/**
 * One GET of something in an archive: http and https, a limited number of redirects and none to a weaker
 * protocol, and a limit on silence instead of one on the whole. What the bytes are for is the caller's.
 */
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { errorCodeOf, errorTextOf } from '../../service/error-code.ts';
import { bodyOf } from './http-body.ts';
import { badStatus, refused, tooLarge, unreachable } from './failures.ts';

const maxRedirects = 5;
const userAgent = 'pacemaker-cloud';

export type GetOptions = {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** No byte for this long means that the connection is dead. */
  readonly stallMs: number;
};

export type HttpAnswer = {
  readonly status: number;
  /** Names in lower case; of repeated ones the first. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** To be read to its end, or cancelled. */
  readonly body: AsyncIterable<Buffer>;
  cancel(): void;
};

/**
 * The answer after redirects, whatever its status.
 * @throws PcloudError `media-unreachable` (can be retried), `media-refused`; the signal's reason.
 */
export async function httpGet(options: GetOptions): Promise<HttpAnswer> {
  let url = new URL(options.url);
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    const response = await ask(url, options);
    const { statusCode = 0, headers } = response;
    const target = [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined;
    if (target === undefined) return answerOf(response, options);
    response.destroy();
    url = redirected(url, target, options.url);
  }
  throw refused(options.url, `it is redirected more than ${maxRedirects} times`);
}

/**
 * A small text.
 * @throws PcloudError as `httpGet` does; `media-refused` for a status that is not 200; `media-too-large`.
 */
export async function httpText(options: GetOptions & { readonly maxBytes: number }): Promise<string> {
  const answer = await httpGet(options);
  if (answer.status !== 200) {
    answer.cancel();
    throw badStatus(options.url, answer.status);
  }
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer.body) {
    sizeBytes += chunk.length;
    if (sizeBytes > options.maxBytes) throw tooLarge(options.url, sizeBytes, options.maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function ask(url: URL, options: GetOptions): Promise<IncomingMessage> {
  const { signal, stallMs, headers } = options;
  signal.throwIfAborted();
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request(url, {
      // A connection of its own: none is left open behind us.
      agent: false,
      signal,
      headers: { 'accept-encoding': 'identity', 'user-agent': userAgent, ...headers },
    });
    const silence = setTimeout(() => outgoing.destroy(new Error(`no answer for ${stallMs} ms`)), stallMs);
    outgoing.once('response', (response) => {
      clearTimeout(silence);
      resolve(response);
    });
    outgoing.on('error', (error) => {
      clearTimeout(silence);
      reject(signal.aborted ? reasonOf(signal) : networkFailure(options.url, error));
    });
    outgoing.end();
  });
}

function answerOf(response: IncomingMessage, { url, signal, stallMs }: GetOptions): HttpAnswer {
  const headers = Object.fromEntries(
    Object.entries(response.headersDistinct).map(([name, values]) => [name, values?.[0]]),
  );
  return {
    status: response.statusCode ?? 0,
    headers,
    body: bodyOf(response, stallMs, (error) =>
      signal.aborted ? reasonOf(signal) : networkFailure(url, error),
    ),
    cancel: () => response.destroy(),
  };
}

function redirected(from: URL, location: string, asked: string): URL {
  if (!URL.canParse(location, from.href)) throw refused(asked, 'it is redirected to an address that is none');
  const to = new URL(location, from);
  if (to.protocol !== 'http:' && to.protocol !== 'https:')
    throw refused(asked, `it is redirected to ${to.protocol}, which is neither http nor https`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw refused(asked, `it is redirected from https to plain http (${to.host})`);
  return to;
}

function networkFailure(url: string, error: unknown): Error {
  const code = errorCodeOf(error) ?? '';
  // A certificate that is wrong now is wrong in a minute, too.
  if (/CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)/.test(code))
    return refused(url, `its certificate is not trusted (${errorTextOf(error)})`, error);
  return unreachable(url, errorTextOf(error) || code, error);
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error('stopped');
}
