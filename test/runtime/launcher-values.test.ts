/** What one assembly's resources may be told of another, on both kinds of network. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addResource } from '../../runtime/definitions/resources.ts';
import { valuesOf } from '../../runtime/launcher-values.ts';
import { startedWorld, usualWorld } from './fixtures/usual-world.ts';

test("on QEMU's user network others reach an assembly at the host's forwarded ports, whatever the guest says", () => {
  const input = {
    network: 'user' as const,
    guestPorts: [22, 80],
    forwards: [{ guestPort: 80, hostPort: 20_080 }],
  };
  const expected = { address: '10.0.2.2', 'port/80': '20080', 'endpoint/80': '10.0.2.2:20080' };
  assert.deepEqual(valuesOf({ ...input, toldAddress: null }), expected);
  assert.deepEqual(valuesOf({ ...input, toldAddress: '10.0.2.15' }), expected);
});

test('on a libvirt network it is the address that the guest told, with its own ports', () => {
  const input = { network: 'libvirt' as const, guestPorts: [22, 3306], forwards: [] };
  assert.deepEqual(valuesOf({ ...input, toldAddress: '192.0.2.7' }), {
    address: '192.0.2.7',
    'port/22': '22',
    'endpoint/22': '192.0.2.7:22',
    'port/3306': '3306',
    'endpoint/3306': '192.0.2.7:3306',
  });
  assert.equal(valuesOf({ ...input, toldAddress: '2001:db8::7' })['endpoint/22'], '[2001:db8::7]:22');
});

test('an address that was not told yet is left out, and what is made of it', () => {
  const values = valuesOf({ network: 'libvirt', guestPorts: [22], forwards: [], toldAddress: null });
  assert.deepEqual(values, { 'port/22': '22' });
});

test('the launcher gives what it forwards, only while a resource listens there, and nothing of nobody', async () => {
  const { world, context } = await startedWorld();
  await using _ = world;
  const hostPort = world.launches.forwards('assy1').find(({ guestPort }) => guestPort === 80)?.hostPort;
  const values = world.launcher.values('assy1', null);
  assert.equal(values['port/80'], String(hostPort));
  assert.equal(values['endpoint/80'], `10.0.2.2:${hostPort}`);
  assert.deepEqual(Object.keys(values).sort(), [
    'address',
    'endpoint/22',
    'endpoint/80',
    'port/22',
    'port/80',
  ]);
  context.store.deleteResource('assy1', 'httpdone');
  assert.equal(world.launcher.values('assy1', null)['port/80'], undefined);
  assert.deepEqual(world.launcher.values('nobody', null), {});
});

test('before its first start an assembly on the user network has an address and no port', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  addResource(context, 'assy2', 'web', 'httpd');
  assert.deepEqual(world.launcher.values('assy2', null), { address: '10.0.2.2' });
});
