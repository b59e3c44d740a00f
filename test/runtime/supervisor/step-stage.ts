/**
 * A stage for tests of the pure step: one deployable, observations fed by hand, and what came out. The random
 * world is `step-world.ts`; here nothing happens that the test does not say.
 */
import type { AssemblyPlan, DeployablePlan, ResourcePlan } from '../../../runtime/control.ts';
import type { DomainState } from '../../../runtime/ports.ts';
import type { GuestMessage, HostMessage } from '../../../model/guest-protocol.ts';
import type { Incident, SupervisorEvent } from '../../../model/event.ts';
import { defaultLimits } from '../../../runtime/supervisor/limits.ts';
import type { Action, Observation } from '../../../runtime/supervisor/protocol.ts';
import {
  initialState,
  type AssemblyState,
  type Heritage,
  type ResourceState,
} from '../../../runtime/supervisor/state.ts';
import { step } from '../../../runtime/supervisor/step.ts';

export const limits = defaultLimits('kvm');

export function resourcePlan(name: string, more: Partial<ResourcePlan> = {}): ResourcePlan {
  return {
    name,
    class: 'systemd',
    service: name,
    parameters: {},
    escalation: { failures: 5, periodMs: 3_600_000 },
    monitorIntervalMs: 10_000,
    monitorTimeoutMs: 5000,
    startTimeoutMs: 5000,
    stopTimeoutMs: 5000,
    ...more,
  };
}

export function assemblyPlan(name: string, resources: readonly ResourcePlan[]): AssemblyPlan {
  return { name, escalation: { failures: 3, periodMs: 3_600_000 }, resources };
}

export function deployablePlan(
  assemblies: readonly AssemblyPlan[],
  more: Partial<DeployablePlan> = {},
): DeployablePlan {
  return {
    name: 'dep1',
    intent: 'up',
    monitoring: 'am',
    escalation: { failures: 2, periodMs: 3_600_000 },
    assemblies,
    ...more,
  };
}

/** The usual one: assy1 with the resource web. */
export const usualPlan: DeployablePlan = deployablePlan([assemblyPlan('assy1', [resourcePlan('web')])]);

export class Stage {
  readonly state;
  /** Of all feeds so far. */
  readonly texts: string[] = [];
  readonly events: SupervisorEvent[] = [];
  readonly actions: Action[] = [];
  /** As they were saved last. */
  readonly incidents = new Map<string, Incident>();
  nowMs = 1_000_000;

  constructor(openIncidents: readonly Incident[] = [], heritage: Partial<Heritage> = {}) {
    this.state = initialState(limits, {
      windows: new Map(),
      openIncidents,
      firstIncident: 1,
      firstOperationId: 1,
      ...heritage,
    });
  }

  /** Takes one observation; returns only what came out of it. */
  feed(observation: Observation): readonly Action[] {
    const result = step(this.state, observation, { monotonicMs: this.nowMs, wallMs: this.nowMs + 1e12 });
    this.events.push(...result.events);
    this.texts.push(...result.events.map((event) => event.text));
    this.actions.push(...result.actions);
    for (const action of result.actions)
      if (action.kind === 'save-incident') this.incidents.set(action.incident.id, action.incident);
    return result.actions;
  }

  assembly(name = 'assy1'): AssemblyState {
    const found = this.state.assemblies.get(name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  resource(name = 'web', assembly = 'assy1'): ResourceState {
    const found = this.assembly(assembly).resources.get(name);
    if (found === undefined) throw new Error(`there is no ${name} in ${assembly}`);
    return found;
  }

  deployable(): string | undefined {
    return this.state.deployables.get('dep1')?.name;
  }

  connection(state: 'up' | 'down'): readonly Action[] {
    return this.feed({ kind: 'connection', state, reason: 'test' });
  }

  domain(state: DomainState, reason: string, assembly = 'assy1'): readonly Action[] {
    return this.feed({
      kind: 'domain',
      source: 'inspection',
      askedMs: this.nowMs,
      report: { assembly, uuid: assembly, state, reason },
    });
  }

  say(message: GuestMessage, assembly = 'assy1'): readonly Action[] {
    return this.feed({ kind: 'message', assembly, message });
  }

  hello(bootId = 'boot-1', assembly = 'assy1', dead: readonly string[] = []): readonly Action[] {
    this.feed({ kind: 'link', assembly, state: 'up', reason: 'test' });
    this.say(
      { kind: 'hello', protocol: 1, agentVersion: '1', bootId, init: 'systemd', deathSource: 'poll' },
      assembly,
    );
    for (const name of dead) this.say({ kind: 'state', name, state: 'dead' }, assembly);
    return this.say({ kind: 'state-end' }, assembly);
  }

  heartbeat(assembly = 'assy1'): readonly Action[] {
    return this.say({ kind: 'heartbeat', sequence: 1, uptimeMs: 1 }, assembly);
  }

  started(assembly = 'assy1'): readonly Action[] {
    const { attempt } = this.assembly(assembly);
    return this.feed({ kind: 'started', assembly, attempt, outcome: { ok: true } });
  }

  startFailed(retryable: boolean, assembly = 'assy1'): readonly Action[] {
    const { attempt } = this.assembly(assembly);
    const outcome = { ok: false, message: 'it does not start', hint: null, retryable } as const;
    return this.feed({ kind: 'started', assembly, attempt, outcome });
  }

  fenced(ok: boolean, assembly = 'assy1'): readonly Action[] {
    const { attempt } = this.assembly(assembly);
    const outcome = ok
      ? ({ ok } as const)
      : ({ ok, message: 'libvirt is away', hint: null, retryable: true } as const);
    return this.feed({ kind: 'fenced', assembly, attempt, outcome });
  }

  /** The answer to the operation that is under way. */
  answer(code: number, name = 'web', assembly = 'assy1'): readonly Action[] {
    const { operation } = this.resource(name, assembly);
    if (operation === null) throw new Error(`no operation of ${name} is under way`);
    return this.say(
      {
        kind: 'result',
        id: operation.id,
        name,
        operation: operation.operation,
        code,
        timedOut: false,
        durationMs: 10,
      },
      assembly,
    );
  }

  /** Ticks every 500 ms; heartbeats come with them from the assemblies named. */
  pass(durationMs: number, beating: readonly string[] = []): readonly Action[] {
    const from = this.actions.length;
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      this.nowMs += 500;
      for (const assembly of beating) this.heartbeat(assembly);
      this.feed({ kind: 'tick' });
    }
    return this.actions.slice(from);
  }

  /** From nothing to active; every resource runs already. */
  up(plan: DeployablePlan = usualPlan): this {
    this.connection('up');
    this.feed({ kind: 'apply', plan });
    for (const { name, resources } of plan.assemblies) {
      this.domain('off', 'shutdown', name);
      this.started(name);
      this.hello('boot-1', name);
      if (plan.monitoring === 'am') for (const resource of resources) this.answer(0, resource.name, name);
    }
    return this;
  }
}

/** What was sent to the guest. */
export function sent(actions: readonly Action[]): readonly HostMessage[] {
  return actions.flatMap((action) => (action.kind === 'send' ? [action.message] : []));
}

export function kinds(actions: readonly Action[]): readonly string[] {
  return actions.map((action) => action.kind);
}
