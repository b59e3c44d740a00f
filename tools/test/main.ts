/**
 * `make test`: the pure tests in parallel, then the real ones one file at a time, and a last line with the
 * count. It owns order, limits and the exit code; what a test is, node's runner knows.
 *
 * usage: tools/test/main.ts GROUP... [--only TEXT]     groups: pure, real
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { endLeftovers, testRunMarker } from './leftovers.ts';
import { type Group, fileLimitMs, filesOf, groups, totalLimitMs } from './plan.ts';
import { runFiles } from './run-files.ts';
import { type Tally, emptyTally, hasPassed, summaryLine } from './tally.ts';

const checkout = path.resolve(import.meta.dirname, '../..');

async function runPure(
  files: readonly string[],
  signal: AbortSignal,
  runId: string,
  tally: Tally,
): Promise<void> {
  console.log(`pure: ${files.length} files`);
  if (files.length === 0) return;
  await runFiles(
    {
      checkout,
      files,
      concurrency: os.availableParallelism(),
      limitMs: fileLimitMs.pure,
      signal,
      verbose: false,
    },
    tally,
  );
  await countLeftovers('a pure test', runId, tally);
}

/** Ends what is still running, and counts it against where it came from. */
async function countLeftovers(from: string, runId: string, tally: Tally): Promise<void> {
  for (const line of await endLeftovers(runId)) {
    console.log(`  FAIL  left running: ${line}`);
    tally.failed.push(`${from}: left running: ${line}`);
  }
}

/** One at a time: two cores carry one guest at a reasonable speed, and times are asserted. */
async function runReal(
  files: readonly string[],
  signal: AbortSignal,
  runId: string,
  tally: Tally,
): Promise<void> {
  console.log(`real: ${files.length} files`);
  for (const file of files) {
    if (signal.aborted) {
      tally.failed.push(`${file}: not run, the time for all tests (${totalLimitMs / 60_000} min) was over`);
      continue;
    }
    const startedMs = performance.now();
    console.log(file);
    await runFiles(
      { checkout, files: [file], concurrency: 1, limitMs: fileLimitMs.real, signal, verbose: true },
      tally,
    );
    await countLeftovers(file, runId, tally);
    console.log(`  ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  }
}

function report(tally: Tally, startedMs: number): void {
  for (const line of tally.skipped) console.log(`skipped  ${line}`);
  for (const line of tally.failed) console.log(`FAILED   ${line}`);
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  // Continuous integration wants the count as its very last line, and make may still have a word to say.
  const file = process.env['PCLOUD_TEST_SUMMARY'];
  if (file === undefined) console.log(summaryLine(tally));
  else writeFileSync(file, `${summaryLine(tally)}\n`);
}

function parseGroups(words: readonly string[]): readonly Group[] {
  const unknown = words.find((word) => !groups.some((group) => group === word));
  if (unknown !== undefined || words.length === 0) {
    throw new Error(
      `usage: tools/test/main.ts pure|real... [--only TEXT]${unknown === undefined ? '' : ` (not ${unknown})`}`,
    );
  }
  return groups.filter((group) => words.includes(group));
}

const { positionals, values } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
const startedMs = performance.now();
const runId = randomBytes(8).toString('hex');
const tally = emptyTally();
const signal = AbortSignal.timeout(totalLimitMs);
// Real tests share one built image, and a second run reuses it.
process.env['PCLOUD_TEST_STATE'] ??= path.join(checkout, '.pcloud/test');
process.env[testRunMarker] = runId;
mkdirSync(process.env['PCLOUD_TEST_STATE'], { recursive: true });
for (const group of parseGroups(positionals)) {
  const files = filesOf(checkout, group, values.only);
  if (group === 'pure') await runPure(files, signal, runId, tally);
  else await runReal(files, signal, runId, tally);
}
report(tally, startedMs);
process.exitCode = hasPassed(tally) ? 0 : 1;
