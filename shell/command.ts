/**
 * What a command is: its declaration, from which parsing, help, completion, the reference page and the tests
 * come, and the function that runs it. It does not parse (`bind.ts`) and lists no commands
 * (`command-table.ts`).
 */
import type { Architecture, Monitoring } from '../model/definition.ts';
import type { Weekday } from '../model/maintenance-window.ts';
import type { ShellContext } from './context.ts';
import type { Moment } from './duration.ts';

/** What each kind of argument becomes once it is read. */
export type ArgumentValues = {
  readonly release: string;
  readonly architecture: Architecture;
  readonly assembly: string;
  readonly deployable: string;
  readonly resource: string;
  readonly secret: string;
  readonly template: string;
  /** First digits of a build's digest, at least six. */
  readonly build: string;
  /** Id of an incident, such as `12`. */
  readonly incident: string;
  /** Name of a command of the shell. */
  readonly command: string;
  /** A number of failures, or `never`. */
  readonly failures: number | 'never';
  /** A period in milliseconds, or `never`. */
  readonly period: number | 'never';
  readonly monitoring: Monitoring;
  /** A deployable, an assembly, or `ASSEMBLY/RESOURCE`, in any form that the service knows. */
  readonly target: string;
  /** `day`, a day of the week, or several with commas between. */
  readonly weekdays: Weekday[];
  /** Such as `03:00`. */
  readonly timeOfDay: string;
  /** Milliseconds. */
  readonly duration: number;
  /** A number of assemblies, or null for `default`. */
  readonly startLimit: number | null;
  /** Words that are passed on as they are. */
  readonly text: string;
};
export type ArgumentKind = keyof ArgumentValues;

export type ArgumentSpec = {
  /** As the usage shows it: `NAME`. */
  readonly name: string;
  readonly kind: ArgumentKind;
  /** `optional` ones follow the required ones; `rest` is last and takes every word that is left, verbatim. */
  readonly presence: 'required' | 'optional' | 'rest';
  /** One line for the help. */
  readonly about: string;
  /** A name that the command makes: completion offers no existing ones. */
  readonly isNew?: true;
};

export type OptionValues = {
  readonly flag: true;
  /** Milliseconds. */
  readonly duration: number;
  readonly count: number;
  /** A point in time: so long ago, or at that time. */
  readonly moment: Moment;
  readonly deployable: string;
  /** A word that is passed on as it is. */
  readonly text: string;
};

export type OptionSpec = {
  /** Without the dashes. */
  readonly name: string;
  /** One letter that means the same, after one dash. */
  readonly short?: string;
  readonly kind: keyof OptionValues;
  /** As the usage shows the value: `TIME`; none for a flag. */
  readonly value?: string;
  /** What the value may be, where that is known; completion offers them. */
  readonly values?: readonly string[];
  readonly about: string;
};

type BoundArgument<S extends ArgumentSpec> = S['presence'] extends 'rest'
  ? readonly ArgumentValues[S['kind']][]
  : S['presence'] extends 'optional'
    ? ArgumentValues[S['kind']] | undefined
    : ArgumentValues[S['kind']];

/** The arguments of a call by their names in the usage. */
export type BoundArguments<A extends readonly ArgumentSpec[]> = {
  readonly [S in A[number] as S['name']]: BoundArgument<S>;
};
/** The options of a call by their names; undefined where they were not given. */
export type BoundOptions<O extends readonly OptionSpec[]> = {
  readonly [S in O[number] as S['name']]: OptionValues[S['kind']] | undefined;
};

/** 0 done; 1 not done; 2 the input can never work; 130 the operator stopped waiting. `assembly_ssh`: ssh's own. */
export type ExitCode = number;

export type Topic =
  | 'JEOS images'
  | 'builds'
  | 'install media'
  | 'assemblies'
  | 'resources'
  | 'escalation'
  | 'order and parameters'
  | 'maintenance'
  | 'deployables'
  | 'incidents'
  | 'shell';

type Declaration = {
  readonly name: string;
  readonly topic: Topic;
  /** One line, imperative, without a full stop. */
  readonly summary: string;
  /** Paragraphs of help; each string is one paragraph. */
  readonly help: readonly string[];
  /** A line that can be typed as it stands. */
  readonly example: string;
  /** Exit codes beyond the common 0, 1 and 2, or what they mean in particular. */
  readonly exitCodes?: readonly (readonly [code: string, meaning: string])[];
  /**
   * Of a command that waits: what goes on after Ctrl-C and how to look at it, as the rest of "Stopped waiting; …",
   * without a full stop. Names of arguments in it become what they were called with.
   */
  readonly afterCtrlC?: string;
  /** Other names of the same command. */
  readonly aliases?: readonly string[];
};

/** A call after binding; which fields are there is what the command declared. */
export type Call = {
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
};

export type Command = Declaration & {
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  run(call: Call, context: ShellContext): Promise<ExitCode>;
};

/**
 * Declares a command with its run function typed by its arguments and options. `run` returns the exit code,
 * or nothing for 0; what it throws is shown as an error.
 */
export function defineCommand<
  const A extends readonly ArgumentSpec[],
  const O extends readonly OptionSpec[] = readonly [],
>(
  declaration: Declaration & {
    readonly arguments: A;
    readonly options?: O;
    readonly run: (
      args: BoundArguments<A>,
      context: ShellContext,
      options: BoundOptions<O>,
    ) => Promise<ExitCode | void>;
  },
): Command {
  return {
    ...declaration,
    options: declaration.options ?? [],
    // The one place where the erased call gets its types back: `bind.ts` fills exactly what is declared.
    run: async (call, context) =>
      (await declaration.run(
        call.arguments as BoundArguments<A>,
        context,
        call.options as BoundOptions<O>,
      )) ?? 0,
  };
}

/** An option that every list and the status have. */
export const jsonOption = {
  name: 'json',
  kind: 'flag',
  about: 'print one line of JSON (shapes: docs/pcloudsh.md)',
} as const satisfies OptionSpec;

/** `assembly_create NAME RELEASE ARCH`, as help and error messages show it. */
export function usageOf(command: Command): string {
  const options = command.options.map((option) => `[${optionText(option)}]`);
  return [command.name, ...usageOfArguments(command.arguments), ...options].join(' ');
}

/** `--timeout TIME`, `-f|--follow`. */
export function optionText({ name, short, value }: OptionSpec): string {
  return `${short === undefined ? '' : `-${short}|`}--${name}${value === undefined ? '' : ` ${value}`}`;
}

function usageOfArguments(specs: readonly ArgumentSpec[]): readonly string[] {
  return specs.map(({ name, presence }) => {
    switch (presence) {
      case 'required':
        return name;
      case 'optional':
        return `[${name}]`;
      case 'rest':
        return `[${name}…]`;
    }
  });
}
