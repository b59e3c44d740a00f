/**
 * Makes the .rpm: the staged tree, packed by rpmbuild as `packaging/rpm/pacemaker-cloud.spec` says. It works on any
 * machine that has rpmbuild, Debian's included.
 */
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { PcloudError } from '../../model/errors.ts';
import { version } from '../../service/version.ts';
import type { BuildFacts } from './facts.ts';
import { rpmFiles } from './plan.ts';
import { entriesOf, stage } from './stage.ts';

const spec = path.resolve(import.meta.dirname, '../../packaging/rpm/pacemaker-cloud.spec');

const redisServer = '/usr/bin/redis-server';

const limitMs = 10 * 60_000;

/**
 * @param work an empty directory that is the caller's to remove
 * @param output the directory for the package
 * @returns the package's path
 */
export async function makeRpm(facts: BuildFacts, work: string, output: string): Promise<string> {
  const root = path.join(work, 'root');
  mkdirSync(root, { recursive: true });
  const units = await stage({ root, redisServer, epochSeconds: facts.epochSeconds });
  const files = path.join(work, 'files');
  writeFileSync(files, `${rpmFiles(entriesOf(root)).join('\n')}\n`);
  const defines = {
    _topdir: path.join(work, 'rpmbuild'),
    pcloud_version: version,
    pcloud_stage: root,
    pcloud_files: files,
    pcloud_units: units.join(' '),
    pcloud_glibc: facts.glibcVersion,
  };
  const result = await execa(
    'rpmbuild',
    [
      ...Object.entries(defines).flatMap(([name, value]) => ['--define', `${name} ${value}`]),
      '--target',
      `${facts.architecture.rpm}-linux`,
      '-bb',
      spec,
    ],
    {
      env: { SOURCE_DATE_EPOCH: String(facts.epochSeconds), LC_ALL: 'C.UTF-8' },
      timeout: limitMs,
      reject: false,
    },
  );
  const made = path.join(work, 'rpmbuild/RPMS', facts.architecture.rpm);
  const [name] = result.exitCode === 0 ? readdirSync(made) : [];
  if (name === undefined) {
    throw new PcloudError({
      code: 'rpmbuild-failed',
      category: 'failed',
      message: `rpmbuild made no package: ${result.stderr.trim().slice(-1000) || (result.originalMessage ?? '')}`,
      hint: 'rpmbuild belongs to the package rpm (Debian) or rpm-build (Fedora).',
    });
  }
  copyFileSync(path.join(made, name), path.join(output, name));
  return path.join(output, name);
}
