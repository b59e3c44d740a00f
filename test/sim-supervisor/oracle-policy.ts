/**
 * The policies, counted a second time: every failure that is told must restart or escalate exactly as its window
 * says, and no restart may come before its backoff. Times are those of the clock that the service uses.
 */
import assert from 'node:assert/strict';
import type { EscalationPolicy } from '../../model/definition.ts';
import type { SupervisorEvent } from '../../model/event.ts';
import type { DeployablePlan } from '../../runtime/control.ts';
import type { Now } from '../../runtime/supervisor/protocol.ts';

type Run = { length: number; lastMs: number; notBeforeMs: number };

/** DESIGN.md §6: the first restart is immediate, then delays double up to a cap; none after a stable hour. */
const backoffBaseMs = 1000;
const backoffCapMs = 60_000;
const stableMs = 3_600_000;

/** Resources are `ASSEMBLY/RESOURCE`. */
export type PolicyKey = { readonly rung: 'resource' | 'assembly' | 'deployable'; readonly name: string };

export function keyOf({ rung, name }: PolicyKey): string {
  return `${rung}/${name}`;
}

export class Policies {
  #windows = new Map<string, readonly number[]>();
  #runs = new Map<string, Run>();
  #policies = new Map<string, EscalationPolicy>();
  readonly #givenUp = new Set<string>();
  /** Failures told so far, by what followed. */
  readonly counts = { restarts: 0, escalations: 0 };

  isGivenUp(deployable: string): boolean {
    return this.#givenUp.has(deployable);
  }

  /** The plan that the service has now, and the one before it. */
  apply(
    plan: DeployablePlan,
    before: DeployablePlan | undefined,
    memory: ReadonlyMap<string, readonly number[]>,
  ): void {
    // The first plan of a service goes on where the one before it gave up.
    if (plan.intent === 'up' && before?.intent === 'down') this.#givenUp.delete(plan.name);
    this.#policies.set(`deployable/${plan.name}`, plan.escalation);
    const services = new Map<string, string>();
    for (const { name, escalation, resources } of plan.assemblies) {
      this.#policies.set(`assembly/${name}`, escalation);
      for (const resource of resources) {
        this.#policies.set(`resource/${name}/${resource.name}`, resource.escalation);
        services.set(`resource/${name}/${resource.name}`, resource.service);
      }
    }
    // What was out of the plan for a while may have been forgotten or not: its window is the memory's.
    if (before !== undefined) {
      const known = new Set(keysOf(before));
      for (const key of keysOf(plan)) if (!known.has(key)) this.#windows.set(key, memory.get(key) ?? []);
    }
    const kept = new Set(plan.assemblies.map(({ name }) => name));
    for (const assembly of before?.assemblies ?? []) {
      if (!kept.has(assembly.name)) {
        this.#forgetRuns(assembly.name);
        continue;
      }
      for (const { name, service } of assembly.resources) {
        const key = `resource/${assembly.name}/${name}`;
        if (services.get(key) === service) continue;
        this.#windows.delete(key);
        this.#runs.delete(key);
      }
    }
  }

  /** The operator ended the run, or said go on: failures so far do not count any more. */
  clear(plan: DeployablePlan, endsRun: boolean): void {
    this.#givenUp.delete(plan.name);
    for (const key of keysOf(plan)) {
      this.#windows.delete(key);
      const run = this.#runs.get(key);
      if (run === undefined) continue;
      run.notBeforeMs = 0;
      if (endsRun) this.#runs.delete(key);
    }
  }

  #forgetRuns(assembly: string): void {
    for (const key of this.#runs.keys())
      if (key === `assembly/${assembly}` || key.startsWith(`resource/${assembly}/`)) this.#runs.delete(key);
  }

  /** A new service has the windows and what is given up, but not the runs. */
  serviceEnded(): void {
    this.#runs = new Map();
  }

  /** After a command that was cut off: nobody can say what of it holds but the memory. */
  adopt(windows: ReadonlyMap<string, readonly number[]>, blocked: Iterable<string>): void {
    this.#windows = new Map(windows);
    this.#givenUp.clear();
    for (const name of blocked) this.#givenUp.add(name);
  }

