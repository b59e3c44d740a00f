/**
 * What a token is: how it is written, what is kept of it, and whether one that is shown is one of ours. Pure;
 * randomness and time come in. Only a salted hash is ever kept: a token has 256 random bits, so that a slow hash
 * would add nothing.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { roleSchema } from '../../model/session-api.ts';
import type { Role } from '../../model/session-api.ts';

/** Random bytes that a new token takes: its id, its secret, and the salt of its hash. */
export const tokenRandomBytes = 4 + 32 + 16;

/** More than a host's operators have; the file is read as a whole. */
const maxTokens = 1000;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));

export const storedTokenSchema = z.strictObject({
  /** Public: it finds the entry, and says in a log which token it was. */
  id: hex(4),
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/),
  role: roleSchema,
  salt: hex(16),
  hash: hex(32),
  createdAtMs: z.int().nonnegative(),
  /** Null: it never does. */
  expiresAtMs: z.int().nonnegative().nullable(),
});
export type StoredToken = z.infer<typeof storedTokenSchema>;

export const tokenFileSchema = z.strictObject({
  version: z.literal(1),
  tokens: z.array(storedTokenSchema).max(maxTokens),
});

export type NewToken = {
  readonly name: string;
  readonly role: Role;
  readonly nowMs: number;
  /** Null: it never expires. */
  readonly lifeMs: number | null;
};

/** A token's text, to be shown once, and what is kept of it. */
export function makeToken(
  { name, role, nowMs, lifeMs }: NewToken,
  random: Buffer,
): { readonly text: string; readonly stored: StoredToken } {
  const id = random.subarray(0, 4).toString('hex');
  const secret = random.subarray(4, 36).toString('base64url');
  const salt = random.subarray(36, 52).toString('hex');
  return {
    text: `pcloud_${id}_${secret}`,
    stored: {
      id,
      name,
      role,
      salt,
      hash: hashOf(secret, salt).toString('hex'),
      createdAtMs: nowMs,
      expiresAtMs: lifeMs === null ? null : nowMs + lifeMs,
    },
  };
}

/** The token of ours that the text is, if it is one and has not expired. */
export function findToken(
  tokens: ReadonlyMap<string, StoredToken>,
  text: string,
  nowMs: number,
): StoredToken | undefined {
  const [, id = '', secret = ''] = /^pcloud_([0-9a-f]{8})_([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
  const stored = tokens.get(id);
  // An unknown id takes the same time as a wrong secret.
  const { salt, hash } = stored ?? noToken;
  const same = timingSafeEqual(hashOf(secret, salt), Buffer.from(hash, 'hex'));
  return stored !== undefined && same && isAlive(stored, nowMs) ? stored : undefined;
}

export function isAlive({ expiresAtMs }: Pick<StoredToken, 'expiresAtMs'>, nowMs: number): boolean {
  return expiresAtMs === null || nowMs < expiresAtMs;
}

const noToken = { salt: '00'.repeat(16), hash: '00'.repeat(32) };

function hashOf(secret: string, salt: string): Buffer {
  return createHash('sha256').update(Buffer.from(salt, 'hex')).update(secret, 'utf8').digest();
}
