/**
 * Who has logged in: sessions in memory, known by the hash of their cookie, bounded in number and in life. They end
 * with the service, with their token, and by themselves. Randomness and time come in.
 */
import { createHash } from 'node:crypto';
import { isAlive } from './tokens.ts';
import type { StoredToken } from './tokens.ts';

/** A working day; whoever looks longer shows the token again. */
export const sessionLifeMs = 8 * 3_600_000;
/** The oldest goes when there are more. */
const maxSessions = 1000;

/** `__Host-`: a browser takes it only from us, over TLS, for every path (RFC 6265bis §4.1.3.2). */
export const cookieName = '__Host-pcloud-session';

export type Session = { readonly tokenId: string; readonly expiresAtMs: number };

export type Sessions = {
  /** Begins a session; the text goes into the cookie and is kept nowhere. */
  begin(
    token: StoredToken,
    nowMs: number,
    random: Buffer,
  ): { readonly text: string; readonly session: Session };
  /** The session and its token, while both live. */
  find(
    text: string,
    tokens: ReadonlyMap<string, StoredToken>,
    nowMs: number,
  ): { readonly session: Session; readonly token: StoredToken } | undefined;
  end(text: string): void;
};

export function createSessions(): Sessions {
  /** By hash, oldest first. */
  const sessions = new Map<string, Session>();
  return {
    begin(token, nowMs, random) {
      for (const [hash, { expiresAtMs }] of sessions) if (expiresAtMs <= nowMs) sessions.delete(hash);
      for (const hash of sessions.keys()) if (sessions.size >= maxSessions) sessions.delete(hash);
      const text = random.toString('base64url');
      const expiresAtMs = Math.min(nowMs + sessionLifeMs, token.expiresAtMs ?? Number.POSITIVE_INFINITY);
      const session = { tokenId: token.id, expiresAtMs };
      sessions.set(hashOf(text), session);
      return { text, session };
    },
    find(text, tokens, nowMs) {
      const hash = hashOf(text);
      const session = sessions.get(hash);
      if (session === undefined) return undefined;
      const token = tokens.get(session.tokenId);
      if (token !== undefined && isAlive(token, nowMs) && nowMs < session.expiresAtMs)
        return { session, token };
      sessions.delete(hash);
      return undefined;
    },
    end: (text) => void sessions.delete(hashOf(text)),
  };
}

/** @param header of a request, `name=value; other=value`; the first of ours counts. */
export function cookieOf(header: string | undefined): string | undefined {
  for (const part of (header ?? '').split(';', 50)) {
    const [name, value] = part.trim().split('=', 2);
    if (name === cookieName && value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value)) return value;
  }
  return undefined;
}

/** The value of a `Set-Cookie` header; an empty text takes the cookie away. */
export function setCookie(text: string, lifeMs: number): string {
  const maxAgeS = text === '' ? 0 : Math.floor(lifeMs / 1000);
  return `${cookieName}=${text}; Path=/; Max-Age=${maxAgeS}; HttpOnly; Secure; SameSite=Strict`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
