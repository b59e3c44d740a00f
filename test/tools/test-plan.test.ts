/** In which order test files run, and which beside one another. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { runBeside } from '../../tools/test/beside.ts';
import {
  besideCount,
  emulates,
  emulatingCount,
  filesOf,
  inOrder,
  nextFile,
  whatBothUse,
} from '../../tools/test/plan.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const real = filesOf(checkout, 'real');
const fileOf = (name: string): string => `test/integration/${name}.test.ts`;

test('every real file runs once, beside others or alone', () => {
  const { beside, alone } = inOrder(real);
  assert.deepEqual([...beside, ...alone].sort(), real);
});

test('what measures times runs alone', () => {
  const { alone } = inOrder(real);
  assert.deepEqual(alone, ['accelerator-probe', 'chaos', 'hypervisor-qemu'].map(fileOf));
});

test('files that share a place in the state directory do not run at once', () => {
  const groups: readonly (readonly string[])[] = [
    [
      'assemble-by-guest',
      'assemble-by-guest-failures',
      'bootstrap-reproducible',
      'guest-devices',
      'import',
      'packages',
    ],
    ['tutorial', 'operating', 'data-disks', 'networks', 'service-files', 'demo', 'page-stack'],
    ['install', 'install-failures', 'install-runs', 'media'],
    ['packages-systemd', 'service-files'],
  ];
  for (const names of groups)
    for (const name of names) {
      assert.ok(real.includes(fileOf(name)), name);
      for (const other of names) assert.notEqual(whatBothUse(fileOf(name), fileOf(other)), undefined);
    }
  assert.equal(whatBothUse(fileOf('make-install'), fileOf('install')), undefined);
  assert.equal(whatBothUse(fileOf('libvirt-networks'), fileOf('networks')), undefined);
});

test('whatever each takes, all run, three at a time, two with machines, and none beside one that it shares something with', async () => {
  const { beside } = inOrder(real);
  const takes = fc.array(fc.nat(20), { minLength: beside.length, maxLength: beside.length });
  await fc.assert(
    fc.asyncProperty(takes, async (turnsOf) => {
      const running = new Set<string>();
      const ended: string[] = [];
      let most = 0;
      await runBeside(beside, besideCount, nextFile, async (file) => {
        for (const other of running) assert.equal(whatBothUse(file, other), undefined, `${file} ${other}`);
        running.add(file);
        assert.ok([...running].filter(emulates).length <= emulatingCount, [...running].join(' '));
        most = Math.max(most, running.size);
        for (let turn = turnsOf[beside.indexOf(file)] ?? 0; turn > 0; turn -= 1) await Promise.resolve();
        running.delete(file);
        ended.push(file);
      });
      assert.deepEqual(ended.sort(), [...beside].sort());
      assert.equal(most, besideCount);
    }),
  );
});

test('a file that cannot be run ends it all, after its neighbour, and what nothing may run is told', async () => {
  const seen: string[] = [];
  const broken = runBeside(['a', 'b', 'c'], 2, nextFile, async (file) => {
    if (file === 'a') throw new Error('no node');
    for (let turn = 0; turn < 9; turn += 1) await Promise.resolve();
    seen.push(file);
  });
  await assert.rejects(broken, /no node/);
  assert.deepEqual(seen, ['b']);
  const nothing = runBeside(
    ['a', 'b'],
    2,
    () => undefined,
    async () => await Promise.resolve(),
  );
  await assert.rejects(nothing, /none may run, with nothing beside it: a, b/);
});
