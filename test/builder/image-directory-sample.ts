/**
 * An image directory made by hand, for tests of what reads or collects it: manifests that are right, disks that
 * are qcow2 headers with a backing file and nothing behind.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { createArtifactStore } from '../../builder/artifact-store.ts';
import type { ArtifactStore } from '../../builder/artifact-store.ts';
import type { Manifest } from '../../model/manifest.ts';
import { packagesFileName, renderSpdx } from '../../model/spdx.ts';
import { sampleJeosImage } from '../model/spdx-sample.ts';
import { sampleManifest } from './sample-manifest.ts';

export type SampleDirectory = {
  readonly stateDirectory: string;
  readonly imageDirectory: string;
  readonly store: ArtifactStore;
  /** Puts an image there, with a package list; `digit` is what its digest is made of. */
  put(digit: string, fields?: Partial<Manifest>): Promise<string>;
  /** Gives an assembly a disk on that image. */
  putDisk(assembly: string, digest: string, name?: string): Promise<void>;
};

/** The first bytes of a qcow2 disk that stands on that file (qcow2.txt, "Header"). */
export function qcow2Header(backingFile: string | undefined): Buffer {
  const header = Buffer.alloc(512);
  header.writeUInt32BE(0x514649fb, 0);
  header.writeUInt32BE(3, 4);
  if (backingFile === undefined) return header;
  header.writeBigUInt64BE(112n, 8);
  header.writeUInt32BE(header.write(backingFile, 112), 16);
  return header;
}

export async function sampleDirectory(t: TestContext): Promise<SampleDirectory> {
  const stateDirectory = await mkdtemp(path.join(os.tmpdir(), 'pcloud-images-'));
  t.after(async () => await rm(stateDirectory, { recursive: true, force: true }));
  const imageDirectory = path.join(stateDirectory, 'images');
  await mkdir(imageDirectory);
  return {
    stateDirectory,
    imageDirectory,
    store: createArtifactStore(imageDirectory),
    put: async (digit, fields = {}) => {
      const digest = digit.repeat(64).slice(0, 64);
      const directory = path.join(imageDirectory, digest);
      await mkdir(directory);
      const parent = fields.parentDigest ?? undefined;
      const disk = qcow2Header(parent === undefined ? undefined : `../${parent}/disk.qcow2`);
      await writeFile(path.join(directory, 'disk.qcow2'), disk);
      await writeFile(path.join(directory, packagesFileName), renderSpdx(sampleJeosImage));
      const manifest: Manifest = {
        ...sampleManifest,
        digest,
        kind: parent === undefined ? 'jeos' : 'assembly',
        method: parent === undefined ? null : 'tree',
        ...fields,
      };
      await writeFile(path.join(directory, 'manifest.json'), JSON.stringify(manifest));
      return digest;
    },
    putDisk: async (assembly, digest, name = 'disk.qcow2') => {
      const directory = path.join(stateDirectory, 'assemblies', assembly);
      await mkdir(directory, { recursive: true });
      await writeFile(
        path.join(directory, name),
        qcow2Header(path.join(imageDirectory, digest, 'disk.qcow2')),
      );
    },
  };
}
