/** Which files are install images: what is read of one, and what every other kind of thing is refused with. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { openIso } from '../../../builder/media/iso-file.ts';
import type { IsoFacts } from '../../../builder/media/iso-file.ts';
import {
  descriptorOffset,
  parseDirectory,
  parseVolume,
  sectorBytes,
} from '../../../builder/media/iso9660.ts';
import { sampleIso } from './sample-iso.ts';
import { world } from './world.ts';

async function factsOf(file: string): Promise<IsoFacts> {
  const { handle, facts } = await openIso(file);
  await handle.close();
  return facts;
}

test('label and .treeinfo are read, with Rock Ridge names and without', async (t) => {
  const { directory } = await world(t);
  for (const rockRidge of [true, false]) {
    const file = path.join(directory, `${rockRidge}.iso`);
    const files = { 'a.txt': 'x', '.discinfo': '1287699395\nFedora 14\n', '.treeinfo': '[general]\n' };
    await writeFile(file, sampleIso({ label: 'Fedora 14 x86_64 DVD', files, rockRidge }));
    assert.deepEqual(await factsOf(file), {
      label: 'Fedora 14 x86_64 DVD',
      treeinfo: '[general]\n',
      synthetic: false,
    });
  }
});

test('a medium that calls itself synthetic is known for it, by its label, .treeinfo or .discinfo', async (t) => {
  const { directory } = await world(t);
  const file = path.join(directory, 'x.iso');
  for (const iso of [
    { label: 'SYNTHETIC_F14' },
    { files: { '.treeinfo': 'family = Synthetic Fedora\n' } },
    { files: { '.discinfo': '0\nSYNTHETIC\n' } },
  ]) {
    await writeFile(file, sampleIso(iso));
    assert.equal((await factsOf(file)).synthetic, true, JSON.stringify(iso));
  }
});

test('what is no image is refused by what it is', async (t) => {
  const { directory } = await world(t);
  const at = (name: string): string => path.join(directory, name);
  await writeFile(at('good.iso'), sampleIso());
  await writeFile(at('text.iso'), 'not an image');
  await writeFile(at('zeros.iso'), Buffer.alloc(100_000));
  await writeFile(at('cut.iso'), sampleIso({ paddingSectors: 10 }).subarray(0, 20 * sectorBytes));
  await symlink('good.iso', at('link.iso'));
  await mkdir(at('directory.iso'));
  execFileSync('mkfifo', [at('pipe.iso')]);
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(at('socket.iso'), resolve));
  t.after(() => server.close());
  const table: readonly (readonly [string, RegExp, RegExp])[] = [
    [at('text.iso'), /not an ISO 9660 image/, /Give an ISO/],
    [at('zeros.iso'), /not an ISO 9660 image/, /Give an ISO/],
    [at('cut.iso'), /cut off: it has 40960 bytes, the volume in it 59392/, /again/],
    [at('link.iso'), /symbolic link/, /readlink -f/],
    [at('directory.iso'), /directory without a \.treeinfo/, /directory that holds/],
    [at('pipe.iso'), /a pipe/, /dd if=/],
    [at('socket.iso'), /a socket/, /dd if=/],
    ['/dev/null', /a device/, /dd if=/],
    [at('none.iso'), /no such file/, /host of pcloud-builder/],
    [at('text.iso/x.iso'), /no such file/, /host of pcloud-builder/],
  ];
  for (const [file, message, hint] of table)
    await assert.rejects(
      openIso(file),
      (error: { code?: string; category?: string; message: string; hint?: string }) => {
        assert.deepEqual([error.code, error.category], ['bad-medium', 'invalid'], file);
        assert.match(error.message, message);
        assert.match(error.hint ?? '', hint);
        return true;
      },
    );
});

test('a file that the builder may not read is refused with what to do', async (t) => {
  const { directory } = await world(t);
  const file = path.join(directory, 'x.iso');
  await writeFile(file, sampleIso());
  await chmod(file, 0);
  // Root may read everything, so for this moment we are nobody.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    await assert.rejects(openIso(file), { code: 'bad-medium', message: /may not read it/ });
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test('bytes of any kind are read as a volume or not, and never read beyond their end', () => {
  const good = sampleIso({ files: { '.treeinfo': 'x', 'b.txt': 'y' } });
  const descriptor = good.subarray(descriptorOffset, descriptorOffset + sectorBytes);
  const root = good.subarray(18 * sectorBytes, 19 * sectorBytes);
  const damage = fc.array(fc.tuple(fc.nat(sectorBytes - 1), fc.nat(255)), { maxLength: 30 });
  fc.assert(
    fc.property(damage, fc.nat(sectorBytes), (changes, length) => {
      const [changedDescriptor, changedRoot] = [Buffer.from(descriptor), Buffer.from(root)];
      for (const [at, value] of changes) {
        changedDescriptor[at] = value;
        changedRoot[at] = value;
      }
      parseVolume(changedDescriptor);
      parseVolume(changedDescriptor.subarray(0, length));
      for (const entry of parseDirectory(changedRoot.subarray(0, length)))
        assert.equal(typeof entry.name, 'string');
    }),
    { numRuns: 3000 },
  );
});
