/**
 * Since when something is in its state, also across lives of the service: the beginning of a state that lasts is
 * kept when it is entered and dropped when it is left, and a later service that finds the same takes it over.
 * What it only finds out about (a machine that boots or is adopted, a resource that is probed) decides nothing yet.
 */
import type { AssemblyStateName, DeployableStateName, ResourceStateName } from '../../model/cped-api.ts';
import type { KeptSince } from '../ports.ts';
import type { Action, Now } from './protocol.ts';

/**
 * `found`: kept by a service before us, and not seen to be so still. `carried`: it was, and is. `own`: it began in
 * this life of the service.
 */
export type Since = KeptSince & { readonly known: 'found' | 'carried' | 'own' };

/** What of a step this needs. */
type Telling = {
  readonly state: { readonly sinces: Map<string, Since> };
  readonly now: Now;
  readonly actions: Action[];
};

/** What has moved, and where to. */
export type Moved =
  | { readonly kind: 'deployable'; readonly key: string; readonly to: DeployableStateName }
  | { readonly kind: 'assembly'; readonly key: string; readonly to: AssemblyStateName }
  | { readonly kind: 'resource'; readonly key: string; readonly to: ResourceStateName };

/** A resource that is stopped is so as long as its assembly, so that each failure of a machine writes less. */
const lasting: Readonly<Record<Moved['kind'], ReadonlySet<string>>> = {
  deployable: new Set<DeployableStateName>(['stopped', 'active', 'degraded', 'blocked']),
  assembly: new Set<AssemblyStateName>(['stopped', 'online', 'failed', 'blocked']),
  resource: new Set<ResourceStateName>(['active', 'unmonitored', 'failed', 'unrecoverable']),
};

/** On the way to what it may have been all the time. Any other way leads to something new. */
const findingOut: Readonly<Record<Moved['kind'], string>> = {
  deployable: 'starting',
  assembly: 'booting',
  resource: 'probing',
};

export function deployableSinceKey(deployable: string): string {
  return `deployable/${deployable}`;
}
export function assemblySinceKey(assembly: string): string {
  return `assembly/${assembly}`;
}
export function resourceSinceKey(assembly: string, resource: string): string {
  return `resource/${assembly}/${resource}`;
}

/**
 * Wall time (ms) since when it is in the state that it has just moved to.
 * @param boot of the guest that the state is about; null where it is about none. Another boot is another beginning.
 * @param isSame false: what was kept does not hold, although the state has the same name
 */
export function beginningOf(turn: Telling, moved: Moved, boot: string | null, isSame = true): number {
  const { sinces } = turn.state;
  const nowMs = turn.now.wallMs;
  const known = sinces.get(moved.key);
  if (!lasting[moved.kind].has(moved.to)) {
    const mayHold = known?.known === 'found' && findingOut[moved.kind] === moved.to;
    if (!mayHold) forgetSince(turn, moved.key);
    return nowMs;
  }
  if (known?.known === 'found' && known.state === moved.to && known.boot === boot && isSame) {
    sinces.set(moved.key, { ...known, known: 'carried' });
    // The wall clock may have been set back meanwhile.
    return Math.min(known.sinceMs, nowMs);
  }
  const since = { state: moved.to, sinceMs: nowMs, boot };
  sinces.set(moved.key, { ...since, known: 'own' });
  turn.actions.push({ kind: 'save-since', key: moved.key, since });
  return nowMs;
}

/** It is in no lasting state any more, or it is gone. */
export function forgetSince(turn: Telling, key: string): void {
  if (turn.state.sinces.delete(key)) turn.actions.push({ kind: 'save-since', key, since: null });
}

/** Whether it is as a service before us left it. */
export function isCarried(sinces: ReadonlyMap<string, Since>, key: string): boolean {
  return sinces.get(key)?.known === 'carried';
}

/** Wall time (ms) since when it is stopped, as far as that was kept; null when it was not, or was not stopped. */
export function stoppedSince(sinces: ReadonlyMap<string, Since>, key: string): number | null {
  const known = sinces.get(key);
  return known?.state === 'stopped' ? known.sinceMs : null;
}

/** What a service that starts has from those before it. */
export function sincesFound(kept: ReadonlyMap<string, KeptSince> | undefined): Map<string, Since> {
  return new Map([...(kept ?? [])].map(([key, since]) => [key, { ...since, known: 'found' }]));
}
