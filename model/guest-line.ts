/**
 * The syntax of a line on the guest link: `verb key=value key=value`, printable ASCII, values
 * percent-encoded, at most `maxPairs` keys, none twice. What the verbs mean is `guest-codec.ts`; the same
 * rules in C are `guest/src/line.c`. Pure, and safe on any bytes: a guest is taken to be hostile.
 */
import { maxLineBytes } from './guest-protocol.ts';

export const maxPairs = 64;
const verbPattern = /^[a-z-]{1,16}$/;
const pairPattern = /^([A-Za-z0-9._-]{1,64})=(.*)$/;
const printable = /^[\x20-\x7e]+$/;
/** Printable ASCII without space, `%` and `=`. */
const plain = /^[\x21-\x24\x26-\x3c\x3e-\x7e]$/;

/** A value that is ASCII is text already; any other is its bytes, whose UTF-8 nobody has looked at yet. */
export type GuestValue = string | Uint8Array;

export type GuestLine = { readonly verb: string; readonly values: ReadonlyMap<string, GuestValue> };

export type ParsedLine =
  { readonly ok: true; readonly line: GuestLine } | { readonly ok: false; readonly reason: string };

function refused(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}

/** What a percent-encoded value stands for; undefined when it is malformed or holds a NUL. */
function percentDecode(text: string): GuestValue | undefined {
  if (!text.includes('%')) return text;
  const bytes = new Uint8Array(text.length);
  let length = 0;
  let ascii = true;
  for (let at = 0; at < text.length; at++) {
    let byte = text.charCodeAt(at);
    if (byte === 0x25) {
      byte = hexDigit(text.charCodeAt(at + 1)) * 16 + hexDigit(text.charCodeAt(at + 2));
      // Not a digit is NaN, and so is what lies behind the end.
      if (!(byte > 0)) return undefined;
      if (byte > 0x7f) ascii = false;
      at += 2;
    }
    bytes[length++] = byte;
  }
  if (!ascii) return bytes.subarray(0, length);
  return Buffer.from(bytes.buffer, 0, length).toString('latin1');
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : Number.NaN;
}

function percentEncode(text: string): string {
  let encoded = '';
  for (const byte of new TextEncoder().encode(text)) {
    const character = String.fromCharCode(byte);
    encoded += plain.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** Takes one line without its newline, as Latin-1 text (one character a byte). Never throws. */
export function parseGuestLine(text: string): ParsedLine {
  if (text.length === 0) return refused('the line is empty');
  if (text.length > maxLineBytes - 1) return refused(`the line is longer than ${maxLineBytes} bytes`);
  if (!printable.test(text)) return refused('the line holds bytes that are not printable ASCII');
  const [verb = '', ...pairs] = text.split(' ');
  if (!verbPattern.test(verb)) return refused('the line does not start with a verb');
  if (pairs.length > maxPairs) return refused(`the line has more than ${maxPairs} keys`);
  const values = new Map<string, GuestValue>();
  for (const pair of pairs) {
    const [, key, encoded] = pairPattern.exec(pair) ?? [];
    if (key === undefined || encoded === undefined) return refused(`${verb}: not every word is key=value`);
    if (values.has(key)) return refused(`${verb}: the key ${key} comes twice`);
    const value = percentDecode(encoded);
    if (value === undefined) return refused(`${verb}: the value of ${key} is badly encoded`);
    values.set(key, value);
  }
  return { ok: true, line: { verb, values } };
}

/** A key and its value; an undefined value leaves the key out. */
export type GuestLineField = readonly [key: string, value: string | number | undefined];

/** The line with its newline. Does not look at lengths and patterns: `guest-codec.ts` reads it back. */
export function formatGuestLine(verb: string, fields: readonly GuestLineField[]): string {
  let line = verb;
  for (const [key, value] of fields) {
    if (value !== undefined) line += ` ${key}=${percentEncode(String(value))}`;
  }
  return `${line}\n`;
}
