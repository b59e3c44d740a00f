/**
 * A Debian tree with everything that our package depends on and nothing of the package itself: the JEOS's file tree
 * with the packages laid over it by mmdebstrap from this host's archive, as the builder makes an assembly's image.
 * It is made once, and kept as a tar in the tests' state directory.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { inspectArchive } from '../../builder/archive.ts';
import { noPadding } from '../../builder/engines/bootstrap-steps.ts';
import type { Artifact } from '../../catalogue/image-directory.ts';
import { findRelease, loadReleases } from '../../catalogue/releases.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const limitMs = 8 * 60_000;

/** What the JEOS leaves out of packages, it would leave out of ours as well. */
const jeosExcludes = 'etc/dpkg/dpkg.cfg.d/99mmdebstrap';

/** @returns the tar's path */
export async function treeWith(jeos: Artifact, packages: readonly string[]): Promise<string> {
  const state = path.join(
    process.env['PCLOUD_TEST_STATE'] ?? path.join(checkout, '.pcloud/test'),
    'package-tree',
  );
  await mkdir(state, { recursive: true });
  const key = createHash('sha256')
    .update([jeos.digest, ...packages].join('\n'))
    .digest('hex')
    .slice(0, 16);
  const kept = path.join(state, `${key}.tar`);
  if (existsSync(kept)) return kept;
  const release = findRelease(await loadReleases(path.join(checkout, 'templates')), 'debian12');
  assert.ok('bootstrap' in release);
  const { sources } = await inspectArchive(release, {
    cacheDirectory: path.join(state, 'archive'),
    sourcesPath: undefined,
    timeoutMs: 60_000,
  });
  const work = await mkdtemp(path.join(state, 'work-'));
  try {
    const base = path.join(work, 'base.tar');
    await execa('zstd', ['-q', '-d', path.join(jeos.directory, 'root.tar.zst'), '-o', base]);
    await execa('chmod', ['u+w', base]);
    await execa('tar', [noPadding, '--delete', '--wildcards', '-f', base, './dev/*']);
    const made = path.join(work, 'root.tar');
    const argv = [
      'unshare --mount --propagation private -- mmdebstrap --mode=root --variant=custom --format=tar'.split(
        ' ',
      ),
      ['--architectures=amd64', `--include=${packages.join(',')}`, '--dpkgopt=force-unsafe-io'],
      [`--setup-hook=tar-in ${base} /`, `--setup-hook=rm -f "$1/${jeosExcludes}"`, '', made, '-'],
    ].flat();
    await execa('env', argv, { input: sources, timeout: limitMs, env: { TMPDIR: work, LC_ALL: 'C.UTF-8' } });
    // One of an older JEOS is of no use any more.
    for (const name of await readdir(state)) if (name.endsWith('.tar')) await rm(path.join(state, name));
    await rename(made, kept);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return kept;
}

/** Unpacks it below the directory, without what the JEOS keeps in the directory of our settings: that is the package's. */
export async function unpackTree(tar: string, root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  await execa(
    'tar',
    ['-C', root, '--numeric-owner', '-p', '-xf', tar, '--exclude=./dev/*', '--exclude=./etc/pacemaker-cloud'],
    {
      timeout: limitMs,
    },
  );
}

/** The names in the package's Depends, without versions: what a machine has before the package comes. */
export async function dependsOfPackage(): Promise<readonly string[]> {
  const control = await readFile(path.join(checkout, 'packaging/debian/control'), 'utf8');
  const depends = /^Depends: (.*)$/m.exec(control)?.[1] ?? '';
  return depends.split(',').map((one) => one.trim().split(/[\s(|]/)[0] ?? '');
}
