/**
 * The part of the supervisor that a simulated run drives: the one of this checkout, or a copy of it elsewhere
 * that somebody has changed on purpose (`mutants.test.ts`). The world knows nothing else of its insides.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { defaultLimits } from '../../runtime/supervisor/limits.ts';
import { initialState } from '../../runtime/supervisor/state.ts';
import { step } from '../../runtime/supervisor/step.ts';
import { viewDeployable } from '../../runtime/supervisor/view.ts';

export type Core = {
  readonly defaultLimits: typeof defaultLimits;
  readonly initialState: typeof initialState;
  readonly step: typeof step;
  readonly viewDeployable: typeof viewDeployable;
};

export const ownCore: Core = { defaultLimits, initialState, step, viewDeployable };

/** The core that stands in a directory laid out like `runtime/supervisor`. */
export async function loadCore(directory: string): Promise<Core> {
  const of = (file: string): Promise<unknown> => import(pathToFileURL(path.join(directory, file)).href);
  const [limits, state, steps, view] = await Promise.all([
    of('limits.ts'),
    of('state.ts'),
    of('step.ts'),
    of('view.ts'),
  ]);
  return { ...(limits as object), ...(state as object), ...(steps as object), ...(view as object) } as Core;
}
