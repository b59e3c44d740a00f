/** Where a private stack lies, for root, for a user with a session and for one without. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envFileText, environmentOf, layoutOf, maxSocketPathBytes } from '../../tools/stack/layout.ts';

const checkout = '/srv/some where/pacemaker-cloud';

test('state is in the checkout, sockets in a short directory of the machine', () => {
  const layout = layoutOf({ checkout, uid: 0, xdgRuntimeDir: undefined });
  assert.equal(layout.stateDir, `${checkout}/.pcloud`);
  assert.match(layout.runtimeDir, /^\/run\/pcloud-[0-9a-f]{8}$/);
  assert.equal(layout.owner, `pcloud-${layout.id}`);
});

test('two checkouts, or two state directories of one, never share anything', () => {
  const facts = { uid: 0, xdgRuntimeDir: undefined };
  const ids = [
    layoutOf({ ...facts, checkout: '/a' }),
    layoutOf({ ...facts, checkout: '/b' }),
    layoutOf({ ...facts, checkout: '/a', stateDir: '/tmp/x' }),
  ].map((layout) => layout.id);
  assert.equal(new Set(ids).size, 3);
});

test('without root the sockets are in the session’s directory, or in /tmp where there is none or it is too deep', () => {
  const facts = { checkout, uid: 1000 };
  assert.match(
    layoutOf({ ...facts, xdgRuntimeDir: '/run/user/1000' }).runtimeDir,
    /^\/run\/user\/1000\/pcloud-[0-9a-f]{8}$/,
  );
  assert.match(
    layoutOf({ ...facts, xdgRuntimeDir: undefined }).runtimeDir,
    /^\/tmp\/pcloud-1000-[0-9a-f]{8}$/,
  );
  const deep = layoutOf({ ...facts, xdgRuntimeDir: `/run/${'deep/'.repeat(20)}` }).runtimeDir;
  assert.match(deep, /^\/tmp\/pcloud-1000-/);
  assert.ok(Buffer.byteLength(`${deep}/g/${'0'.repeat(32)}.sock`) <= maxSocketPathBytes);
});

test('the environment leads to this stack alone, and its file holds the same', () => {
  const layout = layoutOf({ checkout, uid: 0, xdgRuntimeDir: undefined });
  const environment = environmentOf(
    layout,
    `qemu:///system?socket=${layout.runtimeDir}/libvirt/libvirt-sock`,
  );
  assert.equal(environment['PCLOUD_STATE_DIR'], layout.stateDir);
  assert.equal(environment['PCLOUD_OWNER'], layout.owner);
  assert.equal(environment['LIBVIRT_AUTOSTART'], '0');
  assert.ok(envFileText(environment).includes(`PCLOUD_STATE_DIR='${checkout}/.pcloud'\n`));
});
