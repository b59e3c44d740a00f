/** How the answer to a check, or why there is none, is said. Pure. */
import { errorCodeOf, errorTextOf } from '../../service/error-code.ts';
import type { CheckResult } from '../ports.ts';

/** Where an application is reached from here. */
export type Endpoint = { readonly host: string; readonly port: number };

export const well = (detail: string): CheckResult => ({ verdict: 'well', detail });
export const bad = (detail: string): CheckResult => ({ verdict: 'bad', detail });
export const unknown = (detail: string): CheckResult => ({ verdict: 'unknown', detail });

export function noAnswer(timeoutMs: number): CheckResult {
  return bad(`no answer within ${(timeoutMs / 1000).toFixed(1)} s`);
}

export const closing = unknown('the service is being stopped');

/** The system's words for what the other side did. */
const theirs: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed without an answer',
  EPIPE: 'connection closed without an answer',
  EHOSTUNREACH: 'host unreachable',
  ETIMEDOUT: 'no connection',
};

/** What this host lacks says nothing about the application: file descriptors, memory, ports, a network, a right. */
const ours = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRNOTAVAIL',
  'EACCES',
  'EPERM',
  'ENETDOWN',
  'ENETUNREACH',
]);

/** The result of a connection that failed. */
export function failureOf(error: unknown): CheckResult {
  const code = errorCodeOf(error) ?? '';
  if (ours.has(code)) return unknown(`it cannot be asked from here: ${errorTextOf(error)}`);
  return bad(theirs[code] ?? shortened(errorTextOf(error)));
}

const longestWords = 200;

/** Words of a guest in one line: its last that say something, harmless and cut. */
export function lastWords(text: string): string {
  const lines = text.split(/[\r\n]+/).map((line) => line.replaceAll(/[\s\p{C}]+/gu, ' ').trim());
  return shortened(lines.findLast((line) => line !== '') ?? '');
}

function shortened(text: string): string {
  return text.length <= longestWords ? text : `${text.slice(0, longestWords - 1)}…`;
}
