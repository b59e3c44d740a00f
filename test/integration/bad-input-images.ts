/**
 * An image directory made in a moment for tests of bad input: one JEOS and one httpd image that can be started
 * (their disks are blank: a machine runs, no guest answers), and a JEOS for each way in which an image can be
 * unusable, under a release's name of its own. No build is needed, so none is waited for.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { jeosName, namesTableFile, renderNamesTable } from '../../catalogue/names-table.ts';

export type SampleImages = {
  /** Starts; has no package of any resource template. */
  readonly jeos: string;
  /** Starts; an overlay on the JEOS that says it has apache2. */
  readonly httpd: string;
};

type Facts = Readonly<Record<string, unknown>> & { readonly release: string };

/** A digest that a person recognises in a message: the title's own checksum. */
function digestOf(title: string): string {
  return createHash('sha256').update(title).digest('hex');
}

function writeImage(imageDirectory: string, title: string, facts: Facts, backing?: string): string {
  const digest = digestOf(title);
  const directory = path.join(imageDirectory, digest);
  mkdirSync(directory, { recursive: true });
  const disk = path.join(directory, 'disk.qcow2');
  const over = backing === undefined ? [] : ['-b', `../${backing}/disk.qcow2`, '-F', 'qcow2'];
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...over, disk, '64M']);
  const content = readFileSync(disk);
  const manifest = {
    manifestVersion: 1,
    digest,
    kind: backing === undefined ? 'jeos' : 'assembly',
    family: 'debian',
    architecture: 'x86_64',
    init: 'systemd',
    parentDigest: backing ?? null,
    templates: [],
    packages: ['base-files'],
    disk: {
      file: 'disk.qcow2',
      sha256: createHash('sha256').update(content).digest('hex'),
      sizeBytes: statSync(disk).size,
      virtualSizeBytes: 64 * 1024 * 1024,
    },
    kernel: null,
    machine: 'pc',
    memoryMiB: 64,
    agentVersion: '0.1.0',
    engine: 'test',
    builderVersion: '0.1.0',
    createdAt: '2026-01-01T00:00:00.000Z',
    buildDurationMs: 1,
    ...facts,
  };
  writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify(manifest));
  return digest;
}

/** Cuts a manifest in the middle, as a full disk or a pulled plug would have. */
function truncateManifest(imageDirectory: string, digest: string): void {
  const file = path.join(imageDirectory, digest, 'manifest.json');
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 200));
}

/** Changes the disk's last byte, so that only its checksum tells. */
export function damageDisk(imageDirectory: string, digest: string): void {
  const file = path.join(imageDirectory, digest, 'disk.qcow2');
  const content = readFileSync(file);
  content[content.length - 1] = (content.at(-1) ?? 0) ^ 0xff;
  writeFileSync(file, content);
}

/**
 * debian12 is good; F15's manifest is truncated, F16's is of a newer version, RHEL6's disk does not match its
 * sha256. F14 is not there at all.
 */
export function writeSampleImages(imageDirectory: string): SampleImages {
  const jeos = writeImage(imageDirectory, 'jeos debian12', { release: 'debian12' });
  const httpd = writeImage(
    imageDirectory,
    'debian12 with httpd',
    { release: 'debian12', templates: ['httpd'], packages: ['apache2', 'base-files'] },
    jeos,
  );
  const fedora = { family: 'fedora', init: 'sysv' };
  const truncated = writeImage(imageDirectory, 'jeos F15', { ...fedora, release: 'F15' });
  truncateManifest(imageDirectory, truncated);
  const newer = writeImage(imageDirectory, 'jeos F16', { ...fedora, release: 'F16', manifestVersion: 99 });
  const changed = writeImage(imageDirectory, 'jeos RHEL6', {
    release: 'RHEL6',
    family: 'rhel',
    init: 'sysv',
  });
  damageDisk(imageDirectory, changed);
  const names = new Map([
    [jeosName('debian12', 'x86_64'), jeos],
    [jeosName('F15', 'x86_64'), truncated],
    [jeosName('F16', 'x86_64'), newer],
    [jeosName('RHEL6', 'x86_64'), changed],
  ]);
  writeFileSync(path.join(imageDirectory, namesTableFile), renderNamesTable(names));
  return { jeos, httpd };
}
