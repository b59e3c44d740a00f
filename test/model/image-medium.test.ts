import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { imageMediumSchema, withoutCredentials } from '../../model/image-medium.ts';

test('a path and a plain address stay as they are', () => {
  for (const location of [
    '/srv/media/Fedora-14-x86_64-DVD.iso',
    '/srv/odd@name:1/F14.iso',
    'http://archive.example/fedora/14/os/',
    'http://archive.example/a@b/F14.iso',
  ])
    assert.equal(withoutCredentials(location), location);
});

test('user, password, query and fragment of an address are cut', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['http://anna:secret@archive.example/F14.iso', 'http://archive.example/F14.iso'],
    ['https://token@archive.example:8443/os/', 'https://archive.example:8443/os/'],
    ['ftp://anna:se%40cret@archive.example/F14.iso', 'ftp://archive.example/F14.iso'],
    ['https://archive.example/F14.iso?token=secret', 'https://archive.example/F14.iso?...'],
    ['https://archive.example/F14.iso#secret', 'https://archive.example/F14.iso'],
    // No address by any rule, but a person may have typed it.
    ['http://anna:sec/ret@archive.example/F14.iso', 'http://archive.example/F14.iso'],
    ['http://anna:se cr:et@archive.example/F14.iso?t=secret', 'http://archive.example/F14.iso?...'],
  ];
  for (const [location, shown] of cases) assert.equal(withoutCredentials(location), shown);
});

test('no user and no password comes through, whatever they are made of', () => {
  const word = fc.stringMatching(/^[A-Z0-9!$&'()*+,;=_~.%:-]{6,20}$/);
  fc.assert(
    fc.property(word, word, (user, password) => {
      const shown = withoutCredentials(`http://${user}:${password}@archive.example/f14/os/`);
      assert.match(shown, /^http:\/\/archive\.example\/f14\/os\/$/);
    }),
  );
});

test('cutting twice is cutting once', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.string()),
      (text) => {
        assert.equal(withoutCredentials(withoutCredentials(text)), withoutCredentials(text));
      },
    ),
  );
});

test('a medium that is read has no credentials in its location, and no line break anywhere', () => {
  const medium = {
    title: 'Fedora 14 x86_64',
    kind: 'iso',
    location: 'http://anna:secret@archive.example/F14.iso',
    sha256: 'a'.repeat(64),
    origin: 'operator',
    standIn: null,
    synthetic: false,
  };
  assert.equal(imageMediumSchema.parse(medium).location, 'http://archive.example/F14.iso');
  assert.ok(!imageMediumSchema.safeParse({ ...medium, title: 'Fedora\n14' }).success);
  assert.ok(!imageMediumSchema.safeParse({ ...medium, standIn: 'CentOS\u2028' }).success);
});
