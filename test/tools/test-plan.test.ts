/** In which order test files run, and which beside one another. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { filesOf, inLanes, lanes } from '../../tools/test/plan.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const real = filesOf(checkout, 'real');

test('every real file runs once, beside others or alone', () => {
  const { beside, alone } = inLanes(real);
  assert.deepEqual([...beside.flat(), ...alone].sort(), real);
  assert.equal(beside.length, lanes.length);
  for (const lane of beside) assert.ok(lane.length > 1, lane.join(' '));
});

test('what measures times runs alone', () => {
  const { alone } = inLanes(real);
  for (const name of ['chaos', 'demo', 'hypervisor-qemu', 'guest-devices', 'builder-queue', 'make-images'])
    assert.ok(alone.includes(`test/integration/${name}.test.ts`), name);
});

test('files that share a state directory are in one lane', () => {
  const { beside } = inLanes(real);
  const laneOf = (name: string): number =>
    beside.findIndex((lane) => lane.includes(`test/integration/${name}.test.ts`));
  assert.equal(laneOf('assemble-by-guest'), laneOf('assemble-by-guest-failures'));
  assert.equal(laneOf('install'), laneOf('install-runs'));
  assert.notEqual(laneOf('install'), -1);
  for (const file of ['tutorial', 'operating', 'data-disks', 'networks'])
    assert.equal(laneOf(file), laneOf('service-files'), file);
  assert.equal(laneOf('import'), laneOf('packages-systemd'));
});
