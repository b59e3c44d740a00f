/**
 * The two services as plain objects, for tests of what the shell decides; every method that a test does not
 * give refuses. Tests of the whole program use real sockets (`fake-services.ts`).
 */
import { PcloudError } from '../../model/errors.ts';
import type { ShellContext } from '../../shell/context.ts';
import type { BuilderPort, CpedPort } from '../../shell/ports.ts';
import { plainStyle } from '../../shell/style.ts';

/** An object that has what is given, and throws by name for everything else. */
function partial<T extends object>(given: Partial<T>): T {
  return new Proxy(given, {
    get(target, name) {
      // A promise that resolves with this object asks whether it is a thenable.
      if (name === 'then') return undefined;
      if (name in target) return target[name as keyof T];
      throw new Error(`the test did not expect a call of ${String(name)}`);
    },
  }) as T;
}

export function fakeCped(given: Partial<CpedPort>): CpedPort {
  return partial(given);
}

export function fakeBuilder(given: Partial<BuilderPort>): BuilderPort {
  return partial(given);
}

export const serviceAway = new PcloudError({
  code: 'service-not-running',
  category: 'unavailable',
  message: 'The service is not running.',
  hint: 'Start it.',
});

export type Recorder = {
  readonly context: ShellContext;
  readonly printed: string[];
  readonly complained: string[];
  readonly lives: (string | undefined)[];
  readonly frames: (readonly string[] | undefined)[];
  readonly asked: string[];
  readonly ran: { file: string; argv: readonly string[] }[];
  readonly interrupt: () => void;
};

/** A context that writes down what is printed. */
export function recorder(options: {
  readonly cped?: Partial<CpedPort>;
  readonly builder?: Partial<BuilderPort>;
  readonly redraws?: boolean;
  readonly showsEvents?: boolean;
  readonly programExitCode?: number;
  readonly rows?: number;
  readonly onFrame?: (lines: readonly string[] | undefined) => void;
  readonly readKeys?: ShellContext['readKeys'];
  /** What the operator says when asked; null: nobody is there. */
  readonly answer?: boolean | null;
}): Recorder {
  const printed: string[] = [];
  const complained: string[] = [];
  const lives: (string | undefined)[] = [];
  const frames: (readonly string[] | undefined)[] = [];
  const ran: { file: string; argv: readonly string[] }[] = [];
  const asked: string[] = [];
  const answer = options.answer ?? null;
  const interrupt = new AbortController();
  const cped = fakeCped(options.cped ?? {});
  const builder = fakeBuilder(options.builder ?? {});
  const context: ShellContext = {
    services: { cped: () => Promise.resolve(cped), builder: () => Promise.resolve(builder) },
    screen: {
      style: plainStyle,
      canRedraw: options.redraws ?? false,
      columns: () => 80,
      print: (lines) => {
        printed.push(...lines);
      },
      complain: (lines) => {
        complained.push(...lines);
      },
      live: (line) => {
        lives.push(line);
      },
      rows: () => options.rows ?? 24,
      frame: (lines) => {
        frames.push(lines);
        options.onFrame?.(lines);
      },
    },
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    signal: interrupt.signal,
    showsEvents: options.showsEvents ?? false,
    runProgram: (file, argv) => {
      ran.push({ file, argv });
      return Promise.resolve(options.programExitCode ?? 0);
    },
    confirm:
      answer === null
        ? null
        : async (question) => {
            asked.push(question);
            return await Promise.resolve(answer);
          },
    readKeys: options.readKeys ?? null,
    quit: () => undefined,
  };
  return { context, printed, complained, lives, frames, asked, ran, interrupt: () => interrupt.abort() };
}
