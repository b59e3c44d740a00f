/**
 * The invariants of DESIGN.md §9, checked at every step and every action of a simulated run. What the oracles
 * need to know they keep themselves, from what was observed and told; they do not ask the state.
 */
import assert from 'node:assert/strict';
import type { AssemblyPlan, DeployablePlan, DeployableView } from '../../runtime/control.ts';
import type { SupervisorEvent } from '../../model/event.ts';
import type { Action, Now, Observation, StepResult } from '../../runtime/supervisor/protocol.ts';
import { isAwake } from './machine.ts';
import { Maintenances } from './oracle-maintenance.ts';
import {
  assertMayStart,
  assertMayStop,
  assertResourceMayStart,
  assertResourceMayStop,
} from './oracle-order.ts';
import { Telling } from './oracle-journal.ts';
import { Policies } from './oracle-policy.ts';
import { Words } from './oracle-words.ts';
import type { World } from './world.ts';

export class Oracle {
  readonly words = new Words();
  readonly policies = new Policies();
  readonly #telling = new Telling();
  readonly #maintenances = new Maintenances();
  readonly #world: World;
  /** The plan that the service was given last. */
  #plan: DeployablePlan | undefined;
  /** Something in it waits for something else. */
  #isOrdered = false;
  /** What the service showed before the step, while all is being stopped. */
  #before: DeployableView | null = null;
  /** On their way to a stop when the operator said stop: a reload or an earlier stop began it, and it goes on. */
  #onTheirWay: ReadonlySet<string> = new Set();

