/**
 * Maintenance: what the operator asked to have monitored and reported, but not acted on, and until when.
 * Pure bookkeeping over the supervisor's state; what "not acted on" means stands where one would act.
 */
import type { Maintenance, MaintenanceTarget } from '../control.ts';

/** Set maintenances by `maintenanceKey`. */
export type MaintenanceBook = Map<string, Maintenance>;

/** `deployable:D`, `assembly:A` or `resource:A/R`, as the operator may write it too. */
export function maintenanceKey(target: MaintenanceTarget): string {
  switch (target.kind) {
    case 'deployable':
      return `deployable:${target.deployable}`;
    case 'assembly':
      return `assembly:${target.assembly}`;
    case 'resource':
      return `resource:${target.assembly}/${target.resource}`;
  }
}

/** Where something stands: a deployable, an assembly in it, a resource in that. */
export type MaintainedPlace = {
  readonly deployable: string;
  readonly assembly?: string | undefined;
  readonly resource?: string | undefined;
};

/**
 * The maintenance that a place is under, by itself or by what it stands in; of several the longest. Null when
 * there is none, or when all have passed at `nowWallMs`.
 */
export function maintenanceOf(
  book: ReadonlyMap<string, Maintenance>,
  place: MaintainedPlace,
  nowWallMs: number,
): { readonly untilMs: number | null } | null {
  if (book.size === 0) return null;
  const keys = [`deployable:${place.deployable}`];
  if (place.assembly !== undefined) {
    keys.push(`assembly:${place.assembly}`);
    if (place.resource !== undefined) keys.push(`resource:${place.assembly}/${place.resource}`);
  }
  let longest: { readonly untilMs: number | null } | null = null;
  for (const key of keys) {
    const found = book.get(key);
    if (found === undefined || (found.untilMs !== null && found.untilMs <= nowWallMs)) continue;
    if (longest === null || endOf(found) > endOf(longest)) longest = { untilMs: found.untilMs };
  }
  return longest;
}

function endOf({ untilMs }: { readonly untilMs: number | null }): number {
  return untilMs ?? Number.POSITIVE_INFINITY;
}
