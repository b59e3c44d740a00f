/**
 * What is asked below `/builder/` is passed on to the builder's own socket, byte for byte, so that a page has one
 * address to ask. Only looking is passed on, and only for as long and as often as one service can bear; what is said
 * is the builder's (docs/adr/0009-cped-forwards-to-the-builder.md).
 */
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PcloudError } from '../model/errors.ts';
import { errorCodeOf, errorTextOf } from '../service/error-code.ts';
import { heartbeatMs } from '../service/sse.ts';

const prefix = '/builder';
/** The paths that there are to look at: what it says, and what it counts. */
const forwarded = /^\/builder(\/v1\/[^#]*|\/metrics)$/;
/** At once, streams included. */
const maxForwarded = 64;
/** Until it answers; and in silence, of which a stream has at most a heartbeat's. */
const answerLimitMs = 30_000;
const idleLimitMs = 3 * heartbeatMs;

/** From the request, and from the answer: nothing else crosses, such as a cookie or an Authorization. */
const requestHeaders = ['accept', 'last-event-id'];
const answerHeaders = ['content-type', 'content-length', 'cache-control', 'x-accel-buffering'];

/** @param socketPath of the builder; it need not be there */
export function registerBuilderRoutes(app: FastifyInstance, socketPath: string): void {
  let open = 0;
  const forward = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const path = pathFor(request.raw.url ?? '');
    if (open >= maxForwarded) throw tooMany();
    open += 1;
    reply.raw.once('close', () => (open -= 1));
    const answer = await ask(socketPath, path, request, reply);
    reply.hijack();
    const headers = answerHeaders.flatMap((name): [string, string][] => {
      const value = answer.headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    });
    reply.raw.writeHead(answer.statusCode ?? 502, Object.fromEntries(headers));
    reply.raw.flushHeaders();
    // Either end may go at any time; then the other goes, too.
    answer.on('error', () => reply.raw.destroy());
    reply.raw.on('error', () => answer.destroy());
    answer.pipe(reply.raw);
    return reply;
  };
  for (const url of [`${prefix}/v1/*`, `${prefix}/metrics`])
    app.route({ method: 'GET', url, config: { access: 'read' }, exposeHeadRoute: false, handler: forward });
}

/** The path as the builder has it. */
function pathFor(url: string): string {
  const path = forwarded.exec(url)?.[1];
  const segments = (path?.split('?')[0] ?? '').split('/');
  if (path !== undefined && !segments.some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment))) return path;
  throw new PcloudError({
    code: 'bad-request',
    category: 'invalid',
    message: 'That is no path of the builder.',
    hint: `${prefix}/v1/builds, say.`,
  });
}

async function ask(
  socketPath: string,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<IncomingMessage> {
  const headers = requestHeaders.flatMap((name): [string, string][] => {
    const value = request.headers[name];
    return typeof value === 'string' ? [[name, value]] : [];
  });
  return await new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      socketPath,
      path,
      method: 'GET',
      agent: false,
      headers: { host: 'localhost', ...Object.fromEntries(headers) },
    });
    const limit = setTimeout(
      () => outgoing.destroy(new Error(`no answer within ${answerLimitMs} ms`)),
      answerLimitMs,
    );
    outgoing.setTimeout(idleLimitMs, () => outgoing.destroy(new Error(`silent for ${idleLimitMs} ms`)));
    outgoing.once('response', (answer) => {
      clearTimeout(limit);
      resolve(answer);
    });
    outgoing.on('error', (error) => {
      clearTimeout(limit);
      reject(notThere(socketPath, error));
    });
    // Whoever asked is gone: nobody waits for the answer.
    reply.raw.once('close', () => outgoing.destroy());
    outgoing.end();
  });
}

function notThere(socketPath: string, error: unknown): PcloudError {
  const absent = ['ENOENT', 'ECONNREFUSED'].includes(errorCodeOf(error) ?? '');
  return new PcloudError({
    code: absent ? 'builder-not-running' : 'builder-not-answering',
    category: 'unavailable',
    message: absent
      ? `The build service pcloud-builder does not run: nobody answers on ${socketPath}.`
      : `The build service pcloud-builder does not answer: ${errorTextOf(error)}.`,
    hint: 'Start it: `systemctl start pcloud-builder.service` (in a checkout, `make shell` starts everything).',
    cause: error,
  });
}

function tooMany(): PcloudError {
  return new PcloudError({
    code: 'builder-busy',
    category: 'unavailable',
    message: `Already ${maxForwarded} requests to the builder are under way.`,
    hint: 'Close a page that follows many builds, or ask the builder on its own socket.',
  });
}
