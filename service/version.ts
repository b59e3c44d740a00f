/**
 * The version that every part of Pacemaker Cloud reports: the one in `package.json`, read once. It decides
 * nothing about compatibility; formats carry version numbers of their own.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const packageFile = new URL('../package.json', import.meta.url);

/** Such as `0.1.0`. */
export const version: string = z
  .object({ version: z.string().min(1).max(64) })
  .parse(JSON.parse(readFileSync(packageFile, 'utf8'))).version;
