/**
 * What a plan is: a pure list of steps. Most are one program with its arguments; an install is a program in a
 * cell of its own, watched while it runs; a guest step is a machine of the builder's own. Engines make plans
 * (`engines/`), `steps.ts` runs them. Nothing here touches a file.
 */

/** A text in the program's output that tells how far the step is (0 to 1). */
export type StepMarker = { readonly text: string; readonly fraction: number };

type StepShape = {
  /** Stable identifier, such as `install`. */
  readonly id: string;
  /** For people, such as `Installing packages`. */
  readonly title: string;
  /** Files that have to be there before, and that are there after, relative to the work directory. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Share of the whole in progress, about the seconds that it takes. */
  readonly weight: number;
};

type Argv = readonly [string, ...string[]];

export type ProgramStep = StepShape & {
  readonly kind: 'program';
  /** Program and arguments; paths are relative to the build's work directory. No shell ever sees it. */
  readonly argv: Argv;
  readonly env: Readonly<Record<string, string>>;
  /** File, relative to the work directory, that the program reads as its standard input. */
  readonly stdin: string | undefined;
  readonly timeoutMs: number;
  readonly markers: readonly StepMarker[];
  /** Exit codes that mean success. */
  readonly exitCodes: readonly number[];
};

export const installTools = ['oz', 'virt-install'] as const;
export type InstallTool = (typeof installTools)[number];

export type InstallStep = StepShape & {
  readonly kind: 'install';
  readonly tool: InstallTool;
  readonly argv: Argv;
  readonly env: Readonly<Record<string, string>>;
  /** The machine that the tool makes, by its name in libvirt. */
  readonly domainName: string;
  /** Where its serial console is written to by the tool's own doing; undefined: it has to be read off its terminal. */
  readonly consoleFile: string | undefined;
  /** Whether the machine may reach this host's loopback address: the mirror is there. */
  readonly hostLoopback: boolean;
  /** Directory of the host that is served inside the cell: an install tree on disk. */
  readonly served: string | null;
};

/** The console of a build's machine, and its last screen, relative to the work directory. */
export const consoleFileName = 'console.log';

/** What it does is in its recipe, and what its making knows. */
export type GuestStep = StepShape & { readonly kind: 'guest' };

export type Step = ProgramStep | InstallStep | GuestStep;

/** A file that the worker writes before the first step. */
export type PlanFile = {
  readonly path: string;
  readonly content: string;
  /** Readable by the builder's user alone: it may hold the hash of a password. */
  readonly isSecret?: true;
  /** Mode 0755. */
  readonly isExecutable?: true;
};
/** A file or directory of the host that the worker copies before the first step. */
export type PlanCopy = { readonly from: string; readonly to: string };

export type Plan = {
  readonly files: readonly PlanFile[];
  readonly copies: readonly PlanCopy[];
  /** Empty directories to make, relative to the work directory. */
  readonly directories: readonly string[];
  readonly steps: readonly Step[];
  /** Free space that the build needs at its peak, in bytes. */
  readonly neededBytes: number;
};

/** A step that is a program, with the usual settings; `id`, `title` and `argv` are its own. */
export function step(
  own: Pick<ProgramStep, 'id' | 'title' | 'argv'> & Partial<Omit<ProgramStep, 'kind'>>,
): ProgramStep {
  return {
    kind: 'program',
    env: {},
    stdin: undefined,
    inputs: [],
    outputs: [],
    weight: 1,
    timeoutMs: 5 * 60_000,
    markers: [],
    exitCodes: [0],
    ...own,
  };
}

/** Percent of the plan done (0 to 100) when `fraction` of the step at `index` is. */
export function percentDone(steps: readonly Step[], index: number, fraction: number): number {
  const total = steps.reduce((sum, one) => sum + one.weight, 0);
  const before = steps.slice(0, index).reduce((sum, one) => sum + one.weight, 0);
  const within = (steps[index]?.weight ?? 0) * Math.min(1, Math.max(0, fraction));
  return total === 0 ? 0 : Math.round(((before + within) / total) * 1000) / 10;
}
