/**
 * The boot sector that the accelerator probe starts, assembled from `native/kvm-probe/src/boot-sector.S`: it enters
 * 64-bit mode with paging, works there for a moment, and ends its machine. As bytes, so that a host without an
 * assembler can probe; a test assembles the source and compares.
 */

/** QEMU's exit code when it came to its end: `(value << 1) | 1` of isa-debug-exit. */
export const probeExitCode = 85;

const sectorBytes = 512;
const code = Buffer.from(
  '+jHAjtiOwI7QvAB8/Ga/ABAAAA8i32YxwGa5AAwAAGbzq2bHBgAQAyAAAGbHBgAgAzAAAGbHBgAwgwAAAA8g4GaDyCAPIuBm' +
    'uYAAAMAPMmYNAAEAAA8wDwEWmHwPIMBmDQEAAIAPIsDqbXwIALkAABAASP8EJQBgAADi9rAqZrr0AO706/1mkAAAAAAAAAAA' +
    'AAAAAACaIAAPAIh8',
  'base64',
);

/** The whole sector, with the signature that a BIOS looks for. */
export function probeBootSector(): Buffer {
  const sector = Buffer.alloc(sectorBytes);
  code.copy(sector);
  sector.writeUInt16LE(0xaa55, sectorBytes - 2);
  return sector;
}
