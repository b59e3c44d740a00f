/**
 * `pcloud-cped token create|list|revoke`: who may ask over the network. It changes the file of tokens, which the
 * running service notices by itself. A token is shown once, here, and nowhere else.
 */
import { randomBytes } from 'node:crypto';
import { PcloudError } from '../../model/errors.ts';
import { quoteForMessage } from '../../model/names.ts';
import { roles, roleSchema } from '../../model/session-api.ts';
import { changeTokens, readTokens } from './token-file.ts';
import { isAlive, makeToken, storedTokenSchema, tokenFileSchema, tokenRandomBytes } from './tokens.ts';
import type { NewToken, StoredToken } from './tokens.ts';
import { badUsage, readWords } from './words.ts';

export const tokenUsage = `Usage: pcloud-cped token create --role read|operate --name NAME [--expires 90d]
       pcloud-cped token list
       pcloud-cped token revoke NAME
A token lets its bearer in over the network (PCLOUD_LISTEN): read may look, operate may change everything. It is
printed once; only its hash is kept, in PCLOUD_TOKENS_FILE. --expires is 30m, 12h, 90d (the default) or never.
`;

const defaultLife = '90d';
const unitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 24 * 3_600_000 };
const maxLifeMs = 10 * 366 * 24 * 3_600_000;

/**
 * Does what the words say; returns what is to be printed on standard output, and what beside it.
 * @throws PcloudError `usage`, `token-exists`, `unknown-token`, and those of `token-file.ts`.
 */
export async function tokenCommand(
  words: readonly string[],
  file: string,
  nowMs: number,
): Promise<{ readonly out: string; readonly note: string }> {
  const [action = '', ...rest] = words;
  switch (action) {
    case 'create':
      return await create(readNew(rest, nowMs), file);
    case 'list':
      if (rest.length > 0) throw badUsage('`token list` takes no word', tokenUsage);
      return { out: listed(await readTokens(file), nowMs), note: '' };
    case 'revoke': {
      const [name, ...surplus] = rest;
      if (name === undefined || surplus.length > 0)
        throw badUsage('`token revoke` takes one name', tokenUsage);
      await revoke(name, file);
      return { out: '', note: `The token ${name} is revoked; whoever still uses it is refused.\n` };
    }
    default:
      throw badUsage('`token` takes create, list or revoke', tokenUsage);
  }
}

function readNew(words: readonly string[], nowMs: number): NewToken {
  const { positionals, options } = readWords(words, ['role', 'name', 'expires'], tokenUsage);
  if (positionals.length > 0)
    throw badUsage(`${quoteForMessage(positionals[0] ?? '')} is one word too many`, tokenUsage);
  const role = roleSchema.safeParse(options.get('role'));
  if (!role.success) throw badUsage(`--role is ${roles.join(' or ')}`, tokenUsage);
  const name = storedTokenSchema.shape.name.safeParse(options.get('name'));
  if (!name.success) throw badUsage('--name is letters, digits, ".", "_" and "-"', tokenUsage);
  return { role: role.data, name: name.data, nowMs, lifeMs: lifeOf(options.get('expires') ?? defaultLife) };
}

function lifeOf(text: string): number | null {
  if (text === 'never') return null;
  const [, count = '', unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const lifeMs = Number(count) * (unitsMs[unit] ?? 0);
  if (lifeMs > 0 && lifeMs <= maxLifeMs) return lifeMs;
  throw badUsage('--expires is a time such as 30m, 12h or 90d, of at most ten years, or never', tokenUsage);
}

async function create(
  wanted: NewToken,
  file: string,
): Promise<{ readonly out: string; readonly note: string }> {
  const { text, stored } = makeToken(wanted, randomBytes(tokenRandomBytes));
  await changeTokens(file, (tokens) => {
    // One that has expired leaves its name to another.
    const kept = tokens.filter((token) => isAlive(token, wanted.nowMs));
    if (kept.some(({ name }) => name === wanted.name)) throw exists(wanted.name);
    const all = [...kept, stored];
    if (!tokenFileSchema.safeParse({ version: 1, tokens: all }).success) throw tooMany();
    return { tokens: all, result: undefined };
  });
  const ends = stored.expiresAtMs === null ? 'never expires' : `expires ${timeOf(stored.expiresAtMs)}`;
  return {
    out: `${text}\n`,
    note: `This is the token ${stored.name} (${stored.role}, ${ends}). It is not shown again: keep it now.\n`,
  };
}

async function revoke(name: string, file: string): Promise<void> {
  await changeTokens(file, (tokens) => {
    const kept = tokens.filter((token) => token.name !== name && token.id !== name);
    if (kept.length === tokens.length) throw unknownToken(name);
    return { tokens: kept, result: undefined };
  });
}

function listed(tokens: readonly StoredToken[], nowMs: number): string {
  const head = ['NAME', 'ROLE', 'ID', 'CREATED', 'EXPIRES'];
  const rows = tokens.map((token) => [
    token.name,
    token.role,
    token.id,
    timeOf(token.createdAtMs),
    token.expiresAtMs === null
      ? 'never'
      : `${timeOf(token.expiresAtMs)}${isAlive(token, nowMs) ? '' : ' (expired)'}`,
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)),
  );
  return [head, ...rows]
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function exists(name: string): PcloudError {
  return new PcloudError({
    code: 'token-exists',
    category: 'conflict',
    message: `There is a token ${name} already. Nothing was changed.`,
    hint: `Choose another name, or \`pcloud-cped token revoke ${name}\` first.`,
  });
}

function unknownToken(name: string): PcloudError {
  return new PcloudError({
    code: 'unknown-token',
    category: 'not-found',
    message: `There is no token ${quoteForMessage(name)}.`,
    hint: '`pcloud-cped token list` shows which there are.',
  });
}

function tooMany(): PcloudError {
  return new PcloudError({
    code: 'too-many-tokens',
    category: 'conflict',
    message: 'There are as many tokens as the file may hold. Nothing was changed.',
    hint: 'Revoke those that nobody uses.',
  });
}
