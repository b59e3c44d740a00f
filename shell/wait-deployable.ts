/**
 * Waits until a deployable is where the operator wants it. Pure judgement of a status, and the loop around
 * it: events wake it up, and a slow poll makes up for a stream that is down.
 */
import type { DeployableStatus } from '../model/cped-api.ts';
import { PcloudError } from '../model/errors.ts';
import { createBell } from './bell.ts';
import type { Bell } from './bell.ts';
import { stoppedWaiting } from './context.ts';
import type { ShellContext } from './context.ts';
import { formatElapsed } from './duration.ts';
import { estimateLeftMs, journalHistory, percentOf } from './estimate.ts';
import { followJournal } from './event-feed.ts';
import type { CpedPort } from './ports.ts';
import { renderEvent, renderProgressLine, renderWarning } from './render-message.ts';
import { unlessUnavailable } from './through-restarts.ts';

export type Goal = 'active' | 'stopped';
export type Judgement =
  | { readonly kind: 'reached' }
  | { readonly kind: 'waiting'; readonly missing: string }
  | { readonly kind: 'hopeless'; readonly why: string };

/** Where a status stands on the way to the goal. Pure. */
export function judge(status: DeployableStatus, goal: Goal): Judgement {
  if (goal === 'stopped') {
    if (status.state === 'stopped') return { kind: 'reached' };
    if (status.intent === 'up') return { kind: 'hopeless', why: 'it was started again meanwhile' };
    return { kind: 'waiting', missing: notYet(status, 'stopped') };
  }
  if (status.intent === 'down') return { kind: 'hopeless', why: 'it was stopped meanwhile' };
  const trouble = troubleOf(status);
  if (trouble !== undefined) return { kind: 'hopeless', why: trouble };
  return status.state === 'active'
    ? { kind: 'reached' }
    : { kind: 'waiting', missing: notYet(status, 'online') };
}

/** What a person has to look at, in words. */
function troubleOf(status: DeployableStatus): string | undefined {
  const because = (what: string, note: string | null): string => (note === null ? what : `${what}: ${note}`);
  for (const assembly of status.assemblies) {
    for (const resource of assembly.resources)
      if (resource.state === 'unrecoverable')
        return because(
          `the resource ${resource.name} in assembly ${assembly.name} is unrecoverable`,
          resource.note,
        );
    if (assembly.state === 'blocked')
      return because(`the assembly ${assembly.name} is blocked`, assembly.note);
  }
  return status.state === 'blocked' ? because('it is blocked', status.note) : undefined;
}

function notYet(status: DeployableStatus, wanted: 'online' | 'stopped'): string {
  const waiting = status.assemblies.filter((assembly) => assembly.state !== wanted);
  const resources = status.assemblies.flatMap((assembly) =>
    wanted === 'online' && assembly.state === 'online'
      ? assembly.resources.filter(({ state }) => state !== 'active' && state !== 'unmonitored')
      : [],
  );
  const named = [...waiting, ...resources].map(({ name, state }) => `${name} is ${state}`);
  return named.length === 0 ? `it is ${status.state}` : named.join(', ');
}

export type WaitOptions = {
  readonly name: string;
  readonly goal: Goal;
  readonly timeoutMs: number;
  /** Events after this one are shown. */
  readonly afterSeq: number;
};

/** Without an event the status is read this often; a burst of events is read as one. */
const pollMs = 2000;
const burstMs = 50;

/**
 * Resolves with the time it took when the goal is reached.
 * @throws PcloudError `deployable-hopeless`, `deployable-timeout`, `stopped-waiting`, or what cped says.
 */
export async function waitForDeployable(
  options: WaitOptions,
  cped: CpedPort,
  context: ShellContext,
): Promise<number> {
  const startedMs = context.clock.monotonicMs();
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, context.signal]);
  const bell = createBell(burstMs);
  const feed = followJournal({
    cped,
    afterSeq: options.afterSeq,
    startedAtMs: context.clock.wallMs(),
    signal,
    onNotice: (notice) => {
      if (notice.kind === 'event' && notice.event.deployable !== options.name) return;
      if (notice.kind === 'event' && !context.showsEvents)
        context.screen.print([renderEvent(notice.event, context.clock.wallMs(), context.screen.style)]);
      if (notice.kind === 'lost' && !context.showsEvents)
        context.screen.complain(
          renderWarning(notice.error.message, 'Still waiting for it.', context.screen.style),
        );
      bell.ring();
    },
  });
  try {
    return await Promise.race([untilReached(options, cped, context, bell, startedMs), feed.then(never)]);
  } finally {
    stop.abort();
    context.screen.live(undefined);
    await feed;
  }
}

