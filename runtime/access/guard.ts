/**
 * Stands before every route: on TCP it asks for a token or a session and for the role that the route needs; on the
 * Unix socket, where the file's permissions have decided, it only keeps a browser's other pages out. What is asked
 * for is the routes' business.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PcloudError } from '../../model/errors.ts';
import type { SessionAnswer } from '../../model/session-api.ts';
import type { Logger } from '../../service/logger.ts';
import type { RouteAccess } from '../../service/route.ts';
import type { FailureCounter } from './failure-counter.ts';
import { cookieOf } from './sessions.ts';
import type { Sessions } from './sessions.ts';
import type { TokenStore } from './token-store.ts';
import { findToken } from './tokens.ts';
import type { StoredToken } from './tokens.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null where the route is open to everybody. */
    principal: Principal | null;
  }
}

export type Principal = SessionAnswer & { readonly tokenId: string | null };

export type Keys = {
  readonly tokens: TokenStore;
  readonly sessions: Sessions;
  readonly failures: FailureCounter;
  /** Wall clock. */
  readonly nowMs: () => number;
  readonly log: Logger;
};

/** Streams outlive the moment in which they were allowed; they end this long after their token did. */
const streamCheckMs = 2000;

/** Headers of every answer; a page adds its own policy to them. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
  // For what is no page: nothing in it is ever run or loaded.
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** On TCP. To be called before routes are registered. */
export function guardByToken(app: FastifyInstance, keys: Keys): void {
  app.decorateRequest('principal', null);
  const streams = new Map<FastifyReply, Principal>();
  app.addHook('onRequest', async (request, reply) => {
    setHeaders(reply, { ...securityHeaders, 'strict-transport-security': 'max-age=31536000' });
    refuseOtherOrigins(request, `https://${request.headers.host ?? ''}`);
    const access = accessOf(request);
    if (access === 'open') return;
    const principal = await authenticate(request, keys);
    if (access === 'operate' && principal.role !== 'operate') throw notAllowed(principal);
    request.principal = principal;
    streams.set(reply, principal);
    reply.raw.once('close', () => streams.delete(reply));
  });
  const checkStreams = async (): Promise<void> => {
    if (streams.size === 0) return;
    const tokens = await keys.tokens.current();
    for (const [reply, principal] of streams)
      if (!stillLives(principal, tokens, keys.nowMs())) reply.raw.destroy();
  };
  const timer = setInterval(() => {
    checkStreams().catch((error: unknown) => keys.log.error({ err: error }, 'streams cannot be checked'));
  }, streamCheckMs);
  timer.unref();
  app.addHook('onClose', () => clearInterval(timer));
}

/** On the Unix socket. To be called before routes are registered. */
export function guardSocket(app: FastifyInstance): void {
  app.decorateRequest('principal', null);
  app.addHook('onRequest', async (request, reply) => {
    setHeaders(reply, securityHeaders);
    refuseStrangePages(request);
    request.principal = { via: 'socket', name: null, role: 'operate', expiresAtMs: null, tokenId: null };
  });
}

/** Also before what takes the reply over and writes by itself, such as a stream. */
function setHeaders(reply: FastifyReply, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    reply.raw.setHeader(name, value);
  }
}

/** What anybody may load without a token: the page holds no word of this host, and asks for the token. */
function isPage(request: FastifyRequest): boolean {
  const path = request.url.split('?')[0] ?? '';
  return request.method === 'GET' && (path === '/' || path.startsWith('/page/'));
}

function accessOf(request: FastifyRequest): RouteAccess {
  if (isPage(request)) return 'open';
  const declared = request.routeOptions.config.access;
  if (declared !== undefined) return declared;
  return request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'operate';
}

async function authenticate(request: FastifyRequest, keys: Keys): Promise<Principal> {
  const header = request.headers.authorization;
  if (header === undefined) return await bySession(request, keys);
  const text = /^Bearer +(\S+) *$/i.exec(header)?.[1];
  const token = await tokenShown(text ?? '', request.ip, keys);
  return { ...principalOf(token), via: 'token', expiresAtMs: token.expiresAtMs };
}

