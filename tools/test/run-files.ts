/**
 * Runs test files by node's own runner, one process a file, and turns its events into a tally and lines for
 * people. Which files, and in what order, is the caller's.
 */
import path from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';
import { fileLimitVariable } from './plan.ts';
import type { Tally } from './tally.ts';

export type RunOptions = {
  readonly checkout: string;
  /** Relative to the checkout. */
  readonly files: readonly string[];
  /** How many files at a time. */
  readonly concurrency: number;
  /** Limit of each test, and a second later of each file. */
  readonly limitMs: number;
  /** Limit of all of it. */
  readonly signal: AbortSignal;
  /** Print each test as it ends, not only those that failed. */
  readonly verbose: boolean;
  /** Added to the environment of the tests. */
  readonly env: Readonly<Record<string, string>>;
  readonly print: (line: string) => void;
};

/** A file of many that takes longer than this is named. */
const slowFileMs = 5000;

type TestEvent = {
  readonly name: string;
  readonly nesting: number;
  readonly file?: string | undefined;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly details: {
    readonly duration_ms: number;
    readonly type?: string | undefined;
    readonly error?: unknown;
  };
};

/** Runs the files and adds to the tally. Resolves when the last one has ended. */
export async function runFiles(options: RunOptions, tally: Tally): Promise<void> {
  const output = new Map<string, string[]>();
  const where = (event: { readonly file?: string | undefined }): string =>
    event.file === undefined ? '(no file)' : path.relative(options.checkout, event.file);
  const stream = run({
    files: options.files.map((file) => path.join(options.checkout, file)),
    concurrency: options.concurrency,
    timeout: options.limitMs,
    signal: options.signal,
    // A second more than a single test gets, so that its own timeout is told by name first.
    env: { ...process.env, ...options.env, [fileLimitVariable]: String(options.limitMs + 1000) },
    execArgv: ['--import', path.join(import.meta.dirname, 'guard.ts')],
  });
  const keep = (event: { readonly file?: string | undefined; readonly message: string }): void => {
    const lines = output.get(where(event)) ?? [];
    output.set(where(event), lines);
    lines.push(event.message);
  };
  stream.on('test:stdout', keep);
  stream.on('test:stderr', keep);
  stream.on('test:pass', (event: TestEvent) => {
    recordPass(event, where(event), tally, options);
  });
  stream.on('test:fail', (event: TestEvent) => {
    recordFailure(event, where(event), output, tally, options.print);
  });
  stream.on('test:summary', (event) => {
    if (event.file === undefined || event.duration_ms < slowFileMs || options.verbose) return;
    options.print(`  slow  ${where(event)} (${(event.duration_ms / 1000).toFixed(1)} s)`);
  });
  stream.resume();
  await new Promise<void>((resolve, reject) => {
    stream.once('end', resolve);
    stream.once('error', reject);
  });
}

function recordPass(
  event: TestEvent,
  file: string,
  tally: Tally,
  { verbose, print }: Pick<RunOptions, 'verbose' | 'print'>,
): void {
  if (event.details.type === 'suite') return;
  const reason = reasonNotRun(event);
  if (reason !== undefined) {
    tally.skipped.push(`${file}: ${event.name} (${reason})`);
    print(`  skip  ${file}: ${event.name} (${reason})`);
    return;
  }
  tally.passed += 1;
  if (verbose) print(`  ok    ${event.name} (${Math.round(event.details.duration_ms)} ms)`);
}

/** Why a test that did not fail does not count as passed either. */
function reasonNotRun(event: TestEvent): string | undefined {
  const mark = event.skip ?? event.todo;
  if (mark === undefined || mark === false) return undefined;
  return typeof mark === 'string' && mark !== '' ? mark : 'no reason given';
}

function recordFailure(
  event: TestEvent,
  file: string,
  output: Map<string, string[]>,
  tally: Tally,
  print: (line: string) => void,
): void {
  const error = event.details.error;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  // A suite fails because a test in it did, and that one is counted.
  if (event.details.type === 'suite' && (error as { failureType?: string }).failureType === 'subtestsFailed')
    return;
  // A file that broke as a whole is reported by node under its path.
  const name = event.name === event.file || event.name.endsWith('.ts') ? 'the file as a whole' : event.name;
  tally.failed.push(`${file}: ${name}`);
  print(`  FAIL  ${file}: ${name} (${Math.round(event.details.duration_ms)} ms)`);
  print(indent(cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause)));
  const said = output.get(file);
  if (said !== undefined) print(indent(`what the file printed:\n${said.join('')}`));
  output.delete(file);
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '        ');
}
