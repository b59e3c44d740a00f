/** Checksum files in the three forms that archives publish, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { checksumOf, parseChecksumFile } from '../../../builder/media/checksum-file.ts';

const a = 'a1'.repeat(32);
const b = 'b2'.repeat(32);
const c = 'c3'.repeat(32);

/** As Fedora 14 to 16 wrote it. */
const fedora14 = `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

${a} *Fedora-14-x86_64-DVD.iso
${b} *Fedora-14-x86_64-netinst.iso
-----BEGIN PGP SIGNATURE-----
Version: GnuPG v1.4.5 (GNU/Linux)

iQIcBAEBCAAGBQJMzz
${c} *Fedora-14-x86_64-DVD.iso
-----END PGP SIGNATURE-----
`;

test('a signed file of Fedora 14 gives the names and checksums inside its envelope, and none from outside', () => {
  assert.deepEqual(Object.fromEntries(parseChecksumFile(fedora14, 'x')), {
    'Fedora-14-x86_64-DVD.iso': a,
    'Fedora-14-x86_64-netinst.iso': b,
  });
  const smuggled = `${c} *Fedora-14-x86_64-DVD.iso\n${fedora14}`;
  assert.equal(checksumOf(smuggled, 'Fedora-14-x86_64-DVD.iso', 'x'), a);
});

test('dash-escaped lines of a signed file are read as they were', () => {
  const text = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- ${a}  odd.iso\n`;
  assert.equal(checksumOf(text, 'odd.iso', 'x'), a);
});

test('the form of newer Fedoras is understood, comments and other algorithms passed over', () => {
  const text = `# Fedora-Server-dvd-x86_64-40-1.14.iso: 2612854784 bytes\r\nSHA256 (Fedora-Server-dvd-x86_64-40-1.14.iso) = ${a.toUpperCase()}\r\nMD5 (x.iso) = 0123\n`;
  assert.deepEqual([...parseChecksumFile(text, 'x')], [['Fedora-Server-dvd-x86_64-40-1.14.iso', a]]);
});

test('CentOS’s sha256sum.txt is understood', () => {
  const text = `${a}  CentOS-6.10-x86_64-bin-DVD1.iso\n${b}  ./CentOS-6.10-x86_64-minimal.iso\n`;
  assert.equal(checksumOf(text, 'CentOS-6.10-x86_64-minimal.iso', 'x'), b);
});

test('a file that is not listed is an error with the names that are', () => {
  assert.throws(() => checksumOf(fedora14, 'Fedora-15-x86_64-DVD.iso', 'http://archive.example/SUMS'), {
    code: 'checksum-not-listed',
    message:
      /archive\.example\/SUMS does not list Fedora-15-x86_64-DVD\.iso; it lists Fedora-14-x86_64-DVD\.iso/,
  });
  assert.throws(() => checksumOf('<html>404</html>', 'x.iso', 'y'), {
    message: /lists nothing that is understood/,
  });
  // Names are data, not properties.
  assert.throws(() => checksumOf('', '__proto__', 'y'), { code: 'checksum-not-listed' });
});

test('two checksums for one name are refused; the same one twice is not', () => {
  assert.throws(() => parseChecksumFile(`${a}  x.iso\n${b}  x.iso\n`, 'y'), {
    code: 'checksum-file-damaged',
  });
  assert.equal(parseChecksumFile(`${a}  x.iso\nSHA256 (x.iso) = ${a}\n`, 'y').size, 1);
});

test('far too much is refused', () => {
  assert.throws(() => parseChecksumFile(' '.repeat(1024 * 1024 + 1), 'y'), { code: 'checksum-file-damaged' });
});

test('whatever is written in one of the forms is read back, among any other lines', () => {
  const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,30}\.iso$/);
  const entries = fc.uniqueArray(fc.record({ name, hex }), {
    selector: (entry) => entry.name,
    maxLength: 20,
  });
  const forms = [
    (n: string, h: string) => `${h}  ${n}`,
    (n: string, h: string) => `${h} *${n}`,
    (n: string, h: string) => `SHA256 (${n}) = ${h}`,
  ];
  fc.assert(
    fc.property(
      entries,
      fc.array(fc.string({ maxLength: 40 })),
      fc.nat(2),
      fc.boolean(),
      (listed, noise, form, signed) => {
        const write = forms[form] ?? forms[0]!;
        const quiet = noise.map((line) => `# ${line.replaceAll(/[\r\n]/g, '')}`);
        const lines = [...quiet, ...listed.map((one) => write(one.name, one.hex))];
        const body = signed
          ? [
              '-----BEGIN PGP SIGNED MESSAGE-----',
              'Hash: SHA256',
              '',
              ...lines,
              '-----BEGIN PGP SIGNATURE-----',
              'xx',
            ]
          : lines;
        const read = parseChecksumFile(body.join('\n'), 'x');
        assert.deepEqual(
          [...read],
          listed.map((one) => [one.name, one.hex]),
        );
      },
    ),
  );
});

test('any text at all is read or refused, and never anything else', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 2000 }), (text) => {
      for (const sha256 of parseChecksumFile(text, 'x').values()) assert.match(sha256, /^[0-9a-f]{64}$/);
    }),
  );
});