/** The feed ends only after the wait; if it rejects, that rejection counts. */
async function never(): Promise<never> {
  return await new Promise(() => undefined);
}

async function untilReached(
  options: WaitOptions,
  cped: CpedPort,
  context: ShellContext,
  bell: Bell,
  startedMs: number,
): Promise<number> {
  let missing = 'its state is not known';
  const historyMs = context.screen.canRedraw ? await earlierWaits(options, cped) : [];
  for (;;) {
    const elapsedMs = context.clock.monotonicMs() - startedMs;
    if (context.signal.aborted) throw goesOn(options);
    if (elapsedMs >= options.timeoutMs) throw tookTooLong(options, missing);
    // A service that is being restarted is waited for: the intent is in its database.
    const status = await statusOf(options, cped, context.signal);
    if (status !== undefined) {
      const judgement = judge(status, options.goal);
      if (judgement.kind === 'reached') return context.clock.monotonicMs() - startedMs;
      if (judgement.kind === 'hopeless') throw hopeless(options, judgement.why);
      missing = judgement.missing;
    }
    context.screen.live(waitingLine(options.name, missing, elapsedMs, historyMs, context));
    await bell.rungOrAfter(Math.min(pollMs, options.timeoutMs - elapsedMs), context.signal);
  }
}

/** Undefined while the service is away. */
async function statusOf(
  options: WaitOptions,
  cped: CpedPort,
  signal: AbortSignal,
): Promise<DeployableStatus | undefined> {
  try {
    return await unlessUnavailable(async () => await cped.deployable(options.name, signal), undefined);
  } catch (error) {
    throw signal.aborted ? goesOn(options) : error;
  }
}

function goesOn({ name, goal }: WaitOptions): PcloudError {
  const again = `deployable_${goal === 'active' ? 'start' : 'stop'} ${name}`;
  return stoppedWaiting(
    `Stopped waiting; the service goes on with ${name}. deployable_status ${name} shows how far it is, ${again} waits for it again.`,
  );
}

/** With a bar where earlier starts, or stops, say how long it may take. */
function waitingLine(
  name: string,
  missing: string,
  elapsedMs: number,
  historyMs: readonly number[],
  { screen }: ShellContext,
): string {
  const leftMs = estimateLeftMs(historyMs, elapsedMs);
  const percent = leftMs === null ? null : percentOf(elapsedMs, leftMs);
  const progress = { state: 'waiting', percent, step: missing };
  const columns = screen.columns() ?? 80;
  return renderProgressLine(`waiting for ${name}`, progress, elapsedMs, screen.style, columns, leftMs);
}

/** How many events are looked through for earlier starts and stops. */
const eventsLookedThrough = 1000;

async function earlierWaits({ name, goal }: WaitOptions, cped: CpedPort): Promise<readonly number[]> {
  const events = await unlessUnavailable(async () => await cped.journal(eventsLookedThrough), []);
  return journalHistory(events, name, goal);
}

function hopeless(options: WaitOptions, why: string): PcloudError {
  return new PcloudError({
    code: 'deployable-hopeless',
    category: 'failed',
    message: `The deployable ${options.name} does not become ${options.goal}: ${why}.`,
    hint: `Look with: deployable_status ${options.name}; when the cause is gone: deployable_recover ${options.name}`,
  });
}

function tookTooLong(options: WaitOptions, missing: string): PcloudError {
  return new PcloudError({
    code: 'deployable-timeout',
    category: 'failed',
    message: `The deployable ${options.name} is not ${options.goal} after ${formatElapsed(options.timeoutMs)}: ${missing}.`,
    hint: `The service goes on with it; look with: deployable_status ${options.name}`,
  });
}
