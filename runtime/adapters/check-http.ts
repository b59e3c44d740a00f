/**
 * Asks a web server: one GET on a connection of its own, no redirect followed, the body read up to a limit and
 * only where a text is wanted in it. Owns nothing beyond the one question.
 */
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { CheckProbe } from '../../model/check.ts';
import type { CheckResult, Clock } from '../ports.ts';
import { deadline } from './check-deadline.ts';
import { bad, closing, failureOf, noAnswer, well } from './check-words.ts';
import type { Endpoint } from './check-words.ts';

export type HttpProbe = Extract<CheckProbe, { kind: 'http' }>;

/** What is looked at of a body, in bytes. */
export const maxBodyBytes = 64 * 1024;

export type AskOptions = {
  readonly clock: Clock;
  /** For all of it, from the connection to the last byte that is looked at. */
  readonly timeoutMs: number;
  /** Ends the question: the service is being stopped. */
  readonly signal: AbortSignal;
};

/** Never rejects; the connection is closed when it resolves. */
export async function askHttp(
  probe: HttpProbe,
  endpoint: Endpoint,
  { clock, timeoutMs, signal }: AskOptions,
): Promise<CheckResult> {
  return await new Promise((resolve) => {
    const asked = request({
      ...endpoint,
      path: probe.path,
      agent: false,
      headers: {
        host: 'localhost',
        'user-agent': 'pacemaker-cloud-check',
        accept: '*/*',
        'accept-encoding': 'identity',
        connection: 'close',
      },
    });
    const settle = (result: CheckResult): void => {
      cancel();
      signal.removeEventListener('abort', onAbort);
      resolve(result);
      asked.destroy();
    };
    const onAbort = (): void => settle(closing);
    const cancel = deadline(clock, timeoutMs, () => settle(noAnswer(timeoutMs)));
    signal.addEventListener('abort', onAbort);
    let answered = false;
    asked.on('response', (response) => {
      answered = true;
      judge(probe, response, settle);
    });
    // 101 has no body of HTTP's: its status is all there is to judge.
    asked.on('upgrade', (response) => settle(statusResult(probe, response.statusCode ?? 0)));
    asked.on('error', (error) => settle(failureOf(error)));
    // A body that ends with its connection is still being read when this comes.
    asked.on('close', () => (answered ? undefined : settle(failureOf({ code: 'ECONNRESET' }))));
    asked.end();
    if (signal.aborted) onAbort();
  });
}

function judge(probe: HttpProbe, response: IncomingMessage, settle: (result: CheckResult) => void): void {
  const byStatus = statusResult(probe, response.statusCode ?? 0);
  const { bodyContains } = probe;
  if (byStatus.verdict !== 'well' || bodyContains === undefined) return settle(byStatus);
  const wanted = Buffer.from(bodyContains);
  const body = Buffer.alloc(maxBodyBytes);
  let length = 0;
  const without = (where: string): CheckResult =>
    bad(`${byStatus.detail}, but ${JSON.stringify(bodyContains)} is not in ${where}`);
  response.on('data', (chunk: Buffer) => {
    // Only where the text may end in what is new: a body that drips in bytes must not cost its square.
    const from = Math.max(0, length - wanted.length);
    length += chunk.copy(body, length);
    if (body.subarray(from, length).includes(wanted)) settle(byStatus);
    else if (length === maxBodyBytes) settle(without('the first 64 KiB of its body'));
  });
  response.on('end', () => settle(without('its body')));
  const brokeOff = (): void => settle(bad(`${byStatus.detail}, but its body broke off`));
  response.on('error', brokeOff);
  response.on('close', brokeOff);
}

function statusResult(probe: HttpProbe, status: number): CheckResult {
  const detail = `HTTP ${status}`;
  return status >= probe.statusFrom && status <= probe.statusTo ? well(detail) : bad(detail);
}
