/**
 * One program after the other in a build's guest: its words to the build's log, its end judged, its limit kept.
 * Which programs those are is `assemble.ts`.
 */
import { createLineSplitter } from '../line-splitter.ts';
import { GuestTrouble, stepFailed } from './guest-errors.ts';
import type { GuestSession, RunEnd } from './guest-session.ts';
import { packageEnvironment } from './package-managers.ts';
import type { Command } from './package-managers.ts';

/** The agent's own ceiling; whether a guest still works is judged by its activity. */
const ceilingMs = 3_600_000;
const tailLines = 12;
/** A list of packages is some tens of KiB. */
const maxTextBytes = 4 * 1024 * 1024;

export type StepContext = {
  readonly session: GuestSession;
  /** Aborts with what ends the build: cancelled, the guest lost, nothing happening. */
  readonly signal: AbortSignal;
  readonly log: (text: string) => void;
  /** Told of every byte that the guest says. */
  readonly onOutput: (bytes: number) => void;
};

export type GuestStep = {
  readonly title: string;
  readonly argv: Command;
  readonly onLine?: (line: string) => void;
  /** Ceiling; an hour unless given. */
  readonly timeoutMs?: number;
};

export type StepEnd = RunEnd & { /** Last lines of both streams. */ readonly tail: readonly string[] };

/** Runs it to its end, whatever the exit code. @throws GuestTrouble; the signal's reason */
export async function runToEnd(context: StepContext, step: GuestStep): Promise<StepEnd> {
  context.log(`\n== ${step.title}\n$ ${commandLine(step.argv)}\n`);
  const tail: string[] = [];
  const splitters = {
    stdout: createLineSplitter(onLine),
    stderr: createLineSplitter(onLine),
  };
  const encoder = new TextEncoder();
  const timeoutMs = step.timeoutMs ?? ceilingMs;
  function onLine(line: string): void {
    tail.push(line);
    if (tail.length > tailLines) tail.shift();
    step.onLine?.(line);
  }
  const end = await context.session.run(step.argv, {
    environment: packageEnvironment,
    timeoutMs,
    signal: context.signal,
    onOutput: (text, stream) => {
      context.onOutput(text.length);
      context.log(text);
      splitters[stream].push(encoder.encode(text));
    },
  });
  for (const splitter of Object.values(splitters)) splitter.push(encoder.encode('\n'));
  if (end.timedOut)
    throw new GuestTrouble(
      'step-timeout',
      `The build step "${step.title}" in the guest did not end within ${timeoutMs / 1000} s`,
    );
  return { ...end, tail };
}

/** The same, and its end has to be a success. @throws PcloudError `step-failed` */
export async function runStep(context: StepContext, step: GuestStep): Promise<StepEnd> {
  const end = await runToEnd(context, step);
  if (end.code === 0) return end;
  throw stepFailed(step.title, howItEnded(end), end.tail);
}

/** What it prints to its standard output. @throws PcloudError `step-failed` */
export async function captureStep(context: StepContext, step: GuestStep): Promise<string> {
  let text = '';
  const session: GuestSession = {
    ...context.session,
    run: async (argv, options) =>
      await context.session.run(argv, {
        ...options,
        onOutput: (piece, stream) => {
          if (stream === 'stdout' && text.length < maxTextBytes) text += piece;
          context.onOutput(piece.length);
        },
      }),
  };
  await runStep({ ...context, session }, step);
  return text;
}

export function howItEnded(end: RunEnd): string {
  return end.code === undefined ? `by signal ${end.signal ?? 'unknown'}` : `with exit code ${end.code}`;
}

/** For the log: scripts are named, not repeated. */
function commandLine(argv: Command): string {
  return argv.map((word) => (word.includes('\n') ? '(script)' : word)).join(' ');
}