  /** A reload forgets the failures of what is another thing under an old name. */
  forgetWindow(key: string): void {
    this.#windows.delete(key);
  }

  /** What was in a machine that is gone is started anew with it, whatever its backoff. */
  machineLeft(assembly: string): void {
    this.#beginAnew(`resource/${assembly}/`);
  }

  /** A failure was told. */
  hear(event: SupervisorEvent, now: Now): void {
    const { assembly, resource, deployable } = event;
    if (event.kind === 'resource-failed')
      this.#failed(`resource/${assembly}/${resource}`, event, event.severity === 'error', now);
    else if (event.kind === 'assembly-failed') {
      this.machineLeft(assembly ?? '');
      if (!this.#givenUp.has(deployable ?? ''))
        this.#failed(`assembly/${assembly}`, event, event.severity === 'error', now);
    } else if (event.kind === 'assembly-rebooted') {
      this.#beginAnew(`resource/${assembly}/`);
      // Without an incident it is only reported.
      if (event.incident !== null) this.#failed(`assembly/${assembly}`, event, false, now, false);
    } else if (event.kind === 'escalation') {
      const ends = / is given up: /.test(event.text);
      this.#failed(`deployable/${deployable}`, event, ends, now);
      if (ends) this.#givenUp.add(deployable ?? '');
      this.#beginAnew('');
    }
  }

  /** What the machine does anew no backoff holds back. */
  #beginAnew(prefix: string): void {
    for (const [key, run] of this.#runs) if (key.startsWith(prefix)) run.notBeforeMs = 0;
  }

  /** @param restarts whether something is started anew, which a backoff holds back */
  #failed(key: string, event: SupervisorEvent, escalated: boolean, now: Now, restarts = true): void {
    const policy = this.#policies.get(key);
    assert.ok(policy !== undefined, `a failure of what is in no plan: ${event.text}`);
    const before = this.#windows.get(key) ?? [];
    const periodMs = policy === 'never' ? stableMs : policy.periodMs;
    // A time in the future: the wall clock was set back, and the failure counts as just now.
    const within = before
      .map((time) => Math.min(time, now.wallMs))
      .filter((time) => now.wallMs - time < periodMs);
    const due = policy !== 'never' && within.length + 1 >= policy.failures;
    assert.equal(
      escalated,
      due,
      `${due ? 'no escalation' : 'an escalation'} at failure ${within.length + 1} of ${JSON.stringify(policy)}: ${event.text}`,
    );
    if (escalated) {
      this.counts.escalations += 1;
      this.#windows.set(key, []);
      return;
    }
    this.counts.restarts += 1;
    this.#windows.set(key, [...within, now.wallMs].slice(-100));
    if (!restarts) return;
    const run = this.#runs.get(key) ?? { length: 0, lastMs: 0, notBeforeMs: 0 };
    run.length = run.length > 0 && now.monotonicMs - run.lastMs < stableMs ? run.length + 1 : 1;
    run.lastMs = now.monotonicMs;
    const delayMs = run.length < 2 ? 0 : Math.min(backoffCapMs, backoffBaseMs * 2 ** (run.length - 2));
    run.notBeforeMs = now.monotonicMs + delayMs;
    this.#runs.set(key, run);
  }

  /** Something is restarted now. */
  restart(key: string, nowMs: number): void {
    const run = this.#runs.get(key);
    if (run === undefined) return;
    assert.ok(
      nowMs >= run.notBeforeMs,
      `${key} is started ${((run.notBeforeMs - nowMs) / 1000).toFixed(1)} s before its backoff is over (failure ${run.length} in a row)`,
    );
  }
}

function keysOf(plan: DeployablePlan): readonly string[] {
  return [
    `deployable/${plan.name}`,
    ...plan.assemblies.flatMap(({ name, resources }) => [
      `assembly/${name}`,
      ...resources.map((resource) => `resource/${name}/${resource.name}`),
    ]),
  ];
}
