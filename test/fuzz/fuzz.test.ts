/**
 * A share of `make fuzz` with every run of the tests, from a fresh seed each time: whatever a guest or a damaged
 * image says, it is refused in words, and costs no memory. A failure prints the command that plays it again.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { readArtifact } from '../../catalogue/image-directory.ts';
import { fuzz } from './run.ts';
import type { FuzzTarget } from './run.ts';

/** Some six seconds on an idle core. */
const shares: readonly { readonly target: FuzzTarget; readonly lines: number }[] = [
  { target: 'codec', lines: 200_000 },
  { target: 'manifest', lines: 50_000 },
];

for (const { target, lines } of shares)
  test(`whatever comes in is refused in words or understood, and memory stays bounded: ${target}`, (t) => {
    const seed = randomInt(2 ** 31);
    const result = fuzz(target, seed, lines);
    t.diagnostic(`seed ${seed}: ${result.lines} lines in ${result.seconds.toFixed(1)} s`);
    assert.ok(result.accepted > result.lines / 50, 'hardly anything was understood: the fuzzer is no good');
    assert.ok(result.accepted < result.lines, 'nothing was refused: the fuzzer is no good');
  });

test('a manifest beyond any sense is refused before it is read into memory', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'pcz-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const digest = 'a'.repeat(64);
  mkdirSync(path.join(directory, digest));
  writeFileSync(path.join(directory, digest, 'manifest.json'), '['.repeat(64 * 1024 * 1024));
  const before = process.memoryUsage.rss();
  await assert.rejects(readArtifact(directory, digest), { code: 'manifest-damaged' });
  const grownMiB = (process.memoryUsage.rss() - before) / 1024 / 1024;
  assert.ok(grownMiB < 32, `${grownMiB.toFixed(0)} MiB`);
});