  /** Said not to run as it should in the step that is being judged. */
  #failing: string | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  serviceStarted(): void {
    this.policies.serviceEnded();
    this.words.forget();
    this.#telling.forget();
    this.#maintenances.forget();
    this.#plan = undefined;
  }

  /** Before the step. */
  hear(observation: Observation, now: Now): void {
    this.words.hear(observation, now.monotonicMs);
    const isReport = observation.kind === 'domain' && observation.report.state !== 'running';
    this.#failing = isReport ? observation.report.assembly : null;
    if (this.#isOrdered && this.#world.wanted.intent === 'down') this.#before = this.#world.viewIfAny();
    if (observation.kind === 'tick') this.#maintenances.tick(now);
    else if (observation.kind === 'maintain') this.#maintenances.set(observation.maintenance, now);
    else if (observation.kind === 'end-maintenance') this.#maintenances.end(observation.target);
    else if (observation.kind === 'apply') {
      this.#maintenances.commanded(observation.plan.name);
      this.policies.apply(observation.plan, this.#plan, this.#world.windows);
      this.#telling.forget();
      this.#plan = observation.plan;
      this.#isOrdered = observation.plan.assemblies.some(isOrdered);
    } else if (observation.kind === 'stop' || observation.kind === 'forget') {
      if (this.#plan === undefined) return;
      this.#plan = { ...this.#plan, intent: 'down' };
      const stopping = this.#before?.assemblies.filter(({ state }) => state === 'stopping') ?? [];
      this.#onTheirWay = new Set(stopping.map(({ name }) => name));
      this.#telling.forget();
      this.policies.clear(this.#plan, true);
    } else if (observation.kind === 'recover') {
      this.#maintenances.commanded(observation.deployable);
      this.#telling.forget();
      if (this.#plan?.intent === 'up') this.policies.clear(this.#plan, false);
    }
  }

  /** As an action begins. @param all those of its step */
  act(action: Action, all: readonly Action[], now: Now): void {
    if (this.#world.wanted.intent === 'up') this.#maintenances.act(action, now);
    else this.#stops(action);
    if (action.kind === 'start') this.#started(action.assembly, now);
    if (action.kind !== 'send' || action.message.kind !== 'operation') return;
    const { name, operation } = action.message;
    if (operation !== 'start' && operation !== 'kill') return;
    const plan = this.#assemblyPlan(action.assembly);
    if (this.#world.wanted.intent === 'down' || plan === undefined) return;
    this.policies.restart(`resource/${action.assembly}/${name}`, now.monotonicMs);
    // Its machine is given up in the same step: nobody hears it.
    if (all.some((other) => other.kind === 'close-link' && other.assembly === action.assembly)) return;
    // A kill may also be the hard end of a stop.
    if (this.#isOrdered && operation === 'start') assertResourceMayStart(plan, name, this.#world.view());
  }

  /** What the operator stops, in order. */
  #stops(action: Action): void {
    const before = this.#before;
    if (!this.#isOrdered || this.#plan === undefined || before === null) return;
    if (action.kind !== 'shutdown' && action.kind !== 'send') return;
    // One that has failed meanwhile waits for nobody.
    const isSuspect = before.assemblies.some(
      ({ name, state }) => name === action.assembly && state === 'suspect',
    );
    if (this.#onTheirWay.has(action.assembly) || this.#failing === action.assembly) return;
    if (isSuspect || !isAwake(this.#world.host.machine(action.assembly))) return;
    if (action.kind === 'shutdown')
      return assertMayStop(this.#plan, action.assembly, this.#world.view(), this.words);
    const { message } = action;
    const plan = this.#assemblyPlan(action.assembly);
    if (message.kind !== 'operation' || message.operation !== 'stop' || plan === undefined) return;
    assertMayStop(this.#plan, action.assembly, this.#world.view(), this.words);
    assertResourceMayStop(plan, message.name, this.#world.view(), before);
  }

  #assemblyPlan(assembly: string): AssemblyPlan | undefined {
    return this.#plan?.assemblies.find(({ name }) => name === assembly);
  }

  #started(assembly: string, now: Now): void {
    this.words.start(assembly);
    const { wanted } = this.#world;
    assert.equal(wanted.intent, 'up', `start of ${assembly}, which the operator stopped`);
    assert.ok(
      wanted.assemblies.some(({ name }) => name === assembly),
      `start of ${assembly}, which was taken out`,
    );
    assert.ok(!this.policies.isGivenUp(wanted.name), `start of ${assembly}, whose deployable is given up`);
    this.policies.restart(`assembly/${assembly}`, now.monotonicMs);
    const plan = this.#assemblyPlan(assembly);
    if (this.#isOrdered && plan !== undefined) assertMayStart(plan, this.#world.view());
  }

  /** After the step. @param isSafe whether the service lived to write down what it decided */
  check(observation: Observation, result: StepResult, isSafe: boolean, now: Now): void {
    // What was decided and never written down did not happen, apart from the actions that were begun.
    if (!isSafe) {
      const isCommand = ['apply', 'stop', 'recover', 'forget'].includes(observation.kind);
      if (isCommand) this.policies.adopt(this.#world.windows, this.#world.blocked.keys());
      return;
    }
    if (observation.kind === 'apply') this.#reloaded(result.actions);
    for (const event of result.events) {
      if (!this.#maintenances.isOnlyReported(event, now)) this.policies.hear(event, now);
      else if (event.kind === 'assembly-failed') this.policies.machineLeft(event.assembly ?? '');
      this.#told(event, now);
    }
  }

  #reloaded(actions: readonly Action[]): void {
    for (const action of actions)
      if (action.kind === 'save-window' && action.key.startsWith('resource/') && action.timesMs.length === 0)
        this.policies.forgetWindow(action.key);
  }

  #told(event: SupervisorEvent, now: Now): void {
    this.#maintenances.hear(event, now);
    this.#telling.hear(event, (incident) => this.#world.incidents.has(incident));
    if (event.kind === 'assembly-failed' && event.text.includes('no progress'))
      this.#standsStill(event.assembly ?? '', event.text, now);
  }

  /** A verdict that a guest makes no progress: it stands still, or did within the window of its measurement. */
  #standsStill(assembly: string, text: string, now: Now): void {
    const machine = this.#world.host.machine(assembly);
    const working = machine.on && isAwake(machine) && now.monotonicMs - machine.awakeSinceMs > 20_000;
    assert.ok(!working, `a guest that works is said to hang: ${text}`);
  }
}

function isOrdered({ dependsOn, resources }: AssemblyPlan): boolean {
  return (
    (dependsOn ?? []).length > 0 ||
    resources.some((one) => (one.dependsOn ?? []).length + (one.references ?? []).length > 0)
  );
}
