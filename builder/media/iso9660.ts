/**
 * As much of ISO 9660 (ECMA-119) as it takes to know an install image for one: the primary volume descriptor
 * and the names in a directory, with Rock Ridge's. Pure, over bytes that anybody may have written.
 */

export const sectorBytes = 2048;
/** The volume descriptors begin at sector 16 (ECMA-119 §6.2.1): the magic stands at byte 32769. */
export const descriptorOffset = 16 * sectorBytes;

export type Extent = { readonly offsetBytes: number; readonly sizeBytes: number };
export type Volume = {
  readonly label: string;
  /** Of the whole volume; a file with fewer bytes is cut off. */
  readonly sizeBytes: number;
  readonly root: Extent;
};
export type DirectoryEntry = Extent & { readonly name: string; readonly isDirectory: boolean };

/** The volume that a primary descriptor's sector describes; undefined when it is none. */
export function parseVolume(sector: Buffer): Volume | undefined {
  if (sector.length < sectorBytes || sector[0] !== 1 || sector.toString('latin1', 1, 6) !== 'CD001')
    return undefined;
  const blockBytes = sector.readUInt16LE(128);
  if (![512, 1024, 2048].includes(blockBytes)) return undefined;
  const root = parseRecord(sector.subarray(156, 190), blockBytes);
  if (root === undefined || !root.isDirectory) return undefined;
  return {
    label: printableLabel(sector.toString('latin1', 40, 72)),
    sizeBytes: sector.readUInt32LE(80) * blockBytes,
    root: { offsetBytes: root.offsetBytes, sizeBytes: root.sizeBytes },
  };
}

/** The entries of a directory, itself and its parent left out; stops at what is no record. */
export function parseDirectory(bytes: Buffer): readonly DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes[at] ?? 0;
    if (length === 0) {
      // A record never crosses a sector's end: the rest of this one is padding.
      at = (Math.floor(at / sectorBytes) + 1) * sectorBytes;
      continue;
    }
    const entry = parseRecord(bytes.subarray(at, at + length), sectorBytes);
    if (entry === undefined) break;
    if (entry.name !== '\u0000' && entry.name !== '\u0001') entries.push(entry);
    at += length;
  }
  return entries;
}

function parseRecord(record: Buffer, blockBytes: number): DirectoryEntry | undefined {
  const nameLength = record[32] ?? 0;
  if (record.length < 33 + nameLength || nameLength === 0 || record[0] !== record.length) return undefined;
  const plain = record.toString('latin1', 33, 33 + nameLength);
  return {
    name:
      rockRidgeName(record.subarray(33 + nameLength + (nameLength % 2 === 0 ? 1 : 0))) ??
      plain.replace(/;1$/, ''),
    isDirectory: ((record[25] ?? 0) & 2) !== 0,
    offsetBytes: record.readUInt32LE(2) * blockBytes,
    sizeBytes: record.readUInt32LE(10),
  };
}

/** The NM entry of a record's system use area (RRIP §4.1.4). */
function rockRidgeName(systemUse: Buffer): string | undefined {
  for (let at = 0; at + 4 <= systemUse.length;) {
    const length = systemUse[at + 2] ?? 0;
    if (length < 4 || at + length > systemUse.length) return undefined;
    if (systemUse.toString('latin1', at, at + 2) === 'NM' && length > 5)
      return systemUse.toString('latin1', at + 5, at + length);
    at += length;
  }
  return undefined;
}

function printableLabel(text: string): string {
  return text.replace(/[^ -~]/g, '?').trim();
}
