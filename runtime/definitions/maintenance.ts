/**
 * The operator's commands on maintenance (monitored and reported, not acted on) and on how many assemblies may
 * be starting at once. Both are kept in the store and told to the supervisor, at once and when the service
 * starts; what "not acted on" means is the supervisor's.
 */
import { PcloudError } from '../../model/errors.ts';
import {
  checkTargetWord,
  maxMaintenanceMs,
  maxStartLimit,
  minMaintenanceMs,
  parseMaintenanceKey,
  targetForms,
} from '../../model/maintenance.ts';
import { quoteForMessage } from '../../model/names.ts';
import type { MaintenanceTarget } from '../control.ts';
import { maintenanceKey, maintenanceOf } from '../supervisor/maintenance.ts';
import type { MaintainedPlace } from '../supervisor/maintenance.ts';
import { findAssembly, findDeployable, findResource } from './context.ts';
import type { DefinitionContext } from './context.ts';
import { conflict } from './refusals.ts';
import type { StoredMaintenance } from './store.ts';

/**
 * Begins a maintenance, or replaces the one on the same target.
 * @param word a name, `ASSEMBLY/RESOURCE`, or one of the forms of `maintenanceKey`.
 * @param forMs how long, `minMaintenanceMs` to `maxMaintenanceMs`; null: until it is cleared.
 * @throws PcloudError `bad-target`, `bad-duration`, `unknown-…`, `ambiguous-target`.
 */
export function setMaintenance(
  context: DefinitionContext,
  word: string,
  forMs: number | null,
): StoredMaintenance {
  if (forMs !== null && !(forMs >= minMaintenanceMs && forMs <= maxMaintenanceMs))
    throw new PcloudError({
      code: 'bad-duration',
      category: 'invalid',
      message: `A maintenance of ${forMs} ms is too short or too long.`,
      hint: 'It lasts from a second to 366 days, such as `maintenance_set TARGET --for 30m`; without --for until it is cleared.',
    });
  const nowMs = context.nowMs();
  const made = context.store.transaction(() => {
    const target = targetOf(context, word);
    const untilMs = forMs === null ? null : nowMs + forMs;
    dropPassed(context);
    context.store.saveMaintenance(maintenanceKey(target), untilMs, nowMs, null);
    return { target, untilMs, setAtMs: nowMs, window: null };
  });
  context.control.maintain({ target: made.target, untilMs: made.untilMs });
  return made;
}

export type EndedMaintenance = {
  readonly target: MaintenanceTarget;
  /** A maintenance of what it stands in goes on, until then; null: there is none. */
  readonly goesOn: { readonly untilMs: number | null } | null;
};

/**
 * Ends a maintenance: what failed meanwhile is recovered now.
 * @throws PcloudError `bad-target`, `unknown-…`, `ambiguous-target`, `not-in-maintenance`.
 */
export function clearMaintenance(context: DefinitionContext, word: string): EndedMaintenance {
  const target = context.store.transaction(() => {
    dropPassed(context);
    const found = targetOf(context, word);
    if (!context.store.deleteMaintenance(maintenanceKey(found))) throw notInMaintenance(context, found);
    return found;
  });
  context.control.endMaintenance(target);
  return { target, goesOn: maintenanceAt(context, placeOf(context, target)) };
}

/** Those that hold now, by target. */
export function listMaintenance(context: DefinitionContext): readonly StoredMaintenance[] {
  return context.store.maintenances().filter(({ untilMs }) => untilMs === null || untilMs > context.nowMs());
}

/** What a place is under, by itself or by what it stands in; the longest. */
export function maintenanceAt(
  context: Pick<DefinitionContext, 'store' | 'nowMs'>,
  place: Partial<MaintainedPlace>,
): { readonly untilMs: number | null } | null {
  const book = new Map(context.store.maintenances().map((one) => [maintenanceKey(one.target), one]));
  // A deployable of no name has no maintenance: an assembly may be in none.
  return maintenanceOf(book, { ...place, deployable: place.deployable ?? '' }, context.nowMs());
}

/** The targets of stored maintenances that match, to be ended when what they are set on goes. */
export function maintainedTargets(
  context: DefinitionContext,
  matches: (maintenance: StoredMaintenance) => boolean,
): readonly MaintenanceTarget[] {
  return context.store
    .maintenances()
    .filter(matches)
    .map(({ target }) => target);
}

