/**
 * Checksum files as archives publish them: `HEX *NAME` inside a PGP clear-signed envelope (Fedora 14–16),
 * `SHA256 (NAME) = HEX` (newer Fedora), and `HEX  NAME` (CentOS's sha256sum.txt). Pure. The signature itself is
 * not checked: the file is trusted as far as the address that it came from.
 */
import { PcloudError } from '../../model/errors.ts';

/** A release lists a dozen media; more than this is not such a file. */
export const maxChecksumFileBytes = 1024 * 1024;
const maxEntries = 10_000;

const signedMessage = '-----BEGIN PGP SIGNED MESSAGE-----';
const signature = '-----BEGIN PGP SIGNATURE-----';

/**
 * The sha256 of the named file.
 * @param where the checksum file's address, for messages.
 * @throws PcloudError `checksum-not-listed`, `checksum-file-damaged`.
 */
export function checksumOf(text: string, fileName: string, where: string): string {
  const listed = parseChecksumFile(text, where);
  const found = listed.get(fileName);
  if (found !== undefined) return found;
  const names = [...listed.keys()].slice(0, 20).join(', ');
  throw new PcloudError({
    code: 'checksum-not-listed',
    category: 'failed',
    message: `The checksum file ${where} does not list ${fileName}; it lists ${names === '' ? 'nothing that is understood' : names}.`,
    hint: 'Correct checksumUrl in the release catalogue, or give the medium with its checksum: `media_add RELEASE URL --sha256 HEX`.',
    facts: { where, fileName },
  });
}

/**
 * Names and their sha256 in lower case. Lines of other kinds (comments, other algorithms) are passed over.
 * @throws PcloudError `checksum-file-damaged` when one name has two checksums, or there is far too much.
 */
export function parseChecksumFile(text: string, where: string): ReadonlyMap<string, string> {
  if (text.length > maxChecksumFileBytes) throw damaged(where, `it has ${text.length} characters`);
  const listed = new Map<string, string>();
  for (const line of signedPart(text.split(/\r?\n/))) {
    const entry = readLine(line);
    if (entry === undefined) continue;
    const before = listed.get(entry.name);
    if (before !== undefined && before !== entry.sha256)
      throw damaged(where, `it gives two checksums for ${entry.name.slice(0, 100)}`);
    listed.set(entry.name, entry.sha256);
    if (listed.size > maxEntries) throw damaged(where, `it lists more than ${maxEntries} files`);
  }
  return listed;
}

/** Of a clear-signed text (RFC 4880 §7) only what is signed counts; of any other, all. */
function signedPart(lines: readonly string[]): readonly string[] {
  const begin = lines.indexOf(signedMessage);
  if (begin === -1) return lines;
  // Armor headers such as "Hash: SHA256" end with an empty line.
  const blank = lines.indexOf('', begin);
  const end = lines.indexOf(signature, begin);
  if (blank === -1 || (end !== -1 && end < blank)) return [];
  return lines
    .slice(blank + 1, end === -1 ? lines.length : end)
    .map((line) => (line.startsWith('- ') ? line.slice(2) : line));
}

function readLine(line: string): { readonly name: string; readonly sha256: string } | undefined {
  const bsd = /^SHA256 \((.{1,255})\) = ([0-9a-fA-F]{64})\s*$/.exec(line);
  const gnu = /^([0-9a-fA-F]{64}) [ *](\S.{0,254})$/.exec(line);
  const [name, sha256] = bsd === null ? [gnu?.[2], gnu?.[1]] : [bsd[1], bsd[2]];
  if (name === undefined || sha256 === undefined) return undefined;
  return { name: name.trimEnd().replace(/^\.\//, ''), sha256: sha256.toLowerCase() };
}

function damaged(where: string, why: string): PcloudError {
  return new PcloudError({
    code: 'checksum-file-damaged',
    category: 'failed',
    message: `The checksum file ${where} cannot be used: ${why}.`,
    hint: 'Look at it in a browser; or give the medium with its checksum: `media_add RELEASE URL --sha256 HEX`.',
    facts: { where },
  });
}
