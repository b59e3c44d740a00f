/**
 * `make test`: the pure tests in parallel, then the real ones three at a time or alone, and a last line with the
 * count. It owns order, limits and the exit code; what a test is, node's runner knows.
 *
 * usage: tools/test/main.ts GROUP... [--only TEXT]     groups: pure, real
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runBeside } from './beside.ts';
import { endLeftovers, testRunMarker } from './leftovers.ts';
import {
  type Group,
  besideCount,
  fileLimitMs,
  filesOf,
  groups,
  inOrder,
  nextFile,
  totalLimitMs,
} from './plan.ts';
import { runFiles } from './run-files.ts';
import { type Tally, emptyTally, hasPassed, summaryLine } from './tally.ts';

const checkout = path.resolve(import.meta.dirname, '../..');

/** What every run of this process has in common. */
type Run = { readonly signal: AbortSignal; readonly tally: Tally };

async function runPure(files: readonly string[], { signal, tally }: Run): Promise<void> {
  console.log(`pure: ${files.length} files`);
  if (files.length === 0) return;
  const runId = newRunId();
  await runFiles(
    {
      checkout,
      files,
      // One more than there are cores: some wait for what they started.
      concurrency: os.availableParallelism() + 1,
      limitMs: fileLimitMs.pure,
      signal,
      verbose: false,
      env: { [testRunMarker]: runId },
      print,
    },
    tally,
  );
  await countLeftovers('a pure test', runId, tally, print);
}

/** Ends what is still running, and counts it against where it came from. */
async function countLeftovers(
  from: string,
  runId: string,
  tally: Tally,
  say: (line: string) => void,
): Promise<void> {
  for (const line of await endLeftovers(runId)) {
    say(`  FAIL  left running: ${line}`);
    tally.failed.push(`${from}: left running: ${line}`);
  }
}

/** First what bears a neighbour, then one at a time: two cores carry one guest at a reasonable speed. */
async function runReal(files: readonly string[], run: Run): Promise<void> {
  console.log(`real: ${files.length} files`);
  const { beside, alone } = inOrder(files);
  await runBeside(
    beside,
    besideCount,
    nextFile,
    async (file) => await runRealFile(file, run, 'when it ends'),
  );
  for (const file of alone) await runRealFile(file, run, 'at once');
}

/** Runs one file. One that is not alone prints its lines together. */
async function runRealFile(
  file: string,
  { signal, tally }: Run,
  prints: 'at once' | 'when it ends',
): Promise<void> {
  if (signal.aborted) {
    tally.failed.push(`${file}: not run, the time for all tests (${totalLimitMs / 60_000} min) was over`);
    return;
  }
  const startedMs = performance.now();
  const lines: string[] = [];
  const say = prints === 'at once' ? print : (line: string): void => void lines.push(line);
  const runId = newRunId();
  say(file);
  await runFiles(
    {
      checkout,
      files: [file],
      concurrency: 1,
      limitMs: fileLimitMs.real,
      signal,
      verbose: true,
      env: { [testRunMarker]: runId },
      print: say,
    },
    tally,
  );
  await countLeftovers(file, runId, tally, say);
  say(`  ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  if (lines.length > 0) print(lines.join('\n'));
}

function print(line: string): void {
  console.log(line);
}

/** Marks the processes of one file, so that what it leaves running is known from what its neighbour runs. */
function newRunId(): string {
  return randomBytes(8).toString('hex');
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
const tally = emptyTally();
const signal = AbortSignal.timeout(totalLimitMs);
// Real tests share one built image, and a second run reuses it.
process.env['PCLOUD_TEST_STATE'] ??= path.join(checkout, '.pcloud/test');
mkdirSync(process.env['PCLOUD_TEST_STATE'], { recursive: true });
// Hundreds of processes load the same modules: their types are stripped once (test/shell/order.test.ts: 1.1 s of CPU, then 0.65).
process.env['NODE_COMPILE_CACHE'] ??= path.join(process.env['PCLOUD_TEST_STATE'], 'cache/node');
for (const group of parseGroups(positionals)) {
  const files = filesOf(checkout, group, values.only);
  if (group === 'pure') await runPure(files, { signal, tally });
  else await runReal(files, { signal, tally });
}
report(tally, startedMs);
process.exitCode = hasPassed(tally) ? 0 : 1;
