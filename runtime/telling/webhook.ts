/**
 * One POST of JSON to the operator's webhook, tried again where another attempt can succeed. Neither the token
 * nor the path of the address, which is a secret with many services, is ever in a message.
 */
import { readFile, stat } from 'node:fs/promises';
import { errorCodeOf, errorTextOf } from '../../service/error-code.ts';
import type { Clock } from '../ports.ts';
import type { AlertOutcome } from './run-program.ts';

export type WebhookOptions = {
  readonly url: string;
  /** The bearer token, asked for anew for each attempt; null: none is sent. */
  readonly token: () => Token | Promise<Token>;
  /** For one attempt. */
  readonly timeoutMs: number;
  /** Before the second attempt, the third, … */
  readonly retryDelaysMs: readonly number[];
  readonly clock: Pick<Clock, 'after'>;
  /** Aborted when the service ends. */
  readonly signal: AbortSignal;
};

export const defaultRetryDelaysMs = [1000, 5000, 25_000];

type Attempt = AlertOutcome & { readonly again?: true };

/** Sends it, or says why not. Never rejects. */
export async function postWebhook(options: WebhookOptions, body: string): Promise<AlertOutcome> {
  let attempts = 0;
  for (;;) {
    const token = await options.token();
    if ('why' in token) return { ok: false, why: token.why };
    const attempt = await post(options, body, token.token);
    attempts += 1;
    if (attempt.ok) return attempt;
    const delayMs = attempt.again ? options.retryDelaysMs[attempts - 1] : undefined;
    if (options.signal.aborted || delayMs === undefined)
      return { ok: false, why: `${attempt.why}${attempts === 1 ? '' : `, after ${attempts} attempts`}` };
    await waitFor(delayMs, options);
  }
}

async function post(options: WebhookOptions, body: string, token: string | null): Promise<Attempt> {
  const limit = AbortSignal.timeout(options.timeoutMs);
  try {
    const answer = await fetch(options.url, {
      method: 'POST',
      body,
      // A redirect would carry the token, and a report of what is broken here, to somebody else.
      redirect: 'manual',
      signal: AbortSignal.any([limit, options.signal]),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'pacemaker-cloud',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    // Nothing of the answer matters but its status, and it may be endless.
    await answer.body?.cancel();
    return judge(answer.status);
  } catch (error) {
    if (options.signal.aborted) return { ok: false, why: 'the service ended meanwhile' };
    if (limit.aborted)
      return { ok: false, again: true, why: `it did not answer within ${options.timeoutMs / 1000} s` };
    return { ok: false, again: true, why: `it cannot be reached: ${reasonOf(error)}` };
  }
}

/** 408, 429 and 5xx may pass (RFC 9110 §15); any other refusal is the same the next time. */
function judge(status: number): Attempt {
  if (status >= 200 && status < 300) return { ok: true };
  const why = `it answered with status ${status}`;
  if (status >= 300 && status < 400) return { ok: false, why: `${why}, and redirects are not followed` };
  return status === 408 || status === 429 || status >= 500
    ? { ok: false, again: true, why }
    : { ok: false, why };
}

/** fetch says only "fetch failed"; what it was stands in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return errorCodeOf(cause) ?? errorCodeOf(error) ?? errorTextOf(cause ?? error);
}

const maxTokenBytes = 4096;

/** Or why there is none, as the end of a sentence. */
export type Token = { readonly token: string | null } | { readonly why: string };

export async function readTokenFile(file: string | null): Promise<Token> {
  if (file === null) return { token: null };
  try {
    const { size, mode } = await stat(file);
    if ((mode & 0o007) !== 0) return { why: `anybody may read the token in ${file} (chmod o-rwx)` };
    if (size > maxTokenBytes) return { why: `the token in ${file} has ${size} bytes` };
    const token = (await readFile(file, 'utf8')).trim();
    return isBearerToken(token) ? { token } : { why: `what is in ${file} is not a bearer token` };
  } catch (error) {
    return { why: `the token cannot be read: ${errorTextOf(error)}` };
  }
}

/** The characters of one (RFC 6750 §2.1); anything else could end the header. */
export function isBearerToken(text: string): boolean {
  return /^[A-Za-z0-9\-._~+/]+=*$/.test(text);
}

async function waitFor(delayMs: number, { clock, signal }: WebhookOptions): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal.addEventListener('abort', done);
  });
}
