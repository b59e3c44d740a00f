/**
 * Names that people give to things, checked once at the edge. What passes here is safe as a file name, a
 * libvirt domain name, a URL path segment and a host name label; nothing later has to look again.
 */
import { z } from 'zod';
import { PcloudError } from './errors.ts';

/** Longest name: a host name label is at most 63 octets (RFC 1035 §2.3.4). */
export const maxNameLength = 63;

const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

export type NamedThing =
  | 'assembly'
  | 'deployable'
  | 'resource'
  | 'secret'
  | 'disk'
  | 'template'
  | 'release'
  | 'architecture'
  | 'user';

export const nameSchema = z
  .string()
  .min(1)
  .max(maxNameLength)
  .regex(namePattern)
  .refine((name) => !name.includes('..'));

/** A user's text made harmless for a message: control characters escaped, cut to 80 characters. */
export function quoteForMessage(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * The name itself if it is well formed.
 * @throws PcloudError `bad-name` (category invalid) that says which rule it breaks.
 */
export function checkName(what: NamedThing, name: string): string {
  const rule = brokenRule(name);
  if (rule === undefined) return name;
  throw new PcloudError({
    code: 'bad-name',
    category: 'invalid',
    message: `${quoteForMessage(name)} cannot be the name of ${what === 'assembly' || what === 'architecture' ? 'an' : 'a'} ${what}: ${rule}.`,
    hint: `Use letters, digits, ".", "_" and "-", starting and ending with a letter or digit, at most ${maxNameLength} characters.`,
    facts: { what },
  });
}

function brokenRule(name: string): string | undefined {
  if (name.length === 0) return 'it is empty';
  if (name.length > maxNameLength) return `it has ${name.length} characters, the limit is ${maxNameLength}`;
  if (name.startsWith('-')) return 'it starts with a dash';
  if (/[\r\n\u2028\u2029]/.test(name)) return 'it contains a line break';
  if (/\s/.test(name)) return 'it contains a space';
  if (name.includes('/')) return 'it contains a slash';
  if (name.includes('..')) return 'it contains ".."';
  if (!namePattern.test(name)) return 'it contains a character that is not allowed there';
  return undefined;
}
