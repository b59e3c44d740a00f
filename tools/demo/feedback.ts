/**
 * The supervisor's own feedback during the demo: follows pcloud-cped's events, shows each line as pcloudsh
 * does, and lets a step await the event it expects, with a limit.
 */
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { z } from 'zod';
import { journalEventSchema, type JournalEvent } from '../../model/event.ts';
import type { StackLayout } from '../stack/layout.ts';
import { clientEnvironment } from '../stack/stack.ts';
import type { Screen } from './screen.ts';

const lineSchema = z.object({ event: journalEventSchema });

export type Feedback = {
  /** The first event that fits, of those since `sinceMs` (wall clock) and of those to come. */
  readonly await: (
    what: string,
    sinceMs: number,
    limitMs: number,
    fits: (event: JournalEvent) => boolean,
  ) => Promise<JournalEvent>;
  readonly stop: () => void;
};

/** Starts `pcloudsh events --follow`; it reconnects by itself when the service is killed. */
export function followFeedback(layout: StackLayout, screen: Screen): Feedback {
  const seen: JournalEvent[] = [];
  const arrivals = new EventEmitter();
  const startedAtMs = Date.now();
  const child = execa(path.join(layout.checkout, 'bin/pcloudsh'), ['events', '--follow', '--json'], {
    env: clientEnvironment(layout),
    stdin: 'ignore',
    stderr: 'ignore',
    reject: false,
    buffer: false,
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { event } = lineSchema.parse(JSON.parse(line));
    if (event.atMs < startedAtMs) return;
    seen.push(event);
    screen.feedback(`${new Date(event.atMs).toISOString().slice(11, 23)} ${event.text}`);
    arrivals.emit('event');
  });
  return {
    async await(what, sinceMs, limitMs, fits) {
      const limit = AbortSignal.timeout(limitMs);
      for (;;) {
        const found = seen.find((event) => event.atMs >= sinceMs && fits(event));
        if (found !== undefined) return found;
        try {
          await once(arrivals, 'event', { signal: limit });
        } catch (error) {
          throw new Error(`the feedback never said that ${what} (waited ${limitMs / 1000} s)`, {
            cause: error,
          });
        }
      }
    },
    stop: () => {
      child.kill('SIGTERM');
    },
  };
}
