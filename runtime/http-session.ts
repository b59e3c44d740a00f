/** The routes of who is asking: logging in with a token for a browser's session, out again, and what one may do. */
import { randomBytes } from 'node:crypto';
import { doneAnswer } from '../model/cped-answers.ts';
import { PcloudError } from '../model/errors.ts';
import { loginBody, sessionAnswer } from '../model/session-api.ts';
import { routesWith } from '../service/route.ts';
import { tokenShown } from './access/guard.ts';
import type { Keys } from './access/guard.ts';
import { cookieOf, setCookie } from './access/sessions.ts';

/** The keys of the TCP side; undefined on the Unix socket, where nobody logs in. */
export type SessionContext = { readonly keys: Keys | undefined };
const route = routesWith<SessionContext>();

/** A browser's cookie has at least this many random bits. */
const sessionRandomBytes = 32;

export const sessionRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/session',
      access: 'read',
      summary: 'Who asks, and what one may do',
      answer: sessionAnswer,
    },
    (_context, { request: { principal } }) => {
      if (principal === null) throw new Error('a request went past the guard');
      const { via, name, role, expiresAtMs } = principal;
      return { via, name, role, expiresAtMs };
    },
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/session',
      access: 'open',
      summary: 'Log a browser in with a token: the answer sets its cookie',
      body: loginBody,
      answer: sessionAnswer,
      errors: {
        unauthenticated: ['bad-token'],
        limited: ['too-many-failures'],
        conflict: ['no-login-here'],
      },
    },
    async ({ keys }, { body, request, reply }) => {
      if (keys === undefined) throw noLoginHere();
      const token = await tokenShown(body.token, request.ip, keys);
      const nowMs = keys.nowMs();
      const { text, session } = keys.sessions.begin(token, nowMs, randomBytes(sessionRandomBytes));
      reply.header('set-cookie', setCookie(text, session.expiresAtMs - nowMs));
      return {
        via: 'session' as const,
        name: token.name,
        role: token.role,
        expiresAtMs: session.expiresAtMs,
      };
    },
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/session',
      access: 'open',
      summary: 'Log the browser out',
      answer: doneAnswer,
    },
    ({ keys }, { request, reply }) => {
      const cookie = cookieOf(request.headers.cookie);
      if (cookie !== undefined) keys?.sessions.end(cookie);
      reply.header('set-cookie', setCookie('', 0));
      return { done: true } as const;
    },
  ),
];

function noLoginHere(): PcloudError {
  return new PcloudError({
    code: 'no-login-here',
    category: 'conflict',
    message: 'On the Unix socket nobody logs in: whoever may open it may operate.',
    hint: 'Ask without a session.',
  });
}
