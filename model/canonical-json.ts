/**
 * One text for one value, so that equal recipes have equal digests: keys sorted, no spaces, no value that
 * JSON would drop or change. It knows nothing of what the values mean.
 */
import { createHash } from 'node:crypto';

export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * The value as canonical JSON: object keys in code-unit order, numbers as ECMAScript prints them (RFC 8785
 * §3.2 for the values that we use).
 * @throws TypeError for what JSON cannot hold faithfully (undefined, NaN, functions, a lone surrogate).
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('a string with a lone surrogate has no canonical JSON');
    return JSON.stringify(value);
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no canonical JSON`);
    return JSON.stringify(value);
  }
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no canonical JSON`);
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(canonicalJson).join(',')}]`;
  const members = Object.entries(value as { readonly [key: string]: JsonValue })
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, member]) => `${canonicalJson(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** Lower-case hexadecimal sha256 of the text in UTF-8. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
