/** What a machine may be attached to, and by which hardware address. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { macOf, networkAttachmentSchema, parsePlaceWord, placeWord } from '../../model/network-attachment.ts';
import type { NetworkAttachment } from '../../model/network-attachment.ts';

const uuid = '00000000-0000-4000-8000-000000000001';
const bridge: NetworkAttachment = { kind: 'bridge', name: 'br0', mac: null };

test('a card’s address is one station’s, below QEMU’s prefix, and the same at every start', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.stringMatching(/^[a-z][a-z0-9]{0,14}$/), (id, name) => {
      const mac = macOf(id, { kind: 'bridge', name, mac: null });
      assert.match(mac, /^52:54:00(:[0-9a-f]{2}){3}$/);
      assert.equal(macOf(id, { kind: 'bridge', name, mac: null }), mac);
    }),
  );
});

test('two assemblies, two networks, and a network and a bridge of one name have different addresses', () => {
  const other = uuid.replace(/1$/, '2');
  const all = [
    macOf(uuid, bridge),
    macOf(other, bridge),
    macOf(uuid, { ...bridge, name: 'br1' }),
    macOf(uuid, { kind: 'network', name: 'br0', mac: null }),
  ];
  assert.equal(new Set(all).size, all.length);
});

test('an address that was asked for is the card’s, in small letters', () => {
  const parsed = networkAttachmentSchema.parse({ ...bridge, mac: '52:54:00:AB:CD:EF' });
  assert.equal(macOf(uuid, parsed), '52:54:00:ab:cd:ef');
});

for (const [what, given] of [
  ['a name of a bridge over 15 bytes', { ...bridge, name: 'b'.repeat(16) }],
  ['a bridge with a slash', { ...bridge, name: '../br0' }],
  ['a bridge with a colon, which Linux keeps for aliases', { ...bridge, name: 'br0:1' }],
  ['an empty name', { ...bridge, name: '' }],
  ['a name with a quote', { ...bridge, name: "br'0" }],
  ['a network over 63 characters', { kind: 'network', name: 'n'.repeat(64), mac: null }],
  ['an option in place of a name', { kind: 'network', name: '--all', mac: null }],
  ['a group’s address', { ...bridge, mac: '01:00:5e:00:00:01' }],
  ['no address at all', { ...bridge, mac: '00:00:00:00:00:00' }],
  ['half an address', { ...bridge, mac: '52:54:00' }],
  ['another kind', { kind: 'macvtap', name: 'eth0', mac: null }],
] as const)
  test(`${what} is refused`, () => assert.equal(networkAttachmentSchema.safeParse(given).success, false));

test('the word for a place is read back as the place, and nothing else is one', () => {
  for (const place of [bridge, { kind: 'network', name: 'lan.1' }] as const)
    assert.deepEqual(parsePlaceWord(placeWord(place)), { kind: place.kind, name: place.name });
  for (const word of ['br0', 'bridge:', ':br0', 'Bridge:br0', 'net:br0', ''])
    assert.equal(parsePlaceWord(word), undefined, word);
});
