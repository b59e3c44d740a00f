/**
 * Makes the .deb: the staged tree with Debian's control files (deb-control(5)), packed by dpkg-deb. The control
 * files' texts stand in `packaging/debian/`.
 */
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import type { BuildFacts } from './facts.ts';
import { conffiles, fill, md5sums, newestChange, packageName } from './plan.ts';
import { documents, entriesOf, normalise, stage, writeZipped } from './stage.ts';

const packaging = path.resolve(import.meta.dirname, '../../packaging/debian');

/** Of redis-tools: the one binary is the server, the name that it is started by decides. */
const redisServer = '/usr/bin/redis-check-rdb';

const limitMs = 10 * 60_000;

/**
 * @param work an empty directory that is the caller's to remove
 * @param output the directory for the package
 * @returns the package's path
 */
export async function makeDeb(facts: BuildFacts, work: string, output: string): Promise<string> {
  const root = path.join(work, 'root');
  mkdirSync(root, { recursive: true });
  const units = await stage({ root, redisServer, epochSeconds: facts.epochSeconds });
  const read = (name: string): string => readFileSync(path.join(packaging, name), 'utf8');
  const { version, maintainer } = newestChange(read('changelog'));
  writeZipped(
    path.join(root, documents, 'changelog.Debian.gz'),
    readFileSync(path.join(packaging, 'changelog')),
  );
  const overrides = path.join(root, 'usr/share/lintian/overrides', packageName);
  mkdirSync(path.dirname(overrides), { recursive: true });
  cpSync(path.join(packaging, 'lintian-overrides'), overrides);
  normalise(root, facts.epochSeconds);

  const entries = entriesOf(root);
  const files = entries.filter(({ kind }) => kind === 'file');
  const control = path.join(root, 'DEBIAN');
  mkdirSync(control);
  const write = (name: string, text: string): void => writeFileSync(path.join(control, name), text);
  const installedSizeKiB = files.reduce(
    (sum, file) => sum + Math.ceil(sizeOf(root, file.path) / 1024),
    entries.length,
  );
  write(
    'control',
    fill(read('control'), {
      version,
      maintainer,
      architecture: facts.architecture.debian,
      glibcVersion: facts.glibcVersion,
      installedSizeKiB: String(installedSizeKiB),
    }),
  );
  write(
    'conffiles',
    conffiles(entries)
      .map((file) => `${file}\n`)
      .join(''),
  );
  write('md5sums', md5sums(files.map((file) => ({ path: file.path, md5: md5Of(root, file.path) }))));
  for (const script of ['postinst', 'prerm', 'postrm']) {
    write(script, fill(read(script), { units: units.join(' ') }));
    chmodSync(path.join(control, script), 0o755);
  }
  const file = path.join(output, `${packageName}_${version}_${facts.architecture.debian}.deb`);
  // zstd: xz takes twenty times as long and saves a fifth, and every dpkg that can run this reads it (ADR 8).
  await execa(
    'dpkg-deb',
    ['--root-owner-group', '--no-uniform-compression', '-Zzstd', '-z9', '--build', root, file],
    {
      env: { SOURCE_DATE_EPOCH: String(facts.epochSeconds) },
      timeout: limitMs,
    },
  );
  return file;
}

function sizeOf(root: string, file: string): number {
  return lstatSync(path.join(root, file)).size;
}

function md5Of(root: string, file: string): string {
  return createHash('md5')
    .update(readFileSync(path.join(root, file)))
    .digest('hex');
}
