/** What a running machine does not have yet, in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataDiskTexts, pendingOf, pendingText } from '../../model/machine-pending.ts';

const started = { memoryMiB: 128, vcpus: 1, ports: [22, 80], disks: ['data of 1 GiB'], networks: [] };

test('what a machine runs with and is defined to have is no difference', () => {
  assert.deepEqual(pendingOf(started, { ...started, ports: [22, 80] }), []);
});

test('each thing that differs is told with what there is now', () => {
  assert.deepEqual(pendingOf(started, { ...started, memoryMiB: 256, vcpus: 2, ports: [22] }), [
    '256 MiB of memory (now 128)',
    '2 CPUs (now 1)',
    'ports 22 (now 22, 80)',
  ]);
  assert.deepEqual(pendingOf({ ...started, vcpus: 2, ports: [] }, { ...started, ports: [22] }), [
    '1 CPU (now 2)',
    'ports 22 (now none)',
  ]);
});

test('a data disk that is new, larger or mounted elsewhere differs; of a machine of earlier nothing is known', () => {
  const disk = { name: 'data', sizeGiB: 2, mount: '/srv/data', made: true };
  const defined = { ...started, disks: dataDiskTexts([disk]) };
  assert.deepEqual(pendingOf(started, defined), ['data disk data of 2 GiB at /srv/data']);
  assert.deepEqual(pendingOf(defined, defined), []);
  assert.deepEqual(pendingOf({ ...started, disks: null }, defined), []);
});

test('a network that came or went differs; of a machine of earlier nothing is known', () => {
  const [lan, old] = ['bridge br0 (52:54:00:00:00:02)', 'libvirt network lan (52:54:00:00:00:03)'];
  const before = { ...started, networks: [old] };
  const pending = pendingOf(before, { ...started, networks: [lan] });
  assert.deepEqual(pending, [lan, `no ${old} any more`]);
  assert.equal(
    pendingText(pending),
    `${lan} and no ${old} any more take effect at the next start of its machine`,
  );
  assert.deepEqual(pendingOf(before, before), []);
  assert.deepEqual(pendingOf({ ...started, networks: null }, before), []);
});

test('ports that no forward leads to are none of it', () => {
  assert.deepEqual(pendingOf({ ...started, ports: null }, { ...started, ports: [22, 80, 443] }), []);
});

test('the sentence agrees with what it is about', () => {
  const end = 'effect at the next start of its machine';
  assert.equal(pendingText(['1 CPU (now 2)']), `1 CPU (now 2) takes ${end}`);
  assert.equal(pendingText(['2 CPUs (now 1)']), `2 CPUs (now 1) take ${end}`);
  assert.equal(pendingText(['a', 'b', 'c']), `a, b and c take ${end}`);
});
