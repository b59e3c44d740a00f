/**
 * Speaks for the agent that a guest does not have: what is watched in it, polls, operations, and how each is told.
 * It lives as long as one connection; what is watched outlives it (`Watched`). Dialling is `ssh-link.ts`.
 */
import type { GuestMessage, HostMessage, ResourceProcessState } from '../../model/guest-protocol.ts';
import type { Clock } from '../ports.ts';
import type { SshTarget } from './ssh-arguments.ts';
import { classBodies } from './ssh-class-scripts.ts';
import { lastWords, runRemote } from './ssh-process.ts';
import type { RemoteOutcome, RemoteRequest } from './ssh-process.ts';
import { environmentFileLine } from './ssh-quote.ts';
import { powerOffBody, runBody } from './ssh-scripts.ts';
import type { PollAnswer, SshSession } from './ssh-session.ts';
import { createTurnstile } from './ssh-turnstile.ts';

type WatchMessage = Extract<HostMessage, { kind: 'watch' }>;
type OperationMessage = Extract<HostMessage, { kind: 'operation' }>;
type RunMessage = Extract<HostMessage, { kind: 'run' }>;

/** A resource that the supervisor wants watched, and the process that it is followed by. */
type Followed = {
  readonly message: WatchMessage;
  state: ResourceProcessState;
  /** `PID:START`; a pid is the same process only with the same start time. */
  process: string | undefined;
};
export type Watched = Map<string, Followed>;

/** As many as the agent watches; a poll's line has room for them. */
const maxWatched = 64;
/** sshd takes ten sessions on one connection (MaxSessions); one is the watch. */
const maxAtOnce = 8;
const watchLimitMs = 30_000;
const powerOffLimitMs = 10_000;
const maxRunTextBytes = 1200;

export type GuestOptions = {
  readonly target: SshTarget;
  readonly session: SshSession;
  readonly clock: Clock;
  readonly watched: Watched;
  readonly emit: (message: GuestMessage) => void;
};

export type SshGuest = {
  /** Says the state of all that is watched, then `state-end`. */
  tellAll(): Promise<void>;
  poll(): void;
  answered(answer: PollAnswer): void;
  take(message: HostMessage): void;
  /** The connection is gone: nothing is told any more. */
  end(): void;
};

