/**
 * What `--check-config` of both services finds and how it says it: each finding a line, the effective settings
 * as JSON on standard output alone, and the exit code. It changes nothing and talks to nobody.
 */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import { PcloudError } from '../model/errors.ts';
import { errorCodeOf, errorTextOf } from './error-code.ts';

export type Finding = { readonly kind: 'error' | 'warning'; readonly text: string };

/** What the check throws as a finding; what is no error for people is a defect and goes on. */
export async function findingOf(check: () => Promise<unknown>): Promise<readonly Finding[]> {
  try {
    await check();
    return [];
  } catch (error) {
    if (!(error instanceof PcloudError)) throw error;
    return [
      { kind: 'error', text: error.hint === undefined ? error.message : `${error.message} ${error.hint}` },
    ];
  }
}

/**
 * Whether the service can have a directory of its own there: it is one and may be written to, or it can be made.
 * @param setting whose value it follows from.
 */
export async function checkOwnDirectory(directory: string, setting: string): Promise<readonly Finding[]> {
  const bad = (why: string): readonly Finding[] => [
    { kind: 'error', text: `The directory ${directory} (${setting}) cannot be used: ${why}.` },
  ];
  for (let place = directory; ; place = path.dirname(place)) {
    try {
      if (!(await stat(place)).isDirectory()) return bad(`${place} is not a directory`);
      await access(place, constants.W_OK | constants.X_OK);
      return [];
    } catch (error) {
      // Not there yet: it is made at the start, below what is there.
      if (errorCodeOf(error) === 'ENOENT' && place !== path.dirname(place)) continue;
      if (errorCodeOf(error) === 'ENOTDIR') continue;
      return bad(errorTextOf(error));
    }
  }
}

/** A file that a setting names and that must be there. */
export async function checkReadable(file: string, setting: string): Promise<readonly Finding[]> {
  try {
    await access(file, constants.R_OK);
    return [];
  } catch (error) {
    return [{ kind: 'error', text: `${setting}: ${file} cannot be read: ${errorTextOf(error)}.` }];
  }
}

/** Prints settings and findings; the exit code, 0 or 2. */
export function reportConfig(program: string, shown: unknown, findings: readonly Finding[]): 0 | 2 {
  process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
  for (const { kind, text } of findings) process.stderr.write(`${program}: ${kind}: ${text}\n`);
  const errors = findings.filter(({ kind }) => kind === 'error').length;
  const warnings = findings.length - errors;
  const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;
  process.stderr.write(
    errors === 0
      ? `${program}: the configuration is good${warnings === 0 ? '' : `, with ${count(warnings, 'warning')}`}.\n`
      : `${program}: the configuration cannot be used: ${count(errors, 'error')}.\n`,
  );
  return errors === 0 ? 0 : 2;
}