async function bySession(request: FastifyRequest, { tokens, sessions, nowMs }: Keys): Promise<Principal> {
  const cookie = cookieOf(request.headers.cookie);
  if (cookie === undefined) throw needsToken();
  const found = sessions.find(cookie, await tokens.current(), nowMs());
  if (found === undefined) throw sessionOver();
  // A cookie comes along by itself, so what changes something must say which page it comes from.
  if (!isReading(request) && request.headers.origin === undefined) throw otherOrigin();
  return { ...principalOf(found.token), via: 'session', expiresAtMs: found.session.expiresAtMs };
}

/**
 * The token of ours that was shown.
 * @throws PcloudError `bad-token`, `too-many-failures`.
 */
export async function tokenShown(text: string, address: string, keys: Keys): Promise<StoredToken> {
  const { tokens, failures, nowMs, log } = keys;
  const waitMs = failures.waitMs(address, nowMs());
  if (waitMs > 0) throw tooManyFailures(waitMs);
  const token = findToken(await tokens.current(), text, nowMs());
  if (token !== undefined) return token;
  if (failures.failed(address, nowMs()))
    log.warn({ address }, 'somebody showed a token that is none of ours');
  throw badToken();
}

function principalOf({ id, name, role }: StoredToken): Pick<Principal, 'tokenId' | 'name' | 'role'> {
  return { tokenId: id, name, role };
}

function stillLives(
  { tokenId, expiresAtMs }: Principal,
  tokens: ReadonlyMap<string, StoredToken>,
  nowMs: number,
): boolean {
  return tokenId !== null && tokens.has(tokenId) && (expiresAtMs === null || nowMs < expiresAtMs);
}

function isReading({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** A browser names the page that a request comes from; only ours may change anything. */
function refuseOtherOrigins(request: FastifyRequest, own: string): void {
  const { origin } = request.headers;
  if (origin !== undefined && !isReading(request) && origin.toLowerCase() !== own.toLowerCase())
    throw otherOrigin();
}

/**
 * A browser reaches the socket through a forwarded port (`ssh -L 8080:/run/…/cped.sock`), and any page that it has
 * open could ask there too. So from a browser only a page of that very port is served, under a name of this machine:
 * another name that leads here is somebody's trick (DNS rebinding).
 */
function refuseStrangePages(request: FastifyRequest): void {
  const { host = '', origin, 'sec-fetch-site': site } = request.headers;
  if (origin === undefined && site === undefined) return;
  if (!/^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(host)) throw otherOrigin();
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) throw otherOrigin();
  // `none`: somebody typed the address.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw otherOrigin();
}

function needsToken(): PcloudError {
  return new PcloudError({
    code: 'token-needed',
    category: 'unauthenticated',
    message: 'Over the network this service answers only to a token.',
    hint: 'Make one on its host with `pcloud-cped token create --role read --name NAME`, and send `Authorization: Bearer TOKEN`.',
  });
}

function badToken(): PcloudError {
  return new PcloudError({
    code: 'bad-token',
    category: 'unauthenticated',
    message: 'That is no token of this service, or one that has expired or was revoked.',
    hint: '`pcloud-cped token list` on its host shows which there are; `pcloud-cped token create` makes one.',
  });
}

function sessionOver(): PcloudError {
  return new PcloudError({
    code: 'session-over',
    category: 'unauthenticated',
    message: 'The session is over.',
    hint: 'Log in again with a token.',
  });
}

function notAllowed({ name, role }: Principal): PcloudError {
  return new PcloudError({
    code: 'not-allowed',
    category: 'forbidden',
    message: `The token ${name ?? ''} has the role ${role}, which may look and change nothing.`,
    hint: 'Use a token with the role operate.',
  });
}

function otherOrigin(): PcloudError {
  return new PcloudError({
    code: 'other-origin',
    category: 'forbidden',
    message: 'The request comes from a web page that is not of this service.',
    hint: 'Open the page of the service itself, by the address that it listens on.',
  });
}

function tooManyFailures(waitMs: number): PcloudError {
  const retryAfterS = Math.ceil(waitMs / 1000);
  return new PcloudError({
    code: 'too-many-failures',
    category: 'limited',
    message: `Too many wrong tokens came from that address; none is looked at for ${retryAfterS} s.`,
    hint: 'Wait, and check the token.',
    facts: { retryAfterS },
  });
}
