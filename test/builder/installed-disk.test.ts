/** Files read out of real small disks, partitioned as installers partition them. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { partitionOffsets, readFromDisk } from '../../builder/installed-disk.ts';

const mebibyte = 1024 * 1024;
const nonce = '0123456789abcdef'.repeat(4);
const noncePath = '/etc/pacemaker-cloud/build-nonce';
const biosBoot = '21686148-6449-6E6F-744E-656564454649';

let place: string;
let rootTree: string;

before(async () => {
  place = await mkdtemp(path.join(os.tmpdir(), 'pcloud-disks-'));
  rootTree = path.join(place, 'root');
  const own = path.join(rootTree, 'etc/pacemaker-cloud');
  await mkdir(own, { recursive: true });
  await writeFile(path.join(own, 'build-nonce'), `${nonce}\n`);
  await writeFile(path.join(own, 'packages.tsv'), 'bash\t5.2\tx86_64\nzlib\t1.3\tx86_64\n');
  await writeFile(path.join(own, 'empty'), '');
  await writeFile(path.join(own, 'large'), 'x'.repeat(5 * mebibyte));
  await symlink('/etc/passwd', path.join(own, 'link'));
});

after(async () => await rm(place, { recursive: true, force: true }));

/** A raw disk with this table (sfdisk(8); null is none) and file systems at these offsets in MiB. */
async function makeDisk(
  name: string,
  table: string | null,
  fileSystems: readonly { readonly atMiB: number; readonly type: string; readonly tree?: string }[],
): Promise<string> {
  const disk = path.join(place, `${name}.raw`);
  await writeFile(disk, '');
  await truncate(disk, 48 * mebibyte);
  if (table !== null) await execa('sfdisk', ['--quiet', disk], { input: table });
  for (const { atMiB, type, tree } of fileSystems) {
    const from = tree === undefined ? [] : ['-d', tree];
    await execa('mke2fs', ['-q', '-F', '-t', type, '-E', `offset=${atMiB * mebibyte}`, ...from, disk, '14M']);
  }
  return disk;
}

test('a file is read off an MBR disk, from the partition that has it and not from /boot before it', async () => {
  const disk = await makeDisk(
    'mbr',
    'label: dos\nstart=1MiB, size=15MiB, bootable\nstart=16MiB, size=16MiB\n',
    [
      { atMiB: 1, type: 'ext2' },
      { atMiB: 16, type: 'ext4', tree: rootTree },
    ],
  );
  assert.deepEqual(await partitionOffsets(disk), [mebibyte, 16 * mebibyte]);
  assert.equal(await readFromDisk(disk, noncePath), `${nonce}\n`);
  assert.equal(await readFromDisk(disk, '/etc/pacemaker-cloud/empty'), '');
});

test("a file is read off a GPT disk as Fedora 16 makes it, whose first partition is the boot loader's", async () => {
  const table = `label: gpt\nstart=1MiB, size=1MiB, type=${biosBoot}\nstart=2MiB, size=8MiB, type=S\nstart=16MiB, size=16MiB\n`;
  const disk = await makeDisk('gpt', table, [{ atMiB: 16, type: 'ext4', tree: rootTree }]);
  assert.deepEqual(await partitionOffsets(disk), [mebibyte, 2 * mebibyte, 16 * mebibyte]);
  assert.equal(await readFromDisk(disk, noncePath), `${nonce}\n`);
  assert.match(
    (await readFromDisk(disk, '/etc/pacemaker-cloud/packages.tsv')) ?? '',
    /^bash\t.*\nzlib\t.*\n$/,
  );
});

test('a disk without a table is one file system', async () => {
  const disk = await makeDisk('whole', null, [{ atMiB: 0, type: 'ext3', tree: rootTree }]);
  assert.deepEqual(await partitionOffsets(disk), [0]);
  assert.equal(await readFromDisk(disk, noncePath), `${nonce}\n`);
});

test('a disk that an install left empty, half-made or full of nonsense holds nothing', async () => {
  const disks = [
    await makeDisk('blank', null, []),
    await makeDisk('no-partitions', 'label: gpt\n', []),
    await makeDisk('unformatted', 'label: dos\nstart=1MiB, size=15MiB\n', []),
    await makeDisk('not-reached', 'label: dos\nstart=1MiB, size=15MiB\n', [{ atMiB: 1, type: 'ext4' }]),
  ];
  const nonsense = path.join(place, 'nonsense.raw');
  await writeFile(nonsense, Buffer.alloc(mebibyte, 'nonsense'));
  for (const disk of [...disks, nonsense, path.join(place, 'absent.raw')])
    assert.equal(await readFromDisk(disk, noncePath), undefined, disk);
});

test('what a guest put in the place of the file is not followed out of its disk, nor read without end', async () => {
  const disk = await makeDisk('hostile', null, [{ atMiB: 0, type: 'ext4', tree: rootTree }]);
  assert.doesNotMatch((await readFromDisk(disk, '/etc/pacemaker-cloud/link')) ?? '', /root:/);
  assert.equal(await readFromDisk(disk, '/etc/pacemaker-cloud/large'), undefined);
});

test('a path that debugfs would read as more than one word is refused', async () => {
  for (const file of ['etc/x', '/etc/a b', '/a"b', '/a\nquit', '/', '', '/a//b', '/a/$(b)'])
    await assert.rejects(readFromDisk('/none', file), RangeError, file);
});
