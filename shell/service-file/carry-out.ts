/**
 * The changes of a plan, each asked of the service by the call that the command for it makes, too, until all are made
 * or Ctrl-C comes in between.
 */
import type { Change } from '../../model/service-file/change.ts';
import { tellChange } from '../../model/service-file/change.ts';
import { placeWord } from '../../model/network-attachment.ts';
import { pause, stoppedWaiting } from '../context.ts';
import type { ShellContext } from '../context.ts';
import type { CpedPort } from '../ports.ts';

export type CarryOut = {
  readonly cped: CpedPort;
  readonly deployable: string;
  /** By name; null: the service draws it. */
  readonly secrets: ReadonlyMap<string, string | null>;
};

/** @param note what is to be told of the change besides; null: nothing. */
export type OnMade = (change: Change, note: string | null, context: ShellContext) => void;

/** After Ctrl-C the change that was asked for last has this long to be answered. */
const graceMs = 200;

/**
 * Makes one change after the other.
 * @param how.again the command that goes on where this was stopped
 * @throws PcloudError the service's refusal; `stopped-waiting`, which says how far it came. What was changed stands.
 */
export async function carryOutAll(
  changes: readonly Change[],
  what: CarryOut,
  how: { readonly again: string; readonly onMade: OnMade },
  context: ShellContext,
): Promise<void> {
  const end = new AbortController();
  const late = tooLate(context.signal, end.signal);
  try {
    for (const [made, change] of changes.entries()) {
      if (context.signal.aborted) throw stoppedAt(changes, made, how.again, null);
      const asked = carryOut(change, what).then((note) => ({ note }));
      const answer = await Promise.race([asked, late]);
      if (answer === false) throw stoppedAt(changes, made, how.again, change);
      how.onMade(change, answer.note, context);
    }
  } finally {
    end.abort();
  }
}

/** False, a moment after Ctrl-C, or at the end. */
async function tooLate(signal: AbortSignal, end: AbortSignal): Promise<false> {
  await pause(2 ** 31 - 1, AbortSignal.any([signal, end]));
  await pause(graceMs, end);
  return false;
}

/** Counted as they are shown: some changes are told as a part of others. */
function stoppedAt(
  changes: readonly Change[],
  made: number,
  again: string,
  unanswered: Change | null,
): Error {
  const count = (some: readonly Change[]): number =>
    some.filter((change) => tellChange(change) !== undefined).length;
  const what = unanswered === null ? undefined : tellChange(unanswered)?.text;
  const named = what === undefined ? '' : ` (${what})`;
  const open = unanswered === null ? '' : `, and one was asked for without an answer${named}`;
  return stoppedWaiting(
    `Stopped: ${count(changes.slice(0, made))} of ${count(changes)} changes are made${open}; what was changed stands. ${again} goes on, with --diff it shows what is left.`,
  );
}

/** @throws PcloudError the service's refusal. */
async function carryOut(change: Change, { cped, deployable, secrets }: CarryOut): Promise<string | null> {
  switch (change.kind) {
    case 'create-deployable':
      return done(await cped.createDeployable(deployable, change.monitoring));
    case 'set-secret':
      return done(await cped.setSecret(deployable, change.secret, secrets.get(change.secret) ?? null, false));
    case 'remove-secret':
      return done(await cped.removeSecret(deployable, change.secret));
    case 'set-deployable-escalation':
      return done(await cped.setDeployableEscalation(deployable, change.policy));
    case 'set-alerts':
      return done(await cped.setAlerts(deployable, change.alerts));
    case 'set-maintenance-windows':
      return done(
        await cped.setWindows(
          change.assembly === null ? `deployable:${deployable}` : `assembly:${change.assembly}`,
          change.windows,
        ),
      );
    case 'create-assembly':
      return done(await cped.createAssembly(change.assembly, change.release, change.architecture));
    case 'set-machine': {
      const { ports, ...rest } = change.to;
      const machine = { ...rest, ...(ports === undefined ? {} : { ports: [...ports] }) };
      return done(await cped.setMachine(change.assembly, machine));
    }
    case 'set-disk':
      return done(await cped.setDisk(change.assembly, change.disk, change.to));
    case 'remove-disk':
      return done(await cped.removeDisk(change.assembly, change.disk));
    case 'set-network':
      return await cped.setNetwork(change.assembly, placeWord(change.network), change.network.mac);
    case 'remove-network':
      return done(await cped.removeNetwork(change.assembly, placeWord(change.network)));
    case 'set-assembly-escalation':
      return done(await cped.setAssemblyEscalation(change.assembly, change.policy));
    case 'set-assembly-dependency':
      return done(await cped.setAssemblyDependency(change.assembly, change.on, change.restart));
    case 'clear-assembly-dependency':
      return done(await cped.clearAssemblyDependency(change.assembly, change.on));
    case 'add-member':
      return done(await cped.addAssembly(deployable, change.assembly));
    case 'remove-member':
      return done(await cped.removeAssembly(deployable, change.assembly));
    case 'delete-assembly':
      return done(await cped.deleteAssembly(change.assembly));
    case 'add-resource':
      return done(await cped.addResource(change.assembly, change.resource, change.template));
    case 'remove-resource':
      return done(await cped.removeResource(change.assembly, change.resource));
    case 'set-resource-escalation':
      return done(await cped.setResourceEscalation(change.assembly, change.resource, change.policy));
    case 'set-watching':
      return done(await cped.setWatching(change, change.watching));
    case 'set-parameter':
      return done(await cped.setParameter(change, change.parameter, change.value));
    case 'clear-parameter':
      return done(await cped.clearParameter(change, change.parameter));
    case 'set-resource-dependency':
      return done(await cped.setResourceDependency(change, change.on, change.restart));
    case 'clear-resource-dependency':
      return done(await cped.clearResourceDependency(change, change.on));
  }
}

/** What is left to be done after a change, the command does for all of them at the end. */
function done(_answer: unknown): null {
  return null;
}
