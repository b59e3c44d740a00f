/** What a newcomer types first: every target is listed, and the tables that bootstrap reads are well formed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';

const checkout = path.resolve(import.meta.dirname, '../..');

function read(file: string): string {
  return readFileSync(path.join(checkout, file), 'utf8');
}

function rowsOf(file: string): readonly (readonly string[])[] {
  return read(file)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/));
}

test('make help lists every target with what it does', async () => {
  const { stdout } = await execa('make', ['--no-print-directory', '-C', checkout, 'help'], {
    env: { MAKEFLAGS: undefined, MAKELEVEL: undefined },
  });
  const targets = (/^\.PHONY: (.*)$/m.exec(read('Makefile'))?.[1] ?? '').split(' ');
  assert.ok(targets.length > 10);
  for (const target of targets) assert.match(stdout, new RegExp(`^  make ${target} +\\S`, 'm'));
});

test('every package has a name on both families, or a dash, and a reason', () => {
  for (const row of rowsOf('tools/packages.txt')) {
    assert.ok(row.length >= 3, row.join(' '));
    for (const name of row.slice(0, 2)) assert.match(name, /^(?:-|[a-z0-9][a-z0-9+.-]*)$/, row.join(' '));
  }
});

test('no package is asked for that would start a service of the whole machine', () => {
  const names = rowsOf('tools/packages.txt').map((row) => row[0]);
  for (const name of ['redis-server', 'libvirt-daemon-system', 'libvirt-daemon-system-systemd']) {
    assert.ok(!names.includes(name), name);
  }
});

test('the Node that bootstrap fetches is pinned by version and checksum', () => {
  for (const [spec = '', machine = '', sha512 = ''] of rowsOf('tools/node.txt')) {
    assert.match(spec, /^node-linux-[a-z0-9]+@24\.\d+\.\d+$/);
    assert.match(machine, /^[a-z0-9_]+$/);
    assert.match(sha512, /^[0-9a-f]{128}$/);
  }
});

test('an unprivileged user who lacks packages gets the one command that installs them', async () => {
  // A query tool that knows no package stands for a machine that has none.
  const result = await execa(
    'bash',
    [
      '-c',
      'PATH="$1:$PATH" exec "$2" --packages-only',
      'bash',
      path.join(import.meta.dirname, 'fixtures/bare-machine'),
      path.join(checkout, 'tools/bootstrap'),
    ],
    { reject: false },
  );
  assert.equal(result.exitCode, 1);
  assert.match(result.stderr, /^ {2}sudo apt-get install --no-install-recommends -y \S.* mmdebstrap .*\S$/m);
});

test('continuous integration gets its count as the last line, and a failure, even when no test ran', async () => {
  const bareMachine = path.join(import.meta.dirname, 'fixtures/bare-machine');
  const result = await execa(path.join(checkout, '.ci/run'), [], {
    env: { PATH: `${bareMachine}:${process.env['PATH'] ?? ''}` },
    reject: false,
  });
  assert.equal(result.exitCode, 2);
  assert.equal(result.stdout.trimEnd().split('\n').at(-1), '0 passed, 1 failed, 0 skipped');
});
