/**
 * A service file's text as what it means, or everything that is wrong with it, each with line and column. Pure but
 * for nothing: the text comes in. What may stand in it is `model/service-file/`.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import type { z } from 'zod';
import { keysAt } from '../../model/service-file/json-schema.ts';
import { maxServiceFileBytes, serviceFileSchema } from '../../model/service-file/schema.ts';
import { wantedOf } from '../../model/service-file/wanted.ts';
import type { FileFault, WantedService } from '../../model/service-file/wanted.ts';
import { suggest } from '../suggest.ts';

/** Counted from 1. */
export type Place = { readonly line: number; readonly column: number };
export type PlacedFault = Place & { readonly message: string };

export type ServiceReading =
  | {
      readonly ok: true;
      readonly service: WantedService;
      /** Where something of it stands, or the nearest thing around it that is there. */
      readonly placeOf: (path: readonly PropertyKey[]) => Place;
    }
  | { readonly ok: false; readonly faults: readonly PlacedFault[] };

/** More would tell nothing new. */
const maxFaults = 20;
const start: Place = { line: 1, column: 1 };

export function readServiceText(text: string): ServiceReading {
  if (Buffer.byteLength(text) > maxServiceFileBytes)
    return wrong([{ ...start, message: `the file is larger than ${maxServiceFileBytes} bytes` }]);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    strict: true,
    uniqueKeys: true,
    lineCounter: lines,
    // No tag of any kind makes something else of a value.
    stringKeys: true,
    schema: 'core',
    resolveKnownTags: false,
  });
  const broken = [...document.errors, ...document.warnings].map((fault) => ({
    line: fault.linePos?.[0].line ?? 1,
    column: fault.linePos?.[0].col ?? 1,
    message: `this is not YAML as it is taken here: ${firstLine(fault.message)}`,
  }));
  if (broken.length > 0) return wrong(broken);
  const placeOf = (path: readonly PropertyKey[]): Place => placeIn(document, lines, path);
  let value: unknown;
  try {
    // Aliases could blow a small file up to any size, and hide what a line means.
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    const message = error instanceof ReferenceError ? 'aliases (*name) are not taken' : String(error);
    return wrong([{ ...start, message }]);
  }
  const checked = serviceFileSchema.safeParse(value);
  if (!checked.success)
    return wrong(checked.error.issues.flatMap(faultsOf).map((fault) => placed(fault, placeOf)));
  const wanted = wantedOf(checked.data, suggest);
  return wanted.ok
    ? { ok: true, service: wanted.service, placeOf }
    : wrong(wanted.faults.map((fault) => placed(fault, placeOf)));
}

function wrong(faults: readonly PlacedFault[]): ServiceReading {
  const inOrder = faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { ok: false, faults: inOrder.slice(0, maxFaults) };
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}

export function placed(fault: FileFault, placeOf: (path: readonly PropertyKey[]) => Place): PlacedFault {
  const where = fault.path.map(String).join('.');
  return { ...placeOf(fault.path), message: where === '' ? fault.message : `${where}: ${fault.message}` };
}

type Issue = z.core.$ZodIssue;

/** Each key that nobody knows for itself, each record's bad name with what is wrong with it. */
function faultsOf(issue: Issue): readonly FileFault[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: unknownKey(issue.path, key) }));
  if (issue.code === 'invalid_key')
    return [
      {
        path: issue.path,
        message: 'cannot be a name: letters, digits, ".", "_" and "-", at most 63 characters',
      },
    ];
  if (issue.code === 'invalid_union') {
    // Of several forms the one that is nearest is the one that was meant: it has the fewest faults, deepest down.
    const [best] = issue.errors
      .map((errors) => errors.map((one) => ({ ...one, path: [...issue.path, ...one.path] })))
      .toSorted((a, b) => depthOf(b) - depthOf(a) || a.length - b.length);
    if (best !== undefined && depthOf(best) > issue.path.length) return best.flatMap(faultsOf);
  }
  return [{ path: issue.path, message: plainWords(issue) }];
}

function depthOf(errors: readonly Issue[]): number {
  return Math.max(0, ...errors.map(({ path, code }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)));
}

function unknownKey(path: readonly PropertyKey[], key: string): string {
  const known = [...new Set(keysAt(path))];
  const near = suggest(key, known);
  if (near.length > 0) return `there is no such key here; did you mean ${near.join(' or ')}?`;
  return known.length === 0
    ? 'there is no such key here'
    : `there is no such key here; there are ${known.join(', ')}`;
}

function plainWords(issue: Issue): string {
  if (
    issue.code === 'invalid_type' &&
    issue.input === undefined &&
    issue.message.endsWith('received undefined')
  )
    return 'is missing';
  return issue.message.replace(/^Invalid input: /, '');
}

/** The key where there is one, else the value; what is missing stands where it would be: at what should hold it. */
function placeIn(document: Document, lines: LineCounter, path: readonly PropertyKey[]): Place {
  let node: unknown = document.contents;
  let offset = offsetOf(node) ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) break;
      offset = offsetOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      offset = offsetOf(node) ?? offset;
    } else break;
  }
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
