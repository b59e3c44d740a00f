import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import {
  findImage,
  readArtifact,
  readImageDirectory,
  sha256OfFile,
  verifyDisk,
} from '../../catalogue/image-directory.ts';
import { jeosName, parseNamesTable, renderNamesTable } from '../../catalogue/names-table.ts';
import type { Requirement } from '../../model/definition.ts';
import type { Manifest, TemplateNeeds } from '../../model/manifest.ts';
import { sampleManifest } from '../builder/sample-manifest.ts';

const content = 'disk!';
const disk = { ...sampleManifest.disk, sha256: createHash('sha256').update(content).digest('hex') };

async function withImages(
  manifests: readonly Manifest[],
  act: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'pcloud-images-'));
  try {
    for (const manifest of manifests) {
      const own = path.join(directory, manifest.digest);
      await mkdir(own);
      await writeFile(path.join(own, 'manifest.json'), JSON.stringify(manifest));
      await writeFile(path.join(own, 'disk.qcow2'), content);
    }
    const names = new Map([[jeosName('debian12', 'x86_64'), sampleManifest.digest]]);
    await writeFile(path.join(directory, 'names.json'), renderNamesTable(names));
    await act(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

const jeos: Manifest = { ...sampleManifest, packages: ['udev'], disk };
const httpd: Manifest = {
  ...jeos,
  digest: 'c'.repeat(64),
  kind: 'assembly',
  parentDigest: jeos.digest,
  templates: ['httpd'],
  packages: ['apache2', 'udev'],
};
const onOlderJeos: Manifest = { ...httpd, digest: 'd'.repeat(64), parentDigest: 'e'.repeat(64) };
const needsOf = (template: string): TemplateNeeds | undefined =>
  template === 'httpd' ? { packages: ['apache2'] } : undefined;

test('an assembly gets the image with its packages on the named JEOS, one without resources the JEOS itself', async () => {
  await withImages([jeos, httpd, onOlderJeos], async (directory) => {
    const images = await readImageDirectory(directory);
    const find = (templates: string[]): string | undefined =>
      findImage(images, { release: 'debian12', architecture: 'x86_64', templates }, needsOf)?.digest;
    assert.equal(find([]), jeos.digest);
    assert.equal(find(['httpd']), httpd.digest);
    assert.equal(find(['mysqld']), undefined);
  });
});

test('a directory that is not there holds nothing', async () => {
  const images = await readImageDirectory('/nonexistent/images');
  assert.deepEqual([images.artifacts, images.damaged, images.names.size], [[], [], 0]);
});

test('a damaged image is reported and does not hide the others', async () => {
  await withImages([jeos, httpd], async (directory) => {
    await writeFile(path.join(directory, httpd.digest, 'manifest.json'), '{"manifestVersion":1,');
    const images = await readImageDirectory(directory);
    assert.deepEqual(
      images.artifacts.map((one) => one.digest),
      [jeos.digest],
    );
    assert.deepEqual(
      images.damaged.map((one) => [one.digest, one.error.code]),
      [[httpd.digest, 'manifest-damaged']],
    );
  });
});

test('a disk whose bytes changed is refused, and so is one of another length', async () => {
  await withImages([jeos], async (directory) => {
    const artifact = await readArtifact(directory, jeos.digest);
    assert.ok(artifact !== undefined);
    await verifyDisk(artifact);
    await writeFile(artifact.diskPath, 'disk?');
    await assert.rejects(verifyDisk(artifact), { code: 'disk-damaged', hint: /jeos_create debian12 x86_64/ });
    await writeFile(artifact.diskPath, 'disk');
    await assert.rejects(verifyDisk(artifact), { code: 'disk-damaged', message: /4 bytes instead of 5/ });
  });
});

test('the names table comes back as it was written, and a damaged one names its file', () => {
  const names = new Map([
    ['jeos b x86_64', 'b'.repeat(64)],
    ['jeos a x86_64', 'a'.repeat(64)],
  ]);
  assert.deepEqual(new Map(parseNamesTable(renderNamesTable(names), 'names.json')), names);
  for (const text of ['{', '{"namesVersion":2,"names":{}}', '{"namesVersion":1,"names":{"x":"../.."}}'])
    assert.throws(() => parseNamesTable(text, '/images/names.json'), {
      code: 'names-damaged',
      message: /\/images\/names\.json/,
    });
});

test('what stands in the place of a table or a manifest is told, and never waited for', async () => {
  await withImages([jeos], async (directory) => {
    const manifest = path.join(directory, jeos.digest, 'manifest.json');
    await rm(manifest);
    execFileSync('mkfifo', [manifest]);
    const [damaged] = (await readImageDirectory(directory)).damaged;
    assert.match(damaged?.error.message ?? '', /manifest\.json cannot be read: it is not a regular file/);
    const table = path.join(directory, 'names.json');
    const replacements: readonly (readonly [() => Promise<unknown>, RegExp])[] = [
      [async () => execFileSync('mkfifo', [table]), /it is not a regular file/],
      [async () => await mkdir(table), /it is not a regular file/],
      [async () => await symlink('names.json', table), /ELOOP/],
      [async () => await writeFile(table, ' '.repeat(2 * 1024 * 1024)), /2097152 bytes, the limit is/],
    ];
    for (const [replace, message] of replacements) {
      await rm(table, { recursive: true });
      await replace();
      await assert.rejects(readImageDirectory(directory), {
        code: 'names-damaged',
        message,
        hint: /Move it away/,
      });
    }
  });
});

const byGuest: Manifest = { ...httpd, digest: '1'.repeat(64), method: 'guest' };
const byTree: Manifest = { ...httpd, digest: '2'.repeat(64), method: 'tree' };
const byInstall: Manifest = { ...httpd, digest: '3'.repeat(64), parentDigest: null, method: 'install' };
const newer = '2026-02-01T00:00:00.000Z';
type Found = (templates: readonly string[], method?: Manifest['method']) => string | undefined;

async function finding(manifests: readonly Manifest[], act: (find: Found) => void): Promise<void> {
  await withImages(manifests, async (directory) => {
    const images = await readImageDirectory(directory);
    act((templates, method) => {
      const wanted: Requirement = { release: 'debian12', architecture: 'x86_64', templates: [...templates] };
      return findImage(images, wanted, needsOf, method)?.digest;
    });
  });
}

test('where a way of making it is asked for, only an image that was made so will do', async () => {
  await finding([jeos, byGuest, byTree, byInstall], (find) => {
    assert.equal(find(['httpd'], 'guest'), byGuest.digest);
    assert.equal(find(['httpd'], 'tree'), byTree.digest);
    assert.equal(find(['httpd'], 'install'), byInstall.digest);
  });
  await finding([jeos, byTree], (find) => {
    assert.equal(find(['httpd'], 'install'), undefined);
    assert.equal(find(['httpd']), byTree.digest);
  });
});

test('an assembly that was installed by itself needs no JEOS, and is none', async () => {
  await finding([byInstall], (find) => {
    assert.equal(find(['httpd']), byInstall.digest);
    assert.equal(find([]), undefined);
    assert.equal(find(['mysqld']), undefined);
  });
  await finding(
    [
      { ...byInstall, release: 'F14' },
      { ...byInstall, digest: '4'.repeat(64), templates: [] },
    ],
    (find) => assert.equal(find(['mysqld']), undefined),
  );
});

test('an image of another release is never taken, however it was made', async () => {
  await finding([{ ...byInstall, release: 'F14' }], (find) => assert.equal(find(['httpd']), undefined));
});

test('the newest of those with the fewest templates is taken, installed or on the JEOS', async () => {
  await finding([jeos, byTree, { ...byInstall, createdAt: newer }], (find) =>
    assert.equal(find(['httpd']), byInstall.digest),
  );
  await finding([jeos, byTree, { ...byInstall, createdAt: newer, templates: ['httpd', 'sshd'] }], (find) =>
    assert.equal(find(['httpd']), byTree.digest),
  );
});

test('the checksum of a file is that of its whole content, whatever its length', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'pcloud-hash-'));
  const mebibyte = 1024 * 1024;
  try {
    for (const length of [0, 1, mebibyte, 2 * mebibyte + 7]) {
      const bytes = Buffer.alloc(length, 'no two chunks of this are alike');
      const file = path.join(directory, `file-${length}`);
      await writeFile(file, bytes);
      assert.equal(await sha256OfFile(file), createHash('sha256').update(bytes).digest('hex'));
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});
