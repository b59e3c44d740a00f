/**
 * The operator's rules as a YAML file, read again when it changes. A file that is wrong is refused with its
 * line and column, and what held before goes on holding; what the rules mean is `rules.ts`.
 */
import { readFile, stat } from 'node:fs/promises';
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z } from 'zod';
import { PcloudError } from '../../model/errors.ts';
import { errorCodeOf, errorTextOf } from '../../service/error-code.ts';
import { rulesSchema } from './rules.ts';
import type { Rules } from './rules.ts';

/** A rule is a few lines; a thousand of them fit. */
const maxFileBytes = 256 * 1024;

/** Without a file: everything is told to all. */
export const noRules: Rules = { rules: [] };

/**
 * The rules in the file; `noRules` when there is none.
 * @throws PcloudError `bad-alert-rules` (category invalid) with line and column.
 */
export async function readRules(file: string): Promise<Rules> {
  return parseRules(file, await readText(file));
}

/**
 * The rules in a file's text.
 * @throws PcloudError `bad-alert-rules`.
 */
export function parseRules(file: string, text: string | null): Rules {
  if (text === null) return noRules;
  const lines = new LineCounter();
  const document = parseDocument(text, { strict: true, uniqueKeys: true, lineCounter: lines });
  const fault = document.errors[0];
  if (fault !== undefined)
    throw badRules(file, placeOf(lines, fault.pos[0]), firstLine(fault.message), fault);
  // Aliases could blow a small file up to any size.
  const result = rulesSchema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue === undefined ? '' : issue.path.map(String).join('.');
  throw badRules(
    file,
    placeOf(lines, offsetOf(document, issue)),
    `${where === '' ? 'the whole' : where}: ${issue?.message ?? 'it is wrong'}`,
    result.error,
  );
}

async function readText(file: string): Promise<string | null> {
  try {
    const { size } = await stat(file);
    if (size > maxFileBytes) throw badRules(file, null, `it has ${size} bytes, the limit is ${maxFileBytes}`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    if (error instanceof PcloudError) throw error;
    throw badRules(file, null, `it cannot be read: ${errorTextOf(error)}`, error);
  }
}

/** Where the innermost part of the issue's path begins that is in the document at all. */
function offsetOf(document: Document, issue: z.core.$ZodIssue | undefined): number {
  const path = issue?.path.filter((part) => typeof part !== 'symbol') ?? [];
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node)) return node.range?.[0] ?? 0;
  }
  return isNode(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
}

function placeOf(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `line ${line}, column ${col}`;
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}

function badRules(file: string, place: string | null, why: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'bad-alert-rules',
    category: 'invalid',
    message: `The rules for alerts in ${file} are wrong${place === null ? '' : ` in ${place}`}: ${why}.`,
    hint: 'Correct the file; it is read again when it changes. Until then, what held before holds.',
    facts: { file },
    cause,
  });
}

export type RulesReader = {
  /** What holds now. Never rejects: what is wrong is given to `onProblem`, once for each state of the file. */
  current(): Promise<Rules>;
};

/** @param onProblem is told of a file that is wrong, and not again until it changes. */
export function createRulesReader(file: string, onProblem: (error: PcloudError) => void): RulesReader {
  let rules = noRules;
  let seen = '';
  return {
    async current() {
      const state = await stateOf(file);
      if (state === seen) return rules;
      seen = state;
      try {
        rules = await readRules(file);
      } catch (error) {
        if (!(error instanceof PcloudError)) throw error;
        onProblem(error);
      }
      return rules;
    },
  };
}

/** What changes when the file does. */
async function stateOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return errorCodeOf(error) ?? errorTextOf(error);
  }
}
