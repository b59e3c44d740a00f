/**
 * Ctrl-C while a command runs. Its waiting ends, soon also where a service hangs; from then on it asks nothing more of
 * anybody, and what is left alone says nothing more. One line tells what goes on and how to look at it, out of the
 * command's declaration. Where the signal comes from is `session.ts` and `repl.ts`.
 */
import type { Call, Command, ExitCode } from './command.ts';
import { pause, stoppedWaiting } from './context.ts';
import type { Screen, ShellContext } from './context.ts';

/** After Ctrl-C a command has this long to end in good order before it is left alone. */
const graceMs = 300;

/** What is told where the command itself has nothing better to say, with the names that it was called with. */
export function stoppedText({ afterCtrlC }: Pick<Command, 'afterCtrlC'>, call: Call): string {
  const goesOn = afterCtrlC ?? 'what was asked of the service may still happen';
  const named = goesOn.replaceAll(/\b[A-Z]+\b/g, (word) => {
    const value = call.arguments[word];
    return typeof value === 'string' ? value : word;
  });
  return `Stopped waiting; ${named}.`;
}

/**
 * Runs the command until its end, or soon after Ctrl-C an end without it.
 * @throws what the command throws; PcloudError `stopped-waiting`.
 */
export async function runInterruptibly(
  command: Command,
  call: Call,
  context: ShellContext,
): Promise<ExitCode> {
  const told = stoppedText(command, call);
  const done = new AbortController();
  let left = false;
  const interrupted = async (): Promise<never> => {
    await pause(2 ** 31 - 1, AbortSignal.any([context.signal, done.signal]));
    await pause(graceMs, done.signal);
    left = true;
    throw stoppedWaiting(told);
  };
  const guarded = guard(context, told, () => left);
  try {
    return await Promise.race([command.run(call, guarded), interrupted()]);
  } finally {
    done.abort();
  }
}

/** The same context, in which nothing begins after Ctrl-C. */
function guard(context: ShellContext, told: string, hasLeft: () => boolean): ShellContext {
  const { services, signal, runProgram } = context;
  const refuse = (): void => {
    if (signal.aborted) throw stoppedWaiting(told);
  };
  return {
    ...context,
    services: {
      cped: async () => refusing(await services.cped(), refuse),
      builder: async () => refusing(await services.builder(), refuse),
    },
    screen: silenced(context.screen, hasLeft),
    runProgram: async (file, argv) => {
      refuse();
      return await runProgram(file, argv);
    },
  };
}

/** A port whose methods refuse after Ctrl-C. */
function refusing<T extends object>(port: T, refuse: () => void): T {
  return new Proxy(port, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...values: readonly unknown[]): unknown => {
        refuse();
        return Reflect.apply(method, target, values);
      };
    },
  });
}

function silenced(screen: Screen, hasLeft: () => boolean): Screen {
  const unlessLeft =
    <A extends readonly unknown[]>(write: (...values: A) => void) =>
    (...values: A): void => {
      if (!hasLeft()) write(...values);
    };
  return {
    ...screen,
    columns: () => screen.columns(),
    rows: () => screen.rows(),
    print: unlessLeft((lines) => screen.print(lines)),
    complain: unlessLeft((lines) => screen.complain(lines)),
    live: unlessLeft((line) => screen.live(line)),
    frame: unlessLeft((lines) => screen.frame(lines)),
  };
}
