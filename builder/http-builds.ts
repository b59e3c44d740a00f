/**
 * The builder's routes for builds: list, one in full, its events, its log, cancel, retry. Each calls `builds.ts`,
 * `follow.ts` or `log-tail.ts`, and answers in the words of `model/`.
 */
import { z } from 'zod';
import {
  buildEventSchema,
  buildsAnswerSchema,
  buildSchema,
  ensureAnswerSchema,
} from '../model/builder-api.ts';
import type { BuildEvent } from '../model/builder-api.ts';
import { buildDetailSchema, logEventSchema } from '../model/build-record.ts';
import type { LogEvent } from '../model/build-record.ts';
import { PcloudError } from '../model/errors.ts';
import { lastEventIdOf, openSse } from '../service/sse.ts';
import type { SseConnection } from '../service/sse.ts';
import {
  cancelBuild,
  findAnyway,
  findBuild,
  findWrittenBuild,
  listBuilds,
  retryBuild,
  showBuild,
} from './builds.ts';
import { followBuild } from './follow.ts';
import { digestParams, route } from './http-context.ts';
import { parsePosition, positionText, tailLog } from './log-tail.ts';
import type { LogPosition } from './log-tail.ts';
import type { RequestContext } from './requests.ts';

const logQuery = z.object({ follow: z.enum(['0', '1']).default('0') });
const unknownBuild = { 'not-found': ['build-not-found'] };
const ensureErrors = {
  conflict: ['build-not-ended', 'request-unknown'],
  unavailable: ['archive-unreachable', 'redis-unreachable'],
};

export const buildRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/builds',
      access: 'read',
      summary: 'Builds that wait, run, or have ended',
      answer: buildsAnswerSchema,
    },
    async ({ context }) => ({ builds: [...(await listBuilds(context))] }),
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/builds/:digest',
      access: 'read',
      summary: 'One build in full: steps with their times, where it runs, the end of its log',
      params: digestParams,
      answer: buildDetailSchema,
      errors: unknownBuild,
    },
    async ({ context }, { params }) => await showBuild(context, params.digest),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/builds/:digest/cancel',
      access: 'operate',
      summary: 'End a build that waits or runs',
      params: digestParams,
      answer: buildSchema,
      errors: { ...unknownBuild, conflict: ['build-ended', 'build-without-queue'] },
    },
    async ({ context }, { params }) => await cancelBuild(context, params.digest),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/builds/:digest/retry',
      access: 'operate',
      summary: 'Ask again for what a failed or cancelled build was to make; the digest may be another',
      params: digestParams,
      answer: ensureAnswerSchema,
      errors: { ...unknownBuild, ...ensureErrors },
    },
    async ({ context }, { params }) => await retryBuild(context, params.digest),
  ),
  route.events(
    {
      method: 'GET',
      path: '/v1/builds/:digest/events',
      access: 'read',
      summary: 'How far a build is, and at last how it ended; then the stream ends',
      params: digestParams,
      event: buildEventSchema,
      id: 'The id counts the events of this stream. `Last-Event-ID` has no effect: a new stream begins with what holds now.',
      errors: unknownBuild,
    },
    async ({ context, log }, { params: { digest }, reply }) => {
      // An unknown build is an ordinary error answer; only then does the stream start.
      await findAnyway(context, digest);
      const connection = openSse(reply);
      let id = 0;
      const send = (event: BuildEvent): void => {
        id += 1;
        connection.send(id, event);
        if (event.kind === 'done') connection.close();
      };
      const stop = followBuild(context, digest, send, (error) => {
        log.warn({ err: error, digest }, 'a build cannot be followed');
        connection.close();
      });
      connection.onClose(stop);
    },
  ),
  route.events(
    {
      method: 'GET',
      path: '/v1/builds/:digest/log',
      access: 'read',
      summary: 'The log of a build, and with `follow=1` what is added until it ends; then the stream ends',
      params: digestParams,
      query: logQuery,
      event: logEventSchema,
      id: 'The id is a place in the log. `Last-Event-ID` goes on behind it.',
      errors: unknownBuild,
    },
    async ({ context, log }, { params: { digest }, query, request, reply }) => {
      await findAnyway(context, digest);
      const after = parsePosition(lastEventIdOf(request) ?? '');
      const connection = openSse(reply);
      const follow = query.follow === '1';
      streamLog(context, digest, { connection, after, follow }).catch((error: unknown) => {
        log.warn({ err: error, digest }, 'a log cannot be read on');
        connection.close();
      });
    },
  ),
];

type LogStream = {
  readonly connection: SseConnection;
  readonly after: LogPosition | undefined;
  readonly follow: boolean;
};

async function streamLog(
  context: RequestContext,
  digest: string,
  { connection, after, follow }: LogStream,
): Promise<void> {
  const gone = new AbortController();
  connection.onClose(() => gone.abort());
  let state: Extract<LogEvent, { kind: 'end' }>['state'] = 'lost';
  const goesOn = async (): Promise<boolean> => {
    state = await stateOf(context, digest);
    return follow && (state === 'waiting' || state === 'active');
  };
  const path = context.history.logPath(digest);
  let last = after === undefined ? '' : positionText(after);
  for await (const { position, ...event } of tailLog({ path, after, goesOn, signal: gone.signal })) {
    last = positionText(position);
    if (!connection.send(last, event satisfies LogEvent)) return;
    await connection.drained();
  }
  connection.send(last, { kind: 'end', state } satisfies LogEvent);
  connection.close();
}

/** While Redis is away a build goes on as far as anybody knows: its log is what is asked for. */
async function stateOf(
  context: RequestContext,
  digest: string,
): Promise<Extract<LogEvent, { kind: 'end' }>['state']> {
  try {
    return (await findBuild(context, digest)).state;
  } catch (error) {
    if (!(error instanceof PcloudError)) throw error;
    if (error.code === 'build-not-found') return 'lost';
    if (error.category !== 'unavailable') throw error;
    return (await findWrittenBuild(context, digest).catch(() => undefined))?.state ?? 'waiting';
  }
}