/** @param slots 1 to 1000; null: the host's default. @throws PcloudError `bad-limit`. */
export function setStartLimit(context: DefinitionContext, slots: number | null): void {
  if (slots !== null && !(Number.isSafeInteger(slots) && slots >= 1 && slots <= maxStartLimit))
    throw new PcloudError({
      code: 'bad-limit',
      category: 'invalid',
      message: `${slots} is no limit for how many assemblies may be starting at once.`,
      hint: `Give a number from 1 to ${maxStartLimit}, or "default".`,
    });
  context.store.setStartLimit(slots);
  context.control.limitStarts(slots);
}

/**
 * What the supervisor is told when the service starts, before any plan: the limit of starts, and maintenances.
 * Those that passed while the service was away are not kept any longer; the supervisor tells that they are over.
 */
export function applyStandingOrders(context: DefinitionContext): void {
  const all = context.store.maintenances();
  context.store.transaction(() => dropPassed(context));
  for (const { window, ...maintenance } of all)
    context.control.maintain({ ...maintenance, ...(window === null ? {} : { window }), known: true });
  const slots = context.store.startLimit();
  if (slots !== null) context.control.limitStarts(slots);
}

function dropPassed(context: DefinitionContext): void {
  const nowMs = context.nowMs();
  for (const target of maintainedTargets(context, ({ untilMs }) => untilMs !== null && untilMs <= nowMs))
    context.store.deleteMaintenance(maintenanceKey(target));
}

/**
 * Whatever the word means exactly; a plain name that two things have is left to the operator.
 * @throws PcloudError `bad-target`, `unknown-…`, `ambiguous-target`.
 */
export function targetOf(context: DefinitionContext, word: string): MaintenanceTarget {
  const explicit = parseMaintenanceKey(checkTargetWord(word));
  if (explicit !== undefined) return existing(context, explicit);
  const [first = '', second] = word.split('/');
  if (second !== undefined) return existing(context, { kind: 'resource', assembly: first, resource: second });
  const deployable = context.store.deployable(first);
  const assembly = context.store.assembly(first);
  if (deployable !== undefined && assembly !== undefined)
    throw conflict(
      'ambiguous-target',
      `${first} is the name of a deployable and of an assembly.`,
      `Say which: deployable:${first} or assembly:${first}.`,
    );
  if (deployable !== undefined) return { kind: 'deployable', deployable: first };
  if (assembly !== undefined) return { kind: 'assembly', assembly: first };
  throw unknownTarget(context, first);
}

function existing(context: DefinitionContext, target: MaintenanceTarget): MaintenanceTarget {
  if (target.kind === 'deployable') findDeployable(context, target.deployable);
  else {
    const assembly = findAssembly(context, target.assembly);
    if (target.kind === 'resource') findResource(assembly, target.resource);
  }
  return target;
}

/** A resource is meant often enough by its own name; then its whole form is told. */
function unknownTarget(context: DefinitionContext, name: string): PcloudError {
  const resources = context.store
    .assemblies()
    .flatMap((assembly) => assembly.resources.map((resource) => ({ assembly, resource })))
    .filter(({ resource }) => resource.name === name)
    .map(({ assembly, resource }) => `${assembly.name}/${resource.name}`);
  if (resources.length === 0)
    return new PcloudError({
      code: 'unknown-target',
      category: 'not-found',
      message: `There is no deployable and no assembly ${quoteForMessage(name)}.`,
      hint: `${targetForms} \`deployable_status\` shows them all.`,
    });
  return conflict(
    'ambiguous-target',
    `${quoteForMessage(name)} is the name of a resource, and says not of which assembly.`,
    `Say which: ${resources.slice(0, 5).join(' or ')}.`,
  );
}

function notInMaintenance(context: DefinitionContext, target: MaintenanceTarget): PcloudError {
  const { deployable, assembly } = placeOf(context, target);
  const outer = listMaintenance(context)
    .map((one) => maintenanceKey(one.target))
    .filter((key) => key === `deployable:${deployable}` || key === `assembly:${assembly}`)
    .filter((key) => key !== maintenanceKey(target));
  return conflict(
    'not-in-maintenance',
    `No maintenance is set on ${maintenanceKey(target)}.`,
    outer[0] === undefined
      ? '`maintenance_list` shows where there is one.'
      : `It is under that of ${outer.join(' and ')}: \`maintenance_clear ${outer[0]}\`.`,
  );
}

function placeOf(context: DefinitionContext, target: MaintenanceTarget): Partial<MaintainedPlace> {
  if (target.kind === 'deployable') return { deployable: target.deployable };
  const deployable = context.store.deployableOf(target.assembly)?.name;
  return {
    ...(deployable === undefined ? {} : { deployable }),
    assembly: target.assembly,
    ...(target.kind === 'resource' ? { resource: target.resource } : {}),
  };
}
