/**
 * The install medium that an image was made from, as its manifest tells it: what it is called, where it came
 * from, what it held. Credentials never get this far. Fetching and checking media is the builder's.
 */
import { z } from 'zod';
import { digestSchema } from './recipe.ts';

/** Shown where a query was: it may be a token, and nobody needs it to know which medium it was. */
const cutQuery = '?...';

/**
 * A path or address without what could be a secret: user and password, query and fragment. What is no address
 * is a path and stays as it is. Of what looks like an address and is none, all before the last "@" goes.
 */
export function withoutCredentials(location: string): string {
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(location)?.[0];
  if (scheme === undefined) return location;
  if (!URL.canParse(location)) {
    const [address = '', query] = location.slice(scheme.length).split(/[?#]/, 2);
    const kept = address.slice(address.lastIndexOf('@') + 1);
    return `${scheme}${kept}${query === undefined ? '' : cutQuery}`;
  }
  const url = new URL(location);
  const hadQuery = url.search !== '';
  for (const part of ['username', 'password', 'search', 'hash'] as const) url[part] = '';
  return `${url.href}${hadQuery ? cutQuery : ''}`;
}

const lineSchema = (maxLength: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(maxLength)
    // oxlint-disable-next-line no-control-regex -- what ends or moves a line has no place in a name or path
    .regex(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/);

export const imageMediumSchema = z.strictObject({
  /** As the medium names itself, such as `Fedora 14 x86_64 DVD`. */
  title: lineSchema(200),
  kind: z.enum(['iso', 'tree']),
  /** Path on the builder's host or address; stripped of credentials whenever it is read or written. */
  location: lineSchema(4096).overwrite(withoutCredentials),
  /** Of the ISO's bytes, or over names and contents of the tree's files. */
  sha256: digestSchema,
  /** Whether the operator gave it, or the catalogue's default was taken. */
  origin: z.enum(['operator', 'catalogue']),
  /** What was installed in place of the release, such as `CentOS 6.10` for RHEL6; null for the release itself. */
  standIn: lineSchema(200).nullable(),
  /** Made by tests: it is not what its release's vendor published. */
  synthetic: z.boolean(),
});
export type ImageMedium = z.infer<typeof imageMediumSchema>;

/** The title of an image from a medium that tests made: nobody shall take it for the real one. */
export function syntheticTitle(title: string): string {
  return `${title} (from a synthetic medium)`;
}
