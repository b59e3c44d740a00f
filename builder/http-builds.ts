/**
 * The builder's routes for builds: list, one in full, its events, its log, cancel, retry. Each parses, calls
 * `builds.ts`, `follow.ts` or `log-tail.ts`, and answers in the words of `model/`.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { BuildEvent } from '../model/builder-api.ts';
import type { LogEvent } from '../model/build-record.ts';
import { PcloudError } from '../model/errors.ts';
import { digestSchema } from '../model/recipe.ts';
import { parseInput } from '../service/http-server.ts';
import type { Logger } from '../service/logger.ts';
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
import { parsePosition, positionText, tailLog } from './log-tail.ts';
import type { LogPosition } from './log-tail.ts';
import type { RequestContext } from './requests.ts';

export const digestParams = z.object({ digest: digestSchema });
const logQuery = z.object({ follow: z.enum(['0', '1']).default('0') });

export function addBuildRoutes(app: FastifyInstance, context: RequestContext, log: Logger): void {
  const digestOf = (params: unknown): string => parseInput(digestParams, params).digest;
  app.get('/v1/builds', async () => ({ builds: await listBuilds(context) }));
  app.get('/v1/builds/:digest', async ({ params }) => await showBuild(context, digestOf(params)));
  app.post('/v1/builds/:digest/cancel', async ({ params }) => await cancelBuild(context, digestOf(params)));
  app.post('/v1/builds/:digest/retry', async ({ params }) => await retryBuild(context, digestOf(params)));
  app.get('/v1/builds/:digest/events', async (request, reply) => {
    const digest = digestOf(request.params);
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
  });
  app.get('/v1/builds/:digest/log', async (request, reply) => {
    const digest = digestOf(request.params);
    const { follow } = parseInput(logQuery, request.query);
    await findAnyway(context, digest);
    const after = parsePosition(lastEventIdOf(request) ?? '');
    const connection = openSse(reply);
    streamLog(context, digest, { connection, after, follow: follow === '1' }).catch((error: unknown) => {
      log.warn({ err: error, digest }, 'a log cannot be read on');
      connection.close();
    });
  });
}

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
