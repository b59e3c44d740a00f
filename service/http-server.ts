/**
 * The HTTP server that both services are made of: JSON in and out, every error in the one wire format of
 * `model/errors.ts`, limits on what comes in. Routes belong to the services; where it listens is
 * `unix-socket.ts`.
 */
import type { Socket } from 'node:net';
import fastify from 'fastify';
import type {
  ConnectionError,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyServerFactory,
} from 'fastify';
import { z } from 'zod';
import { errorBodyOf, httpStatusOf, PcloudError } from '../model/errors.ts';
import { errorCodeOf, errorTextOf } from './error-code.ts';
import type { Logger } from './logger.ts';

/** The longest request that makes sense is a few names; anything near this is a mistake or an attack. */
export const bodyLimitBytes = 64 * 1024;

/** Longer than any legal name, so that a name too long is refused by `checkName` and not by the router. */
const maxParamLength = 4096;

export type ServiceServerOptions = {
  readonly log: Logger;
  /** Makes the server where it is not a plain one; its own limits are then the maker's. */
  readonly serverFactory?: FastifyServerFactory | undefined;
};

/**
 * A server without routes. Errors thrown by a handler reach the client as `errorBodyOf` says: `PcloudError`
 * as it is, a `ZodError` as category `invalid` naming the field, anything else as `internal` without a stack.
 */
export function createServiceServer({ log, serverFactory }: ServiceServerOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    // An open event stream must not keep the service from stopping.
    forceCloseConnections: true,
    requestTimeout: 30_000,
    ...(serverFactory === undefined ? {} : { serverFactory }),
    routerOptions: { maxParamLength },
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _request, reply) => {
      void sendError(reply, fromFramework(error) ?? error);
    },
  });
  app.setErrorHandler(async (error: unknown, request, reply) => {
    const told = toPcloudError(error);
    if (told === undefined || told.category === 'internal')
      log.error({ err: error, method: request.method, url: request.url }, 'request failed unexpectedly');
    else log.debug({ code: told.code, method: request.method, url: request.url }, 'request refused');
    await sendError(reply, told ?? error);
  });
  app.setNotFoundHandler(async (request, reply) => {
    await sendError(reply, noSuchRoute(request.method, request.url));
  });
  return app;
}

/**
 * The value as the schema's type.
 * @throws PcloudError `bad-request` (category invalid) that names the first wrong field.
 */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw fromZod(result.error);
}

/** What is no HTTP at all, too large a header or too slow gets the same wire format; then the line is cut. */
function refuseConnection(error: ConnectionError, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const refusal = new PcloudError({
    code: 'bad-request',
    category: 'invalid',
    message: `The request is not understood: ${connectionFaults.get(error.code) ?? 'it is not HTTP/1.1'}.`,
  });
  const body = JSON.stringify(errorBodyOf(refusal));
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

const connectionFaults: ReadonlyMap<string, string> = new Map([
  ['HPE_HEADER_OVERFLOW', 'its header is too large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'it did not arrive in time'],
]);

async function sendError(reply: FastifyReply, error: unknown): Promise<void> {
  const body = errorBodyOf(error);
  if (body.error.category === 'unauthenticated')
    reply.header('www-authenticate', 'Bearer realm="pacemaker-cloud"');
  const { retryAfterS } = body.error.facts;
  if (typeof retryAfterS === 'number') reply.header('retry-after', String(retryAfterS));
  await reply.code(httpStatusOf(body.error.category)).send(body);
}

function toPcloudError(error: unknown): PcloudError | undefined {
  if (error instanceof PcloudError) return error;
  if (error instanceof z.ZodError) return fromZod(error);
  return fromFullDisk(error) ?? fromFramework(error);
}

/** Whatever was being written: no defect of ours, and the operator can do something about it. */
function fromFullDisk(error: unknown): PcloudError | undefined {
  if (!['ENOSPC', 'EDQUOT', 'EROFS'].includes(errorCodeOf(error) ?? '')) return undefined;
  return new PcloudError({
    code: 'disk-full',
    category: 'failed',
    message: `The disk of the service takes no more: ${errorTextOf(error)}.`,
    hint: 'Free some space on that file system (PCLOUD_STATE_DIR, PCLOUD_RUNTIME_DIR), then try again.',
    cause: error,
  });
}

function fromZod(error: z.ZodError): PcloudError {
  const issue = error.issues[0];
  const field = issue === undefined || issue.path.length === 0 ? 'the request' : issue.path.join('.');
  return new PcloudError({
    code: 'bad-request',
    category: 'invalid',
    message: `The request is not understood: ${field}: ${issue?.message ?? 'invalid'}.`,
    hint: 'What may be sent stands in GET /v1/openapi.json. If pcloudsh sent it, compare `pcloudsh --version` with `status`.',
    facts: { field },
    cause: error,
  });
}

/** Fastify's own refusals (malformed JSON, too large, wrong content type, bad URL) carry a 4xx status. */
function fromFramework(error: unknown): PcloudError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { statusCode, code } = error as Partial<FastifyError>;
  if (statusCode === undefined || statusCode < 400 || statusCode > 499) return undefined;
  const tooLarge = code === 'FST_ERR_CTP_BODY_TOO_LARGE';
  return new PcloudError({
    code: tooLarge ? 'request-too-large' : 'bad-request',
    category: 'invalid',
    message: tooLarge
      ? `The request is larger than ${bodyLimitBytes} bytes.`
      : `The request is not understood: ${error.message}.`.replace(/\.\.$/, '.'),
    cause: error,
  });
}

function noSuchRoute(method: string, url: string): PcloudError {
  return new PcloudError({
    code: 'no-such-route',
    category: 'not-found',
    message: `This service has no ${method} ${JSON.stringify(url.slice(0, 200))}.`,
    hint: 'Is pcloudsh of another version than the service? Compare `pcloudsh --version` with `status`.',
  });
}
