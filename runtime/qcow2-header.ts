/**
 * What the header of a qcow2 file says, read by ourselves before any tool opens it: a disk of a stranger may name
 * other files of this host as its backing or data. Pure. The format: QEMU's docs/interop/qcow2.txt, "Header".
 */

/** Enough for what is read here; version 3 has 104 bytes and more. */
export const qcow2HeaderBytes = 104;

/** `QFI` and 0xfb. */
const magic = 0x51_46_49_fb;

export type Qcow2Header = {
  readonly version: number;
  readonly virtualSizeBytes: bigint;
  readonly hasBackingFile: boolean;
  readonly hasDataFile: boolean;
  readonly isEncrypted: boolean;
  /** It was not closed, or is damaged by its own word. */
  readonly isDirty: boolean;
  readonly isCorrupt: boolean;
  /** Features that nobody knew when this was written. */
  readonly hasUnknownFeatures: boolean;
};

/** Bits of incompatible_features: dirty, corrupt, external data file, compression type, extended L2. */
const dirtyBit = 1n;
const corruptBit = 2n;
const dataFileBit = 4n;
const knownBits = 0b1_1111n;

/** Undefined for what is not qcow2 of version 2 or 3. */
export function parseQcow2Header(bytes: Buffer): Qcow2Header | undefined {
  if (bytes.length < 72 || bytes.readUInt32BE(0) !== magic) return undefined;
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3) return undefined;
  if (version === 3 && bytes.length < qcow2HeaderBytes) return undefined;
  const features = version === 3 ? bytes.readBigUInt64BE(72) : 0n;
  return {
    version,
    virtualSizeBytes: bytes.readBigUInt64BE(24),
    hasBackingFile: bytes.readBigUInt64BE(8) !== 0n || bytes.readUInt32BE(16) !== 0,
    hasDataFile: (features & dataFileBit) !== 0n,
    isEncrypted: bytes.readUInt32BE(32) !== 0,
    isDirty: (features & dirtyBit) !== 0n,
    isCorrupt: (features & corruptBit) !== 0n,
    hasUnknownFeatures: (features & ~knownBits) !== 0n,
  };
}

/** Whether it says of itself that it is some version of qcow2. */
export function looksLikeQcow2(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE(0) === magic;
}
