/** What an installer is told of a medium, whose machine sees the host under another name. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { addressInCell, kickstartSourceOf } from '../../builder/medium-port.ts';

test("this host's loopback address has another name in a cell", () => {
  const here = {
    'http://127.0.0.1:8080/f14/': 'http://10.0.2.2:8080/f14/',
    'http://localhost/f14/': 'http://10.0.2.2/f14/',
    'http://LOCALHOST:80/f14/': 'http://10.0.2.2/f14/',
    'http://127.9.8.7/': 'http://10.0.2.2/',
    'http://127.1/': 'http://10.0.2.2/',
    'http://[::1]:81/x/': 'http://10.0.2.2:81/x/',
    'https://user@127.0.0.1/x/': 'https://user@10.0.2.2/x/',
  };
  for (const [url, seen] of Object.entries(here))
    assert.deepEqual(addressInCell(url), { url: seen, onThisHost: true }, url);
});

test('every other address stays as it is, also one that only looks like this host', () => {
  const elsewhere = [
    'http://mirror.example/f14/',
    'http://127.0.0.1.example/',
    'http://localhost.example/',
    'http://10.0.2.2/',
    'http://mirror.example/127.0.0.1/',
    'http://mirror.example/?at=localhost',
  ];
  for (const url of elsewhere) assert.deepEqual(addressInCell(url), { url, onThisHost: false });
});

test('what is no address is refused', () => {
  assert.throws(() => addressInCell('not an address'), TypeError);
});

test('the kickstart installs from the drive, from the tree served in the cell, or from the address', () => {
  assert.deepEqual(kickstartSourceOf({ kind: 'iso', location: '/media/dvd.iso' }), { kind: 'cdrom' });
  assert.deepEqual(kickstartSourceOf({ kind: 'iso', location: 'http://x/dvd.iso' }), { kind: 'cdrom' });
  assert.deepEqual(kickstartSourceOf({ kind: 'tree', location: '/media/f14' }), {
    kind: 'url',
    url: 'http://10.0.2.10/',
  });
  assert.deepEqual(kickstartSourceOf({ kind: 'tree', location: 'http://127.0.0.1:81/f14/' }), {
    kind: 'url',
    url: 'http://10.0.2.2:81/f14/',
  });
});
