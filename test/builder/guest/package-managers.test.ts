import assert from 'node:assert/strict';
import test from 'node:test';
import {
  cleanCommand,
  inBatches,
  installCommand,
  listCommand,
  packageEnvironment,
  packageManagers,
  progressReader,
  refreshCommand,
  troubleOf,
} from '../../../builder/guest/package-managers.ts';
import { encodeHostMessage } from '../../../model/guest-codec.ts';

test('every command of every package manager fits into a line of the guest link, with the longest names', () => {
  const longest = Array.from({ length: 45 }, (_, at) => `${at}`.padEnd(128, '+'));
  for (const manager of packageManagers) {
    const installs = inBatches(longest).map((batch) => installCommand(manager, batch));
    for (const argv of [refreshCommand(manager), cleanCommand(manager), listCommand(manager), ...installs])
      encodeHostMessage({
        kind: 'run',
        id: 2 ** 31 - 1,
        timeoutMs: 3_600_000,
        arguments: argv,
        environment: packageEnvironment,
      });
  }
});

test('names are split into batches in order, none lost and none twice', () => {
  const names = Array.from({ length: 50 }, (_, at) => `package-${at}`);
  const batches = inBatches(names);
  assert.deepEqual(batches.flat(), names);
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [20, 20, 10],
  );
  assert.deepEqual(inBatches([]), []);
});

const troubles: readonly (readonly [line: string, kind: string | undefined, name?: string])[] = [
  ['E: Unable to locate package no-such-thing', 'package-missing', 'no-such-thing'],
  ["E: Package 'gone' has no installation candidate", 'package-missing', 'gone'],
  ["E: Couldn't find any package by glob 'lib++'", 'package-missing', 'lib++'],
  ['No package no-such-thing available.', 'package-missing', 'no-such-thing'],
  ['\u001b[1mNo match for argument: \u001b[1mno-such-thing\u001b(B', 'package-missing', 'no-such-thing'],
  ['Error: Unable to find a match: no-such-thing', 'package-missing', 'no-such-thing'],
  ["  Temporary failure resolving 'archive.example'", 'archive-unreachable'],
  [
    'E: Failed to fetch http://archive.example/x.deb  404  Not Found [IP: 192.0.2.1 80]',
    'archive-unreachable',
  ],
  ['Error: Cannot retrieve repository metadata (repomd.xml) for repository: base.', 'archive-unreachable'],
  ['[Errno 14] PYCURL ERROR 6 - "Could not resolve host"', 'archive-unreachable'],
  ["Error: Failed to download metadata for repo 'fedora'", 'archive-unreachable'],
  ['Setting up package-missing (1.0) ...', undefined],
  ['Reading package lists...', undefined],
];
for (const [line, kind, name] of troubles) {
  test(`"${line.trim().slice(0, 60)}" means ${kind ?? 'nothing bad'}`, () => {
    const trouble = troubleOf(line);
    assert.equal(trouble?.kind, kind);
    if (trouble?.kind === 'package-missing') assert.equal(trouble.name, name);
  });
}

test("apt's lines tell how far an installation is", () => {
  const read = progressReader('apt');
  assert.equal(read('Unpacking early (1) ...'), undefined);
  assert.equal(read('0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.'), undefined);
  const lines = [
    'Unpacking a (1) ...',
    'Unpacking b (1) ...',
    'Setting up a (1) ...',
    'Setting up b (1) ...',
  ];
  assert.deepEqual(lines.map(read), [0.25, 0.5, 0.75, 1]);
  assert.equal(read('Setting up c (1) ...'), 1);
});

test("yum's and dnf's lines tell how far an installation is", () => {
  for (const manager of ['yum', 'dnf'] as const) {
    const read = progressReader(manager);
    assert.equal(read('  Installing : apr-1.3.9-5.el6_9.1.x86_64                    1/4 '), 0.25);
    assert.equal(read('(2/4): httpd-2.2.15.rpm            | 830 kB     00:00'), undefined);
    assert.equal(read('something 1/0'), undefined);
  }
});
