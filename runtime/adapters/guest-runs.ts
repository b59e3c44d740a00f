/**
 * Commands in guests, through the agent's `run` (docs/guest-protocol.md): one at a time in each guest, the next
 * ones wait within their own time. Owns the ids and who waits; the link itself is `guest-link.ts`. What a guest
 * says of a run that was not asked for is ignored.
 */
import { agentCan } from '../../model/guest-protocol.ts';
import type { GuestMessage } from '../../model/guest-protocol.ts';
import type { CheckResult, Clock, GuestLinks } from '../ports.ts';
import { bad, closing, lastWords, noAnswer, unknown, well } from './check-words.ts';

/**
 * What ends when its time is up is told at once, by the agent. What ignores TERM lives two seconds more
 * (docs/guest-protocol.md), which nobody waits for: an agent that says anything meanwhile (it beats every second)
 * is alive, and then it is the program that does not end.
 */
const agentGraceMs = 1500;
/** With less time left than this, nothing would be learned of the program. */
const leastMs = 50;
/** Enough for the last words; a program may say any amount. */
const keptCharacters = 1000;

export type GuestRunsOptions = {
  readonly clock: Clock;
  readonly send: GuestLinks['send'];
};

export type GuestRuns = {
  /** Runs a program; well is exit code 0. Never rejects, settles at most 1.5 s after `timeoutMs`. */
  run(assembly: string, argv: readonly string[], timeoutMs: number): Promise<CheckResult>;
  /** To be told every message of every guest. */
  heard(assembly: string, message: GuestMessage): void;
  /** To be told when a link goes down: the agent ends what ran, without an answer. */
  lost(assembly: string): void;
  close(): void;
};

type Run = {
  readonly id: number;
  readonly argv: readonly string[];
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly said: { stdout: string; stderr: string };
  /** Once; ends its timer. */
  settle: (result: CheckResult) => void;
  cancelTimer: () => void;
};

type Guest = { canRun: boolean; heardMs: number; current: Run | undefined; waiting: Run[] };

export function createGuestRuns({ clock, send }: GuestRunsOptions): GuestRuns {
  const guests = new Map<string, Guest>();
  let lastId = 0;

  /** Begins the first that waits, if nothing runs. */
  const next = (assembly: string, guest: Guest): void => {
    while (guest.current === undefined) {
      const run = guest.waiting.shift();
      if (run === undefined) return;
      const refusal = begin(assembly, guest, run);
      if (refusal !== null) run.settle(unknown(refusal));
    }
  };

  /** Null when it was sent. */
  const begin = (assembly: string, guest: Guest, run: Run): string | null => {
    run.cancelTimer();
    const leftMs = Math.floor(run.deadlineMs - clock.monotonicMs());
    if (leftMs < leastMs) return 'other commands took its time in the guest';
    try {
      const { id, argv } = run;
      const message = { kind: 'run', id, timeoutMs: leftMs, arguments: argv, environment: {} } as const;
      if (!send(assembly, message)) return 'the guest link is down';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    guest.current = run;
    run.cancelTimer = clock.after(leftMs + agentGraceMs, () => {
      const agentLives = guest.heardMs > run.deadlineMs;
      const silence = unknown('the guest’s agent did not say how it ended');
      end(assembly, guest, run, agentLives ? noAnswer(run.timeoutMs) : silence);
    });
    return null;
  };

  const end = (assembly: string, guest: Guest, run: Run, result: CheckResult): void => {
    guest.current = undefined;
    run.settle(result);
    next(assembly, guest);
  };

  const abandon = (guest: Guest, result: CheckResult): void => {
    const all = [...(guest.current === undefined ? [] : [guest.current]), ...guest.waiting];
    guest.current = undefined;
    guest.waiting = [];
    for (const run of all) run.settle(result);
  };

  return {
    async run(assembly, argv, timeoutMs) {
      const guest = guests.get(assembly);
      if (guest === undefined) return unknown('the guest link is down');
      if (!guest.canRun) return unknown('the guest’s agent is too old to run commands; build its image anew');
      lastId = lastId === 2 ** 31 - 1 ? 1 : lastId + 1;
      const id = lastId;
      return await new Promise((resolve) => {
        const run: Run = {
          id,
          argv,
          timeoutMs,
          deadlineMs: clock.monotonicMs() + timeoutMs,
          said: { stdout: '', stderr: '' },
          settle(result) {
            run.cancelTimer();
            resolve(result);
          },
          cancelTimer: () => undefined,
        };
        run.cancelTimer = clock.after(timeoutMs, () => {
          guest.waiting = guest.waiting.filter((one) => one !== run);
          run.settle(unknown('other commands took its time in the guest'));
        });
        guest.waiting.push(run);
        next(assembly, guest);
      });
    },
    heard(assembly, message) {
      if (message.kind === 'hello') {
        if (message.cause === 'update') return;
        const guest = guests.get(assembly);
        // Whoever says hello anew has ended what ran before.
        if (guest !== undefined) abandon(guest, unknown('the guest’s agent began anew'));
        const heardMs = clock.monotonicMs();
        guests.set(assembly, { canRun: agentCan(message, 'run'), heardMs, current: undefined, waiting: [] });
        return;
      }
      const guest = guests.get(assembly);
      if (guest === undefined) return;
      guest.heardMs = clock.monotonicMs();
      if (message.kind !== 'output' && message.kind !== 'run-result') return;
      const run = guest.current;
      if (run === undefined || run.id !== message.id) return;
      if (message.kind === 'run-result') end(assembly, guest, run, resultOf(run, message));
      else run.said[message.stream] = (run.said[message.stream] + message.text).slice(-keptCharacters);
    },
    lost(assembly) {
      const guest = guests.get(assembly);
      guests.delete(assembly);
      if (guest !== undefined) abandon(guest, unknown('the guest link went down'));
    },
    close() {
      for (const guest of guests.values()) abandon(guest, closing);
      guests.clear();
    },
  };
}

/** The exit codes of what could not be executed (POSIX `env`, shells, and our agent): the check is at fault. */
const notExecuted: ReadonlySet<number | undefined> = new Set([126, 127]);

function resultOf(run: Run, result: Extract<GuestMessage, { kind: 'run-result' }>): CheckResult {
  const { code, signal, refused, timedOut } = result;
  if (refused !== undefined) return unknown(`the guest’s agent refused: ${lastWords(refused)}`);
  if (timedOut) return noAnswer(run.timeoutMs);
  const words = lastWords(run.said.stderr) || lastWords(run.said.stdout);
  const told = words === '' ? '' : ` (${words})`;
  if (code === 0) return well('exit code 0');
  if (code === undefined) return bad(`ended by signal ${signal ?? 'unknown'}${told}`);
  if (notExecuted.has(code)) return unknown(`${run.argv[0]} cannot be run in the guest${told}`);
  return bad(`exit code ${code}${told}`);
}
