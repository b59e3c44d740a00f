/**
 * Maintenance: what the operator asked to have monitored and reported, but not acted on, and until when.
 * Bookkeeping and its events; what "not acted on" means stands where one would act, and how care begins
 * again afterwards in `maintenance-end.ts`.
 */
import type { Maintenance, MaintenanceTarget } from '../control.ts';
import { tell } from './record.ts';
import type { AssemblyState, KeptMaintenance, ResourceState, SupervisorState, Turn } from './state.ts';
import { subject } from './wording.ts';

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
  book: ReadonlyMap<string, Pick<Maintenance, 'untilMs'>>,
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

/** The maintenance of an assembly, or of a resource in it, at this moment. */
export function maintained(
  turn: Turn,
  assembly: AssemblyState,
  resource?: ResourceState,
): { readonly untilMs: number | null } | null {
  const place = {
    deployable: assembly.deployable,
    assembly: assembly.plan.name,
    resource: resource?.plan.name,
  };
  return maintenanceOf(turn.state.maintenance, place, turn.now.wallMs);
}

/**
 * Whether an assembly is in a maintenance that an earlier service was given: what is off there since then was
 * left off on purpose.
 */
export function maintainedBefore(turn: Turn, assembly: AssemblyState): boolean {
  if (maintained(turn, assembly) === null) return false;
  return [`deployable:${assembly.deployable}`, `assembly:${assembly.plan.name}`].some(
    (key) => turn.state.maintenance.get(key)?.known === true,
  );
}

/** Sets it, or replaces what was set on the same target. */
export function setMaintenance(turn: Turn, maintenance: Maintenance): void {
  const { untilMs, target, window } = maintenance;
  turn.state.maintenance.set(maintenanceKey(target), {
    ...maintenance,
    warnAtMs: warnAtMs(turn, maintenance),
  });
  if (maintenance.known === true) return;
  const { place, words } = placeOfTarget(turn.state, target);
  tell(
    turn,
    'maintenance-begun',
    'info',
    place,
    window === undefined
      ? `${words} is in MAINTENANCE ${untilWords(untilMs)}: monitored and reported, not acted on.`
      : `${words} is in MAINTENANCE ${untilWords(untilMs)}, as a window of it has begun (${window}): monitored and reported, not acted on.`,
    {
      facts: {
        ...(untilMs === null ? {} : { untilMs }),
        ...(window === undefined ? {} : { window }),
      },
    },
  );
}

/** Tells that a maintenance is over; what it covered is looked after by `maintenance-end.ts`. */
export function tellMaintenanceEnded(turn: Turn, { target, window }: Maintenance, byItself: boolean): void {
  const { place, words } = placeOfTarget(turn.state, target);
  const how = !byItself
    ? 'a person ended it'
    : window === undefined
      ? 'its time is up'
      : 'its window is over';
  tell(
    turn,
    'maintenance-ended',
    'info',
    place,
    `${words} is out of maintenance (${how}): looked after again.`,
  );
}

/** When the end is warned of; null when it has none, or a service before us was there to warn of it. */
function warnAtMs(turn: Turn, { untilMs, known, setAtMs }: Maintenance): number | null {
  if (untilMs === null) return null;
  const lengthMs = Math.max(0, untilMs - (setAtMs ?? turn.now.wallMs));
  const atMs = untilMs - Math.min(turn.state.limits.maintenanceWarningMs, lengthMs / 2);
  return known === true && atMs <= turn.now.wallMs ? null : atMs;
}

/** The warning before a maintenance ends by itself. */
export function warnOfEnd(turn: Turn, kept: KeptMaintenance): void {
  if (kept.warnAtMs === null || kept.untilMs === null || turn.now.wallMs < kept.warnAtMs) return;
  turn.state.maintenance.set(maintenanceKey(kept.target), { ...kept, warnAtMs: null });
  const { place, words } = placeOfTarget(turn.state, kept.target);
  tell(
    turn,
    'maintenance-ending',
    'warning',
    place,
    `${words} leaves maintenance at ${clockTime(kept.untilMs)}: what has failed by then is recovered. To go on: maintenance_set.`,
  );
}

/** `until 03:14 UTC on 2026-01-31`, or `until maintenance_clear`. */
export function untilWords(untilMs: number | null): string {
  return untilMs === null ? 'until maintenance_clear' : `until ${clockTime(untilMs)}`;
}

/** The supervisor knows no time zone; a terminal shows its own beside the event. */
function clockTime(wallMs: number): string {
  const [date, time] = new Date(wallMs).toISOString().split('T');
  return `${time?.slice(0, 5)} UTC on ${date}`;
}

/** What is in maintenance need not be known here: a deployable that was never started. */
function placeOfTarget(
  state: SupervisorState,
  target: MaintenanceTarget,
): { place: { deployable: string; assembly?: string; resource?: string }; words: string } {
  if (target.kind === 'deployable')
    return { place: { deployable: target.deployable }, words: subject(target.deployable) };
  const { assembly } = target;
  const deployable = state.assemblies.get(assembly)?.deployable ?? '';
  if (target.kind === 'assembly')
    return { place: { deployable, assembly }, words: subject(deployable, assembly) };
  const { resource } = target;
  return {
    place: { deployable, assembly, resource },
    words: subject(deployable, assembly, resource),
  };
}
