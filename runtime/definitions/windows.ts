/**
 * The operator's commands on windows of maintenance that come back, and the beginning of those that are due: then
 * the target is put under maintenance until the occurrence ends, as by `maintenance_set`, and everything else is as
 * there. Each occurrence is begun once, whatever the clock or a person does after that.
 */
import { PcloudError } from '../../model/errors.ts';
import { maxWindows, occurrenceAt, windowKey, windowText } from '../../model/maintenance-window.ts';
import type { MaintenanceWindow } from '../../model/maintenance-window.ts';
import { isSameData } from '../../model/service-file/equal.ts';
import type { SupervisorControl } from '../control.ts';
import { maintenanceKey } from '../supervisor/maintenance.ts';
import type { DefinitionContext } from './context.ts';
import { targetOf } from './maintenance.ts';
import { conflict } from './refusals.ts';
import type { DefinitionStore, KeptWindow, KeptWindows, WindowTarget } from './store.ts';

/** A clock that was set back by more shows that what was begun after it was begun by a wrong clock. */
const wrongClockMs = 3_600_000;

/** A change of a target's windows. A window that is under way is in force at once. */
type Edit = (windows: readonly MaintenanceWindow[], key: string) => readonly MaintenanceWindow[];

/**
 * All windows of a target at once.
 * @param word a deployable or an assembly, plain or in one of the forms of `maintenanceKey`.
 * @throws PcloudError `bad-target`, `unknown-…`, `ambiguous-target`.
 */
export function setWindows(
  context: DefinitionContext,
  word: string,
  windows: readonly MaintenanceWindow[],
): KeptWindows {
  return editWindows(context, word, () => windows);
}

/**
 * One more, or in place of the one of the same days and time.
 * @throws PcloudError as `setWindows`, and `too-many-windows`.
 */
export function addWindow(context: DefinitionContext, word: string, window: MaintenanceWindow): KeptWindows {
  return editWindows(context, word, (windows, key) => {
    const others = windows.filter((one) => windowKey(one) !== windowKey(window));
    if (others.length >= maxWindows)
      throw conflict(
        'too-many-windows',
        `${key} has ${others.length} windows of maintenance, which is the most.`,
        `Remove one: \`maintenance_list\` shows them.`,
      );
    return [...others, window];
  });
}

/** @throws PcloudError as `setWindows`, and `unknown-window`. */
export function removeWindow(
  context: DefinitionContext,
  word: string,
  which: Pick<MaintenanceWindow, 'every' | 'at'>,
): KeptWindows {
  return editWindows(context, word, (windows, key) => {
    const others = windows.filter((one) => windowKey(one) !== windowKey(which));
    if (others.length < windows.length) return others;
    throw new PcloudError({
      code: 'unknown-window',
      category: 'not-found',
      message: `${key} has no window of maintenance on those days at ${which.at}.`,
      hint: windows.length === 0 ? 'It has none at all.' : `It has: ${windows.map(windowText).join('; ')}.`,
    });
  });
}

function editWindows(context: DefinitionContext, word: string, edit: Edit): KeptWindows {
  const changed = context.store.transaction(() => {
    const target = windowTargetOf(context, word);
    const key = maintenanceKey(target);
    const before = context.store.maintenanceWindowsOf(key);
    const windows = edit(before.map(withoutMark), key).map((window): KeptWindow => {
      const same = before.find((one) => isSameData(withoutMark(one), window));
      return { ...window, begunMs: same?.begunMs ?? null };
    });
    context.store.saveMaintenanceWindows(key, windows);
    return { target, windows };
  });
  beginWindows(context);
  return changed;
}

function withoutMark({ begunMs: _begunMs, ...window }: KeptWindow): MaintenanceWindow {
  return window;
}

/** The windows of a target, as they were said. */
export function windowsOfTarget(
  context: Pick<DefinitionContext, 'store'>,
  target: WindowTarget,
): MaintenanceWindow[] {
  return context.store.maintenanceWindowsOf(maintenanceKey(target)).map(withoutMark);
}

