/**
 * The tokens as the running service knows them: read again when the file has changed, so that a token that was
 * revoked is refused within a second, without a reload. A file that cannot be read lets nobody in.
 */
import { stat } from 'node:fs/promises';
import { errorCodeOf } from '../../service/error-code.ts';
import type { Logger } from '../../service/logger.ts';
import { readTokens } from './token-file.ts';
import type { StoredToken } from './tokens.ts';

/** The file is looked at no more often. */
const lookEveryMs = 1000;

export type TokenStore = {
  /** By id. */
  current(): Promise<ReadonlyMap<string, StoredToken>>;
  /** Looks at the file now, whatever was seen before. */
  reload(): Promise<ReadonlyMap<string, StoredToken>>;
};

/** @param monotonicMs a clock that never goes back */
export function createTokenStore(file: string, monotonicMs: () => number, log: Logger): TokenStore {
  let tokens: ReadonlyMap<string, StoredToken> = new Map();
  /** What the file looked like when it was read. */
  let seen: string | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<ReadonlyMap<string, StoredToken>> | undefined;

  const look = async (): Promise<ReadonlyMap<string, StoredToken>> => {
    lookedMs = monotonicMs();
    const now = await shapeOf(file);
    if (now === seen) return tokens;
    try {
      tokens = new Map((await readTokens(file)).map((token) => [token.id, token]));
      if (seen !== undefined) log.info({ file, tokens: tokens.size }, 'the file of tokens was read again');
    } catch (error) {
      tokens = new Map();
      log.error({ err: error, file }, 'the file of tokens cannot be used: nobody gets in by a token');
    }
    seen = now;
    return tokens;
  };
  const reload = async (): Promise<ReadonlyMap<string, StoredToken>> => {
    looking ??= look().finally(() => (looking = undefined));
    return await looking;
  };
  return {
    async current() {
      return monotonicMs() - lookedMs < lookEveryMs && looking === undefined ? tokens : await reload();
    },
    async reload() {
      seen = undefined;
      return await reload();
    },
  };
}

async function shapeOf(file: string): Promise<string> {
  try {
    const { mtimeNs, ctimeNs, size, ino } = await stat(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return errorCodeOf(error) ?? 'unknown';
  }
}
