/**
 * Asking the service: JSON in and out, each question with a limit, and every refusal as an error that people can
 * read. All paths are of this service; there is no other.
 */
import type { Trouble } from './state.ts';

/** What a question ran into. `status` 0: there was no answer at all. */
export class AskError extends Error {
  override readonly name = 'AskError';
  readonly status: number;
  readonly trouble: Trouble;

  constructor(status: number, trouble: Trouble) {
    super(trouble.message);
    this.status = status;
    this.trouble = trouble;
  }
}

const limitMs = 15_000;
/** Starting makes disks first. */
const commandLimitMs = 120_000;

/** Wall clock of the service less ours, by its last answer; within its whole seconds it counts as none. */
let clockOffsetMs = 0;
export function serviceNowMs(): number {
  return Date.now() + clockOffsetMs;
}

/** @throws AskError */
export async function getJson<T>(path: string): Promise<T> {
  return (await (await ask(path, { method: 'GET' }, limitMs)).json()) as T;
}

/** @throws AskError */
export async function getBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await ask(path, { method: 'GET' }, limitMs)).arrayBuffer());
}

/** @throws AskError */
export async function getText(path: string): Promise<string> {
  return await (await ask(path, { method: 'GET' }, limitMs)).text();
}

/** @throws AskError */
export async function send(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await ask(path, { method, ...content }, commandLimitMs);
  return response.status === 204 ? undefined : await response.json();
}

async function ask(path: string, init: RequestInit, withinMs: number): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, cache: 'no-store', signal: AbortSignal.timeout(withinMs) });
  } catch (error) {
    throw new AskError(0, noAnswer(error));
  }
  noteClock(response.headers.get('date'));
  if (response.ok) return response;
  throw new AskError(response.status, troubleOf(response.status, await response.text().catch(() => '')));
}

function noteClock(date: string | null): void {
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return;
  const differenceMs = theirs + 500 - Date.now();
  clockOffsetMs = Math.abs(differenceMs) < 2500 ? 0 : differenceMs;
}

function noAnswer(error: unknown): Trouble {
  const late = error instanceof DOMException && error.name === 'TimeoutError';
  return {
    code: late ? 'timeout' : 'no-answer',
    message: late ? 'The service did not answer in time.' : 'The service does not answer.',
    hint: 'On the host: systemctl status pcloud-cped.service',
  };
}

/** The service's own words where the body holds them (`model/errors.ts`). */
function troubleOf(status: number, body: string): Trouble {
  const plain = { code: 'refused', message: `The service refused it (HTTP ${status}).`, hint: undefined };
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown; hint?: unknown } };
    if (typeof error?.message !== 'string') return plain;
    return {
      code: typeof error.code === 'string' ? error.code : plain.code,
      message: error.message.slice(0, 2000),
      hint: typeof error.hint === 'string' ? error.hint.slice(0, 2000) : undefined,
    };
  } catch (error) {
    if (error instanceof SyntaxError) return plain;
    throw error;
  }
}

/** For people, whatever was thrown. */
export function troubleFrom(error: unknown): Trouble {
  if (error instanceof AskError) return error.trouble;
  return {
    code: 'page-defect',
    message: `The page has a defect: ${error instanceof Error ? error.message : String(error)}.`,
    hint: 'Load it again. pcloudsh shows the same and is not affected.',
  };
}