function windowTargetOf(context: DefinitionContext, word: string): WindowTarget {
  const target = targetOf(context, word);
  if (target.kind !== 'resource') return target;
  throw new PcloudError({
    code: 'bad-target',
    category: 'invalid',
    message: `${target.assembly}/${target.resource} is a resource, and windows of maintenance are of an assembly or a deployable.`,
    hint: `For now: \`maintenance_set ${target.assembly}/${target.resource} --for 2h\`. For its whole machine: \`maintenance_window_add ${target.assembly} …\`.`,
  });
}

/** What the beginning of windows needs; a scenario has less than a whole service. */
export type WindowContext = {
  readonly store: Pick<
    DefinitionStore,
    | 'transaction'
    | 'maintenances'
    | 'saveMaintenance'
    | 'deleteMaintenance'
    | 'maintenanceWindows'
    | 'saveMaintenanceWindows'
  >;
  readonly control: Pick<SupervisorControl, 'maintain'>;
  readonly nowMs: () => number;
};

/** Puts under maintenance what a window has begun for. Called often, when the service starts, and after a change. */
export function beginWindows(context: WindowContext): void {
  const nowMs = context.nowMs();
  for (const kept of context.store.maintenanceWindows()) {
    const due = dueOf(kept.windows, nowMs);
    if (due !== null) beginOf(context, kept.target, due, nowMs);
  }
}

function beginOf(context: WindowContext, target: WindowTarget, due: Due, nowMs: number): void {
  const key = maintenanceKey(target);
  const told = context.store.transaction(() => {
    context.store.saveMaintenanceWindows(key, due.windows);
    const present = context.store
      .maintenances()
      .find((one) => maintenanceKey(one.target) === key && (one.untilMs === null || one.untilMs > nowMs));
    const isVoid = due.clockWasWrong && present !== undefined && present.window !== null;
    const holds = isVoid ? undefined : present;
    if (due.begins !== null && !(holds !== undefined && endOf(holds) >= due.begins.untilMs)) {
      context.store.saveMaintenance(key, due.begins.untilMs, nowMs, due.begins.window);
      return due.begins;
    }
    if (!isVoid) return null;
    context.store.deleteMaintenance(key);
    // Over now: the supervisor says so at its next tick.
    return { untilMs: nowMs, window: present.window ?? '', known: true };
  });
  if (told !== null) context.control.maintain({ target, ...told });
}

function endOf({ untilMs }: { readonly untilMs: number | null }): number {
  return untilMs ?? Number.POSITIVE_INFINITY;
}

export type Due = {
  /** All of them, those that begin marked. */
  readonly windows: readonly KeptWindow[];
  /** The longest of what begins, in words. */
  readonly begins: { readonly untilMs: number; readonly window: string } | null;
  /** Something was begun at a time that is far ahead of now. */
  readonly clockWasWrong: boolean;
};

/** Which of a target's windows begin now; null when nothing has to be done. Pure. */
export function dueOf(windows: readonly KeptWindow[], nowMs: number): Due | null {
  let begins: Due['begins'] = null;
  let clockWasWrong = false;
  const marked = windows.map((window): KeptWindow => {
    const isAhead = window.begunMs !== null && window.begunMs > nowMs + wrongClockMs;
    const begunMs = isAhead ? null : window.begunMs;
    clockWasWrong ||= isAhead;
    const occurrence = occurrenceAt(window, nowMs);
    if (occurrence === null || (begunMs !== null && occurrence.startMs <= begunMs))
      return { ...window, begunMs };
    if (begins === null || occurrence.endMs > begins.untilMs)
      begins = { untilMs: occurrence.endMs, window: windowText(window) };
    return { ...window, begunMs: occurrence.startMs };
  });
  return begins === null && !clockWasWrong ? null : { windows: marked, begins, clockWasWrong };
}
