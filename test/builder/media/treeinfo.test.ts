/** What an install tree says of itself, and the paths that are not let through. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseTreeinfo, treeTitle } from '../../../builder/media/treeinfo.ts';

const sum = 'ab'.repeat(32);
const fedora14 = `[general]
family = Fedora
timestamp = 1287699395.48
variant = Fedora
version = 14
packagedir =
arch = x86_64

[stage2]
mainimage = images/install.img

[images-x86_64]
kernel = images/pxeboot/vmlinuz
initrd = images/pxeboot/initrd.img
boot.iso = images/boot.iso

[images-xen]
kernel = images/pxeboot/vmlinuz-PAE

[checksums]
images/pxeboot/vmlinuz = sha256:${sum.toUpperCase()}
images/boot.iso = md5:0123
`;

test('a tree of Fedora 14 is understood', () => {
  const treeinfo = parseTreeinfo(fedora14, 'x');
  assert.equal(treeTitle(treeinfo), 'Fedora 14 x86_64');
  assert.equal(treeinfo.kernel, 'images/pxeboot/vmlinuz');
  assert.equal(treeinfo.initrd, 'images/pxeboot/initrd.img');
  assert.deepEqual([...treeinfo.checksums], [['images/pxeboot/vmlinuz', sum]]);
});

test('what lacks a field is refused by its name', () => {
  for (const [cut, word] of [
    ['family = Fedora\n', 'family'],
    ['version = 14\n', 'version'],
    ['arch = x86_64\n', 'arch'],
    ['kernel = images/pxeboot/vmlinuz\n', 'kernel'],
    ['initrd = images/pxeboot/initrd.img\n', 'initrd'],
  ] as const)
    assert.throws(() => parseTreeinfo(fedora14.replace(cut, ''), 'http://tree.example/'), {
      code: 'bad-medium',
      message: new RegExp(`tree\\.example.*${word}`),
    });
});

test('a kernel outside the tree is refused', () => {
  for (const evil of [
    '/etc/passwd',
    '../../etc/passwd',
    'images/../../x',
    'http://evil.example/x',
    'a//b',
    '',
    '.',
    'a b',
    'a\u0000b',
    `${'a/'.repeat(200)}b`,
  ])
    assert.throws(
      () => parseTreeinfo(fedora14.replace('images/pxeboot/vmlinuz\n', `${evil}\n`), 'x'),
      { code: 'bad-medium' },
      evil,
    );
});

test('no text at all leads outside, or ends in anything but a refusal', () => {
  const path = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom('..', '/', 'a/../..', 'images/pxeboot/vmlinuz'),
  );
  fc.assert(
    fc.property(path, path, fc.string({ maxLength: 200 }), (kernel, initrd, noise) => {
      const text = `${noise}\n[general]\nfamily=F\nversion=1\narch=x\n[images-x]\nkernel=${kernel}\ninitrd=${initrd}\n`;
      try {
        const treeinfo = parseTreeinfo(text, 'x');
        for (const file of [treeinfo.kernel, treeinfo.initrd])
          assert.ok(new URL(file, 'http://h.test/tree/').href.startsWith('http://h.test/tree/'), file);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'bad-medium');
      }
    }),
  );
});

test('far too much is refused', () => {
  assert.throws(() => parseTreeinfo('x'.repeat(300_000), 'x'), { code: 'bad-medium' });
  assert.throws(() => parseTreeinfo('\n'.repeat(6000), 'x'), { code: 'bad-medium' });
});
