/**
 * Makes the tree that both kinds of package hold: what `make install PREFIX=/usr` installs, with configuration and
 * documents, and everything in it the same whoever makes it, and when: modes, times, no debugging symbols.
 */
import {
  chmodSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { unitsAmong } from '../install/plan.ts';
import { installTree } from '../install/tree.ts';
import { copyrightFile } from './copyright.ts';
import { componentsOf } from './licences.ts';
import { type StagedEntry, configurationDirectory, enabledUnits, isLeftOut, packageName } from './plan.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const library = '/usr/lib/pacemaker-cloud';
export const documents = `/usr/share/doc/${packageName}`;

export type StageOptions = {
  /** An empty directory. */
  readonly root: string;
  /** Where the package's distribution has a Redis server. */
  readonly redisServer: string;
  /** Of every file, in seconds since 1970. */
  readonly epochSeconds: number;
};

/** @returns the units that are to be enabled */
export async function stage(options: StageOptions): Promise<readonly string[]> {
  const { root } = options;
  installTree({ destdir: root, prefix: '/usr', redisServer: options.redisServer });
  cpSync(path.join(checkout, 'packaging/etc'), path.join(root, configurationDirectory), { recursive: true });
  mkdirSync(path.join(root, documents), { recursive: true });
  const ours = readFileSync(path.join(checkout, 'packaging/debian/copyright'), 'utf8');
  writeFileSync(path.join(root, documents, 'copyright'), copyrightFile(ours, componentsOf(root, library)));
  writeZipped(path.join(root, documents, 'changelog.gz'), readFileSync(path.join(checkout, 'CHANGELOG.md')));
  for (const { path: file, kind } of entriesOf(root))
    if (kind === 'file' && /^\/usr\/share\/man\/.*\.\d$/.test(file)) zip(path.join(root, file));
  for (const { path: place } of entriesOf(root))
    if (isLeftOut(place)) rmSync(path.join(root, place), { recursive: true, force: true });
  // What can be debugged is the checkout; of the runtime alone, symbols are a tenth.
  const binaries = entriesOf(root).filter(({ path: file }) => /\.node$|\/libexec\/node$/.test(file));
  const argv = ['--enable-deterministic-archives', '--strip-unneeded'];
  await execa('strip', [...argv, ...binaries.map(({ path: file }) => path.join(root, file))], {
    timeout: 60_000,
  });
  normalise(root, options.epochSeconds);
  const systemd = path.join(root, 'usr/lib/systemd/system');
  return enabledUnits(
    unitsAmong(readdirSync(systemd)).map((name) => ({
      name,
      text: readFileSync(path.join(systemd, name), 'utf8'),
    })),
  );
}

/** gzip as Debian asks for it: best compression, neither name nor time inside. */
export function writeZipped(file: string, content: Uint8Array): void {
  writeFileSync(file, gzipSync(content, { level: 9 }));
}

function zip(file: string): void {
  writeZipped(`${file}.gz`, readFileSync(file));
  rmSync(file);
}

/** Everything below the root but the root itself and what dpkg-deb keeps in DEBIAN, sorted. No link is followed. */
export function entriesOf(root: string): readonly StagedEntry[] {
  const entries: StagedEntry[] = [];
  const visit = (directory: string): void => {
    for (const entry of readdirSync(path.join(root, directory), { withFileTypes: true })) {
      const name = path.join(directory, entry.name);
      const kind = entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'link' : 'file';
      if (name === '/DEBIAN') continue;
      entries.push({ path: name, kind });
      if (kind === 'directory') visit(name);
    }
  };
  visit('/');
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Programs stay programs; nobody's umask and no time of a checkout gets into a package. */
export function normalise(root: string, epochSeconds: number): void {
  for (const { path: name, kind } of [...entriesOf(root)].reverse()) {
    const file = path.join(root, name);
    if (kind === 'link') {
      lutimesSync(file, epochSeconds, epochSeconds);
      continue;
    }
    const isProgram = kind === 'directory' || ((lstatSync(file).mode & 0o100) !== 0 && isStarted(name));
    chmodSync(file, isProgram ? 0o755 : 0o644);
    utimesSync(file, epochSeconds, epochSeconds);
  }
  chmodSync(root, 0o755);
  utimesSync(root, epochSeconds, epochSeconds);
}

/** npm packages bring command lines of their own, which nobody can start here and no library is. */
function isStarted(file: string): boolean {
  return !file.includes('/node_modules/') && !/\.(?:node|so)$/.test(file);
}
