/**
 * The page to look at: its files at `/` and `/page/…`, with the headers that keep a browser from doing anything
 * with them but show them. What the page asks for it gets by the same routes as everybody else.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { PcloudError } from '../model/errors.ts';
import { quoteForMessage } from '../model/names.ts';
import { parseInput } from '../service/http-server.ts';
import { openPageFiles } from './page-files.ts';

const fileParams = z.object({ file: z.string().min(1).max(4096) });

/**
 * Everything comes from this service, nothing is written into the page as code, and nobody frames it. Trusted
 * types make Chromium refuse any text that is given to the page as HTML.
 */
export const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Asked again each time, answered by 304: after an upgrade nobody runs half of the old page.
  'cache-control': 'no-cache',
};

/** @param directory of the page's sources; beside ours unless given */
export function registerPageRoutes(
  app: FastifyInstance,
  directory: string = new URL('../page', import.meta.url).pathname,
): void {
  const files = openPageFiles(directory);
  const send = async (request: FastifyRequest, reply: FastifyReply, name: string): Promise<FastifyReply> => {
    const file = await files.file(name);
    if (file === undefined) throw noSuchFile(name);
    for (const [name, value] of Object.entries({ ...pageHeaders, etag: file.etag }))
      reply.header(name, value);
    if (request.headers['if-none-match'] === file.etag) return await reply.code(304).send();
    return await reply.type(file.contentType).send(file.body);
  };
  app.get('/', async (request, reply) => await send(request, reply, 'index.html'));
  app.get('/page/:file', async (request, reply) =>
    send(request, reply, parseInput(fileParams, request.params).file),
  );
}

function noSuchFile(name: string): PcloudError {
  return new PcloudError({
    code: 'no-such-page',
    category: 'not-found',
    message: `The page has no file ${quoteForMessage(name)}.`,
    hint: 'The page is at /; if it was open during an upgrade, load it again.',
  });
}
