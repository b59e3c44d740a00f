/**
 * What an engine does for a build: its plan, how its steps that are more than a program are run, the proof that
 * the disk is good, and what the manifest says of how it came about. Each engine's is in a file of its own.
 */
import type { Artifact } from '../catalogue/image-directory.ts';
import type { Recipe } from '../model/recipe.ts';
import type { BuildLog } from './build-log.ts';
import type { BuilderConfig } from './config.ts';
import type { HowMade } from './describe.ts';
import type { MediumPort } from './medium-port.ts';
import type { GuestStep, InstallStep, Plan } from './plan.ts';
import type { StepProgress, StepReport } from './steps.ts';

export type Making = {
  readonly plan: Plan;
  readonly made: HowMade;
  readonly runInstall: (step: InstallStep, report: StepReport) => Promise<void>;
  readonly runGuest: (step: GuestStep, report: StepReport) => Promise<void>;
  /**
   * Proves that the build came to its end, and brings what is to stand beside the disk into `finished`.
   * @throws PcloudError `build-unproven`, `archive-changed`.
   */
  prove(finished: string): Promise<void>;
};

export type MakingContext = {
  readonly recipe: Recipe;
  readonly digest: string;
  readonly title: string;
  readonly parent: Artifact | undefined;
  readonly config: BuilderConfig;
  readonly media: MediumPort;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: StepProgress) => void;
  readonly now: () => number;
  readonly workDirectory: string;
  /** Marks the processes of this build. */
  readonly environment: Readonly<Record<string, string>>;
};

/** For an engine whose plans hold no such step. */
export async function noSuchStep(step: InstallStep | GuestStep): Promise<never> {
  throw new Error(`this engine runs no step of the kind ${step.kind} (${step.id})`);
}
