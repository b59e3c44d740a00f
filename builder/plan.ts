/**
 * What a plan is: a pure list of steps, each one program with its arguments. Engines make plans
 * (`engines/`), `steps.ts` runs them. Nothing here touches a file.
 */

/** A text in the program's output that tells how far the step is (0 to 1). */
export type StepMarker = { readonly text: string; readonly fraction: number };

export type Step = {
  /** Stable identifier, such as `install`. */
  readonly id: string;
  /** For people, such as `Installing packages`. */
  readonly title: string;
  /** Program and arguments; paths are relative to the build's work directory. No shell ever sees it. */
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** File, relative to the work directory, that the program reads as its standard input. */
  readonly stdin: string | undefined;
  /** Files that have to be there before, and that are there after, relative to the work directory. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Share of the whole in progress, about the seconds that it takes. */
  readonly weight: number;
  readonly timeoutMs: number;
  readonly markers: readonly StepMarker[];
  /** Exit codes that mean success. */
  readonly exitCodes: readonly number[];
};

/** A file that the worker writes before the first step. */
export type PlanFile = { readonly path: string; readonly content: string };
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

/** A step with the usual settings; `id`, `title` and `argv` are its own. */
export function step(own: Pick<Step, 'id' | 'title' | 'argv'> & Partial<Step>): Step {
  return {
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
