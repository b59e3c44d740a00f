/**
 * One small YAML file as the thing in it, checked against a schema; or what is wrong with it, with the line, for
 * whoever has to correct it. Nothing is thrown: how bad a broken file is is the caller's to say.
 */
import path from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import type { z } from 'zod';
import { fileErrorText } from './file-error.ts';
import { readRegularFile } from './regular-file.ts';

/** A description of one release or resource is a page; more is a mistake. */
export const maxFileBytes = 64 * 1024;

export type YamlFault = {
  /** From 1; null where it is not about a line. */
  readonly line: number | null;
  /** Such as `monitorIntervalMs: Invalid input: expected number, received string`. */
  readonly reason: string;
};

export type YamlReading<T> =
  | { readonly ok: true; readonly thing: T }
  | { readonly ok: false; readonly fault: YamlFault; readonly cause?: unknown };

/** The thing in `NAME.yaml`, which must be called NAME there too. Never rejects. */
export async function readYamlFile<T extends { readonly name: string }>(
  file: string,
  schema: z.ZodType<T>,
): Promise<YamlReading<T>> {
  let text: string;
  try {
    text = await readRegularFile(file, maxFileBytes);
  } catch (error) {
    return { ok: false, fault: { line: null, reason: fileErrorText(error) }, cause: error };
  }
  return parseYaml(path.basename(file, '.yaml'), text, schema);
}

/** The thing of this name in a file's text. */
export function parseYaml<T extends { readonly name: string }>(
  name: string,
  text: string,
  schema: z.ZodType<T>,
): YamlReading<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { strict: true, uniqueKeys: true, lineCounter: lines });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const words = (fault.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
    const line = fault.linePos?.[0].line ?? null;
    return { ok: false, fault: { line, reason: `it is not YAML: ${words}` }, cause: fault };
  }
  let value: unknown;
  try {
    // Aliases could blow a small file up to any size; a catalogue file has no use for them.
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    return { ok: false, fault: { line: null, reason: fileErrorText(error) }, cause: error };
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    const keys = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
    const where = [...(issue?.path ?? []), ...keys];
    const reason = `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'wrong'}`;
    return { ok: false, fault: { line: lineOf(document, lines, where), reason }, cause: result.error };
  }
  if (result.data.name === name) return { ok: true, thing: result.data };
  const reason = `name: it is "${result.data.name}", but the file is named after "${name}"`;
  return { ok: false, fault: { line: lineOf(document, lines, ['name']), reason } };
}

/** Where this field stands, or the nearest thing around it that is there; null for an empty file. */
function lineOf(document: Document, lines: LineCounter, where: readonly PropertyKey[]): number | null {
  let node: unknown = document.contents;
  let offset = offsetOf(node);
  for (const step of where) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      offset = offsetOf(pair?.key) ?? offset;
      node = pair?.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      offset = offsetOf(node) ?? offset;
    } else break;
  }
  return offset === undefined ? null : lines.linePos(offset).line;
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
