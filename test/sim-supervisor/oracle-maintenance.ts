/**
 * Maintenance, kept a second time: what is under it, since when, and that nothing is done about what failed in it.
 */
import assert from 'node:assert/strict';
import type { SupervisorEvent } from '../../model/event.ts';
import type { Maintenance, MaintenanceTarget } from '../../runtime/control.ts';
import type { Action, Now } from '../../runtime/supervisor/protocol.ts';

export function targetKey(target: MaintenanceTarget): string {
  if (target.kind === 'deployable') return `deployable:${target.deployable}`;
  return target.kind === 'assembly'
    ? `assembly:${target.assembly}`
    : `resource:${target.assembly}/${target.resource}`;
}

type Cover = { readonly sinceMs: number; readonly untilMs: number | null };

export class Maintenances {
  #covers = new Map<string, Cover>();
  /** Monotonic time of the last failure told, of what has not been said to run since. */
  #failed = new Map<string, number>();
  #deployable = '';

  /** A new service is given the maintenances again. */
  forget(): void {
    this.#covers = new Map();
    this.#failed = new Map();
  }

  set(maintenance: Maintenance, now: Now): void {
    const key = targetKey(maintenance.target);
    const sinceMs = this.#covers.get(key)?.sinceMs ?? now.monotonicMs;
    this.#covers.set(key, { sinceMs, untilMs: maintenance.untilMs });
  }

  end(target: MaintenanceTarget): void {
    this.#covers.delete(targetKey(target));
    // From here on it is looked after again, also when that is still under way as the next one begins.
    this.#failed = new Map();
  }

  /** A person's word: what failed before is theirs to have started. */
  commanded(deployable: string): void {
    this.#deployable = deployable;
    this.#failed = new Map();
  }

  tick({ wallMs }: Now): void {
    for (const [key, { untilMs }] of this.#covers) {
      if (untilMs === null || untilMs > wallMs) continue;
      this.#covers.delete(key);
      this.#failed = new Map();
    }
  }

  hear({ kind, assembly, resource }: SupervisorEvent, { monotonicMs }: Now): void {
    if (assembly === null) return;
    if (resource !== null) {
      const key = `${assembly}/${resource}`;
      if (kind === 'resource-failed') this.#failed.set(key, monotonicMs);
      else this.#failed.delete(key);
      return;
    }
    if (kind === 'assembly-failed') this.#failed.set(assembly, monotonicMs);
    else if (['assembly-active', 'assembly-adopted', 'assembly-stopped'].includes(kind))
      this.#failed.delete(assembly);
    for (const key of this.#failed.keys()) if (key.startsWith(`${assembly}/`)) this.#failed.delete(key);
  }

  /** Since when it has been under maintenance, by itself or by what it stands in; null when it is not. */
  #since(assembly: string, resource: string | null, { wallMs }: Now): number | null {
    const keys = [`deployable:${this.#deployable}`, `assembly:${assembly}`];
    if (resource !== null) keys.push(`resource:${assembly}/${resource}`);
    let earliest: number | null = null;
    for (const key of keys) {
      const cover = this.#covers.get(key);
      if (cover === undefined || (cover.untilMs !== null && cover.untilMs <= wallMs)) continue;
      earliest = Math.min(earliest ?? cover.sinceMs, cover.sinceMs);
    }
    return earliest;
  }

  /** Whether a failure is only reported: then it must say so, and otherwise not. */
  isOnlyReported({ kind, assembly, resource, text }: SupervisorEvent, now: Now): boolean {
    if (assembly === null || (kind !== 'assembly-failed' && kind !== 'resource-failed')) return false;
    const isCovered = this.#since(assembly, resource, now) !== null;
    assert.equal(/ Nothing is done about it: /.test(text), isCovered, `as to maintenance: ${text}`);
    return isCovered;
  }

  /** As an action of a service that is to keep all of it up begins. */
  act(action: Action, now: Now): void {
    if (this.#covers.size === 0) return;
    if (action.kind === 'start' || action.kind === 'fence' || action.kind === 'resume') {
      if (this.#since(action.assembly, null, now) === null) return;
      // An operator's own start is not recovery; nor is the end of what an operator began.
      const recovers =
        action.kind === 'start'
          ? this.#failed.has(action.assembly)
          : action.kind === 'resume' || action.incident !== null;
      assert.ok(!recovers, `${action.kind} of ${action.assembly}, which is in maintenance`);
    }
    if (action.kind !== 'send' || action.message.kind !== 'operation') return;
    const { name, operation } = action.message;
    if (operation !== 'kill' && operation !== 'start') return;
    const sinceMs = this.#since(action.assembly, name, now);
    const failedMs = this.#failed.get(`${action.assembly}/${name}`);
    // What was begun before may be carried to its end.
    const recovers = sinceMs !== null && failedMs !== undefined && failedMs >= sinceMs;
    assert.ok(!recovers, `${operation} of ${name} in ${action.assembly}, which is in maintenance`);
  }
}
