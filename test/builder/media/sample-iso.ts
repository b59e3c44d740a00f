/**
 * Small ISO 9660 images made byte by byte (ECMA-119), so that tests of how media are fetched and checked need
 * no tool. What a real tool makes is read in `test/integration/media.test.ts`.
 */

const sectorBytes = 2048;

export type SampleIso = {
  readonly label?: string;
  /** Name in the root directory to text. With Rock Ridge the name stands as it is. */
  readonly files?: Readonly<Record<string, string>>;
  readonly rockRidge?: boolean;
  /** Sectors of zeros behind the files, so that there is something to download. */
  readonly paddingSectors?: number;
};

export function sampleIso(options: SampleIso = {}): Buffer {
  const { label = 'SAMPLE', files = {}, rockRidge = true, paddingSectors = 0 } = options;
  const rootSector = 18;
  const named = Object.entries(files);
  const records: Buffer[] = [
    record('\u0000', rootSector, sectorBytes, true),
    record('\u0001', rootSector, sectorBytes, true),
  ];
  const contents: Buffer[] = [];
  let next = rootSector + 1;
  for (const [name, text] of named) {
    const bytes = Buffer.from(text);
    records.push(record(plainName(name), next, bytes.length, false, rockRidge ? name : undefined));
    const padded = Buffer.alloc(Math.max(1, Math.ceil(bytes.length / sectorBytes)) * sectorBytes);
    bytes.copy(padded);
    contents.push(padded);
    next += padded.length / sectorBytes;
  }
  const sectors = next + paddingSectors;
  const root = Buffer.alloc(sectorBytes);
  Buffer.concat(records).copy(root);
  const descriptor = Buffer.alloc(sectorBytes);
  descriptor[0] = 1;
  descriptor.write('CD001', 1, 'latin1');
  descriptor[6] = 1;
  descriptor.write(label.padEnd(32), 40, 'latin1');
  descriptor.writeUInt32LE(sectors, 80);
  descriptor.writeUInt16LE(sectorBytes, 128);
  record('\u0000', rootSector, sectorBytes, true).copy(descriptor, 156);
  const terminator = Buffer.alloc(sectorBytes);
  terminator[0] = 255;
  terminator.write('CD001', 1, 'latin1');
  const system = Buffer.alloc(16 * sectorBytes);
  return Buffer.concat([
    system,
    descriptor,
    terminator,
    root,
    ...contents,
    Buffer.alloc(paddingSectors * sectorBytes),
  ]);
}

/** `.treeinfo` → `_TREEINFO.;1`, as tools without Rock Ridge write it. */
function plainName(name: string): string {
  return `${name.replace(/^\./, '_').toUpperCase().slice(0, 12)}.;1`;
}

function record(
  name: string,
  sector: number,
  sizeBytes: number,
  isDirectory: boolean,
  longName?: string,
): Buffer {
  const nameBytes = Buffer.from(name, 'latin1');
  const padding = nameBytes.length % 2 === 0 ? 1 : 0;
  const nm =
    longName === undefined ? Buffer.alloc(0) : Buffer.from(`NM\u0000\u0001\u0000${longName}`, 'latin1');
  if (nm.length > 0) nm[2] = nm.length;
  const length = 33 + nameBytes.length + padding + nm.length;
  const bytes = Buffer.alloc(length + (length % 2));
  bytes[0] = bytes.length;
  bytes.writeUInt32LE(sector, 2);
  bytes.writeUInt32LE(sizeBytes, 10);
  bytes[25] = isDirectory ? 2 : 0;
  bytes[32] = nameBytes.length;
  nameBytes.copy(bytes, 33);
  nm.copy(bytes, 33 + nameBytes.length + padding);
  return bytes;
}
