/**
 * Awaiting a page: when does a web server answer 200 again? Nothing announces that, so it is asked.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** QEMU's port forward accepts before anything listens behind it: a question may hang, so others follow it. */
const questionLimitMs = 2000;

/**
 * Asks every `everyMs`, each question on its own connection and not waiting for the one before.
 * @returns wall clock ms of the first answer with status 200; late by at most `everyMs`
 */
export async function awaitPage(
  url: string,
  everyMs: number,
  limitMs: number,
  signal: AbortSignal,
): Promise<number> {
  const done = new AbortController();
  const stop = AbortSignal.any([done.signal, signal]);
  const answer: { atMs?: number } = {};
  const ask = async (): Promise<void> => {
    try {
      const response = await fetch(url, {
        signal: AbortSignal.any([stop, AbortSignal.timeout(questionLimitMs)]),
        headers: { connection: 'close' },
      });
      await response.arrayBuffer();
      if (response.status === 200) answer.atMs ??= Date.now();
    } catch {
      // Refused, reset, too slow, or no longer wanted: the page is not there yet.
    }
  };
  const endMs = Date.now() + limitMs;
  try {
    while (answer.atMs === undefined) {
      signal.throwIfAborted();
      if (Date.now() > endMs) throw new Error(`${url} did not answer within ${limitMs / 1000} s`);
      void ask();
      await delay(everyMs, undefined, { signal });
    }
    return answer.atMs;
  } finally {
    done.abort();
  }
}
