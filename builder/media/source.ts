/**
 * What an operator gave as a medium, checked where it enters: an absolute path, the address of an ISO, or the
 * address of an install tree (it ends with `/`). Pure; whether there is anything is for others to see.
 */
import { PcloudError } from '../../model/errors.ts';
import { withoutCredentials } from '../../model/image-medium.ts';
import { quoteForMessage } from '../../model/names.ts';
import { badMedium } from './failures.ts';

export type MediaSource =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'iso-url'; readonly url: string }
  | { readonly kind: 'tree-url'; readonly url: string };

const maxLength = 2048;

/** @throws PcloudError `bad-medium`. */
export function parseSource(text: string): MediaSource {
  if (text === '') throw badMedium(text, 'it is empty');
  if (text.length > maxLength)
    throw badMedium(text, `it has ${text.length} characters, the limit is ${maxLength}`);
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text))
    throw badMedium(text, 'it contains a control character');
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) return parseUrl(text);
  if (!text.startsWith('/'))
    throw badMedium(text, 'it is neither an absolute path nor an http or https address');
  return { kind: 'path', path: text };
}

/** What is shown of it, and stands in lists and manifests. */
export function sourceTitle(source: MediaSource): string {
  return source.kind === 'path' ? source.path : withoutCredentials(source.url);
}

/** @throws PcloudError `bad-checksum`. */
export function parseSha256(text: string): string {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return text.toLowerCase();
  throw new PcloudError({
    code: 'bad-checksum',
    category: 'invalid',
    message: `${quoteForMessage(text)} is not a sha256: that has 64 digits of 0-9 and a-f.`,
    hint: '`sha256sum FILE` prints it, and publishers list it beside their media.',
  });
}

function parseUrl(text: string): MediaSource {
  if (!URL.canParse(text)) throw badMedium(text, 'it is not a well-formed address');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw badMedium(
      withoutCredentials(text),
      `its protocol is ${url.protocol.slice(0, 20)}, and only http and https can be fetched`,
    );
  if (url.username !== '' || url.password !== '')
    throw badMedium(
      withoutCredentials(text),
      'it carries a name or password, which would end up in process lists and logs',
      'Download it yourself, and give the path of the file.',
    );
  url.hash = '';
  if (!url.pathname.endsWith('/')) return { kind: 'iso-url', url: url.href };
  if (url.search !== '')
    throw badMedium(withoutCredentials(text), 'the address of an install tree cannot have a query');
  return { kind: 'tree-url', url: url.href };
}