export function createSshGuest(options: GuestOptions): SshGuest {
  const { target, session, clock, watched } = options;
  const ending = new AbortController();
  const turnstile = createTurnstile(maxAtOnce);
  let sequence = 0;
  let awaited: { readonly sequence: number; readonly asked: ReadonlyMap<number, string> } | undefined;
  let running = false;

  const emit = (message: GuestMessage): void => {
    if (!ending.signal.aborted) options.emit(message);
  };
  const remote = async (
    request: Pick<RemoteRequest, 'body' | 'arguments' | 'timeoutMs' | 'onOutput'>,
  ): Promise<RemoteOutcome> => {
    const outcome = await runRemote({
      ...request,
      sshArguments: (command) => session.sessionArguments(command),
      elevate: target.elevate,
      clock,
      signal: ending.signal,
    });
    if (outcome.kind === 'flood')
      session.end('the guest lost its link: it floods the link with output', true);
    return outcome;
  };

  const operate = async (
    message: WatchMessage,
    operation: string,
    timeoutMs: number,
  ): Promise<RemoteOutcome> => {
    const pairs = Object.entries(message.parameters);
    return await remote({
      body: classBodies[message.class],
      arguments: [
        target.runDirectory,
        operation,
        message.name,
        message.service,
        String(pairs.length),
        ...pairs.map(([name, value]) => environmentFileLine(name, value)),
        ...pairs.map(([name, value]) => `${name}=${value}`),
      ],
      timeoutMs,
    });
  };

  /** What an operation said of the main process; a followed one that is gone is a death. */
  const follow = (followed: Followed, outcome: RemoteOutcome): void => {
    if (outcome.kind !== 'ended' || watched.get(followed.message.name) !== followed) return;
    const [, pid, what] =
      outcome.told.map((line) => /^main (\d{1,10}) (\w{1,20})$/.exec(line)).findLast((m) => m !== null) ?? [];
    if (pid === undefined || what === undefined) return;
    const before = followed.process;
    followed.process = pid === '0' ? undefined : `${pid}:${what}`;
    followed.state = pid !== '0' ? 'running' : what === 'dead' ? 'dead' : 'unknown';
    if (before !== undefined && followed.state !== 'unknown' && before !== followed.process)
      emit({ kind: 'death', name: followed.message.name, pid: Number(before.split(':')[0]) });
  };

  const tellState = async (followed: Followed): Promise<void> => {
    Object.assign(followed, { process: undefined, state: 'unknown' });
    follow(followed, await turnstile(() => operate(followed.message, 'watch', watchLimitMs)));
    if (watched.get(followed.message.name) !== followed) return;
    const { state, process } = followed;
    const pid = process === undefined ? {} : { pid: Number(process.split(':')[0]) };
    emit({ kind: 'state', name: followed.message.name, state, ...pid });
  };

  const perform = async (message: OperationMessage): Promise<void> => {
    const { id, name, operation, timeoutMs } = message;
    const startedMs = clock.monotonicMs();
    const followed = watched.get(name);
    const answer = (code: number, timedOut: boolean, output: string): void => {
      const durationMs = Math.max(0, Math.round(clock.monotonicMs() - startedMs));
      emit({
        kind: 'result',
        id,
        name,
        operation,
        code,
        timedOut,
        durationMs,
        ...(output === '' ? {} : { output }),
      });
    };
    if (followed === undefined) return answer(1, false, 'this resource is not watched');
    const outcome = await turnstile(async () => await operate(followed.message, operation, timeoutMs));
    follow(followed, outcome);
    switch (outcome.kind) {
      case 'ended':
        return answer(
          Math.min(outcome.code, 255),
          outcome.timedOut,
          lastWords(outcome.stderr, outcome.stdout),
        );
      case 'silent':
        return answer(1, true, 'the guest did not say how it ended');
      case 'flood':
        return;
      case 'lost':
        // With the connection gone the supervisor asks anew; a session that sshd refused is an answer.
        return answer(1, false, outcome.reason);
    }
  };

  const run = async (message: RunMessage): Promise<void> => {
    const { id, timeoutMs } = message;
    const startedMs = clock.monotonicMs();
    const answer = (
      end: { code: number } | { signal: number } | { refused: string },
      timedOut: boolean,
    ): void => {
      const durationMs = Math.max(0, Math.round(clock.monotonicMs() - startedMs));
      emit({ kind: 'run-result', id, timedOut, durationMs, ...end });
    };
    if (running) return answer({ refused: 'another program runs' }, false);
    running = true;
    try {
      const variables = Object.entries(message.environment).map(([name, value]) => `${name}=${value}`);
      const outcome = await turnstile(
        async () =>
          await remote({
            body: runBody,
            arguments: [String(variables.length), ...variables, ...message.arguments],
            timeoutMs,
            onOutput: (stream, chunk) => {
              for (let at = 0; at < chunk.length; at += maxRunTextBytes)
                emit({
                  kind: 'output',
                  id,
                  stream,
                  text: chunk.subarray(at, at + maxRunTextBytes).toString(),
                });
            },
          }),
      );
      if (outcome.kind === 'ended')
        // A shell's word for an end by a signal.
        answer(
          outcome.code > 128 ? { signal: outcome.code - 128 } : { code: outcome.code },
          outcome.timedOut,
        );
      else if (outcome.kind === 'silent') answer({ code: 1 }, true);
      else if (outcome.kind === 'lost') answer({ refused: outcome.reason }, false);
    } finally {
      running = false;
    }
  };

  /** What cannot be quoted is the definition's fault, and an answer like any other. */
  const guarded = (work: Promise<void>, failed: (why: string) => void): void => {
    work.catch((error: unknown) => failed(error instanceof Error ? error.message : String(error)));
  };

  return {
    async tellAll() {
      await Promise.all(
        [...watched.values()].map(
          async (followed) =>
            await tellState(followed).catch(() =>
              emit({ kind: 'state', name: followed.message.name, state: 'unknown' }),
            ),
        ),
      );
      emit({ kind: 'state-end' });
    },
    poll() {
      if (awaited !== undefined) return;
      sequence += 1;
      const asked = new Map<number, string>();
      for (const { process } of watched.values())
        if (process !== undefined) asked.set(Number(process.split(':')[0]), process);
      awaited = { sequence, asked };
      session.poll(sequence, [...asked.values()]);
    },
    answered(answer) {
      if (awaited?.sequence !== answer.sequence) return;
      const { asked } = awaited;
      awaited = undefined;
      for (const pid of answer.gone)
        for (const followed of watched.values()) {
          // What was started anew since the question has another process.
          if (followed.process === undefined || followed.process !== asked.get(pid)) continue;
          followed.process = undefined;
          followed.state = 'dead';
          emit({ kind: 'death', name: followed.message.name, pid });
        }
      emit({ kind: 'heartbeat', sequence: answer.sequence, uptimeMs: answer.uptimeMs });
    },
    take(message) {
      switch (message.kind) {
        case 'watch': {
          const { name } = message;
          if (!watched.has(name) && watched.size >= maxWatched)
            return emit({ kind: 'state', name, state: 'unknown' });
          const followed: Followed = { message, state: 'unknown', process: undefined };
          watched.set(name, followed);
          return guarded(tellState(followed), () => emit({ kind: 'state', name, state: 'unknown' }));
        }
        case 'unwatch': {
          const followed = watched.get(message.name);
          watched.delete(message.name);
          if (followed === undefined) return;
          return guarded(
            turnstile(async () => void (await operate(followed.message, 'unwatch', watchLimitMs))),
            () => undefined,
          );
        }
        case 'operation': {
          const { id, name, operation } = message;
          return guarded(perform(message), (why) =>
            emit({
              kind: 'result',
              id,
              name,
              operation,
              code: 6,
              timedOut: false,
              durationMs: 0,
              output: why.slice(0, 500),
            }),
          );
        }
        case 'run':
          return guarded(run(message), (why) =>
            emit({ kind: 'run-result', id: message.id, timedOut: false, durationMs: 0, refused: why }),
          );
        case 'poweroff':
          return guarded(
            remote({ body: powerOffBody, arguments: [], timeoutMs: powerOffLimitMs }).then(() => undefined),
            () => undefined,
          );
        // The guest is somebody else's: its name and its keys stay as they are.
        case 'identity':
        case 'hello':
          return;
      }
    },
    end: () => ending.abort(),
  };
}
