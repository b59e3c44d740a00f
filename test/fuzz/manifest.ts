/**
 * One round of fuzzing the reader of image manifests: a true manifest damaged as JSON, as bytes, or by size and
 * depth. It may be taken or be refused as damaged or newer, with words of bounded length; nothing else.
 */
import assert from 'node:assert/strict';
import { PcloudError } from '../../model/errors.ts';
import { parseManifest, type Manifest } from '../../model/manifest.ts';
import { sampleManifest } from '../builder/sample-manifest.ts';
import { mutated } from './mutate.ts';
import type { Random } from './random.ts';

const { digest } = sampleManifest;
const sample: Manifest = {
  ...sampleManifest,
  kind: 'assembly',
  parentDigest: 'b'.repeat(64),
  templates: ['httpd'],
  method: 'tree',
};
const sampleText = JSON.stringify(sample);
/** As much as the reader of the file lets through (catalogue/image-directory.ts). */
const maxManifestBytes = 1024 * 1024;
/** Its message names the file and one problem; whoever reads it at night reads no megabyte. */
const maxMessageLength = 1000;

/** Whether it was taken. @throws AssertionError */
export function fuzzManifest(random: Random): boolean {
  const text = damagedManifest(random);
  try {
    const manifest = parseManifest(text, 'manifest.json', digest);
    assert.equal(manifest.digest, digest);
    assert.equal(manifest.manifestVersion, 2);
    assert.doesNotMatch(manifest.disk.file, /[/\0]|^\./, 'it points out of its directory');
    return true;
  } catch (error) {
    if (!(error instanceof PcloudError)) throw error;
    assert.ok(['manifest-damaged', 'manifest-newer'].includes(error.code), error.code);
    assert.ok(error.message.length <= maxMessageLength, `a message of ${error.message.length} characters`);
    assert.ok((error.hint ?? '').length > 0 && (error.hint ?? '').length <= maxMessageLength);
    return false;
  } finally {
    assert.equal(Object.keys(Object.prototype).length, 0, 'the prototype of all objects was changed');
  }
}

function damagedManifest(random: Random): string {
  const way = random.below(1000);
  if (way === 0) return oversized(random);
  if (way < 100) return sampleText;
  if (way < 500) return mutated(random, sampleText, maxManifestBytes);
  return JSON.stringify(damagedValue(random));
}

/** Deep, long or wide, up to what the reader of the file lets through. */
function oversized(random: Random): string {
  const size = 1 + random.below(maxManifestBytes / 8);
  switch (random.below(5)) {
    case 0:
      return '['.repeat(size * 4) + ']'.repeat(random.below(2) * size * 4);
    case 1:
      return `${'{"a":'.repeat(size)}1${'}'.repeat(size)}`;
    case 2:
      return sampleText.replace('["httpd"]', `[${'"httpd",'.repeat(size / 2)}"x"]`);
    case 3:
      return sampleText.replace('"debian12"', JSON.stringify('x'.repeat(size)));
    default:
      return sampleText.replace(
        '{',
        `{${Array.from({ length: size / 16 }, (_, key) => `"k${key}":${key},`).join('')}`,
      );
  }
}

const strange: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  2 ** 53,
  '',
  ' ',
  '../../etc/passwd',
  '/etc/passwd',
  'a\0b',
  '\ud800',
  'x'.repeat(5000),
  [],
  {},
  [[[[[]]]]],
  ['__proto__'],
  { constructor: { prototype: { polluted: 1 } } },
  'NaN',
  '2026-13-99T99:99:99Z',
];

function damagedValue(random: Random): unknown {
  const entries = Object.entries<unknown>(sample);
  for (let count = 1 + random.below(3); count > 0; count -= 1) {
    const at = random.below(entries.length);
    const [key, value] = entries[at] ?? ['kind', null];
    switch (random.below(5)) {
      case 0:
        entries.splice(at, 1);
        break;
      case 1:
        entries[at] = [key, random.pick(strange)];
        break;
      case 2:
        entries.push([
          random.pick(['__proto__', 'constructor', 'toString', 'extra', '']),
          random.pick(strange),
        ]);
        break;
      case 3:
        entries[at] = [key, [value, value]];
        break;
      default:
        entries[at] = ['manifestVersion', random.pick([0, 1, 2, 3, 1e9, -1, 1.5, '2', null])];
    }
  }
  // Not by assignment: a key `__proto__` is to stand in the text like any other.
  return Object.fromEntries(entries);
}
