/**
 * A small random world around the pure step, for the seeded simulation: domains, agents and resources that
 * fail at random, outcomes that come late or bad, an operator who changes their mind. It checks the
 * invariants of DESIGN.md §9 at each action and knows nothing of the supervisor's insides but its names.
 */
import assert from 'node:assert/strict';
import type { DeployablePlan } from '../../../runtime/control.ts';
import { defaultLimits } from '../../../runtime/supervisor/limits.ts';
import type { Action, Observation } from '../../../runtime/supervisor/protocol.ts';
import { initialState, type SupervisorState } from '../../../runtime/supervisor/state.ts';
import { step } from '../../../runtime/supervisor/step.ts';

/** mulberry32: a tiny seeded generator, so that a failing seed can be run again. */
export function randomFrom(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Vm = {
  on: boolean;
  starts: number;
  boot: number;
  greeted: boolean;
  silent: boolean;
  cpuMs: number;
  linkOpen: boolean;
  /** Resources whose main process runs; what was watched before and died shows as dead after a hello. */
  running: Set<string>;
  watched: Set<string>;
};

export const plan: DeployablePlan = {
  name: 'dep1',
  intent: 'up',
  monitoring: 'am',
  escalation: { failures: 3, periodMs: 600_000 },
  assemblies: ['assy1', 'assy10', 'assy2'].map((name) => ({
    name,
    escalation: { failures: 3, periodMs: 600_000 },
    resources: ['web', 'db'].map((resource) => ({
      name: resource,
      class: 'systemd',
      service: resource,
      parameters: {},
      escalation: { failures: 3, periodMs: 600_000 },
      monitorIntervalMs: 10_000,
      monitorTimeoutMs: 5000,
      startTimeoutMs: 5000,
      stopTimeoutMs: 5000,
    })),
  })),
};

export class World {
  readonly state: SupervisorState = initialState(defaultLimits('kvm'), new Map(), 1);
  readonly vms = new Map<string, Vm>();
  readonly texts: string[] = [];
  readonly #pending: { readonly dueMs: number; readonly deliver: () => void }[] = [];
  readonly #random: () => number;
  /** Share of outcomes that are bad while faults are on. */
  faults = true;
  hypervisor: 'up' | 'down' = 'down';
  intent: 'up' | 'down' = 'down';
  nowMs = 1_000_000;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
    for (const assembly of plan.assemblies)
      this.vms.set(assembly.name, {
        on: false,
        starts: 0,
        boot: 0,
        greeted: false,
        silent: false,
        cpuMs: 0,
        linkOpen: false,
        running: new Set(),
        watched: new Set(),
      });
  }

  vm(name: string): Vm {
    const vm = this.vms.get(name);
    assert.ok(vm, `the supervisor named an assembly that does not exist: ${name}`);
    return vm;
  }

  feed(observation: Observation): void {
    const result = step(this.state, observation, { monotonicMs: this.nowMs, wallMs: this.nowMs + 1e12 });
    for (const event of result.events) this.texts.push(event.text);
    for (const action of result.actions) this.#perform(action);
  }

  #later(maxMs: number, deliver: () => void): void {
    this.#pending.push({ dueMs: this.nowMs + this.#random() * maxMs, deliver });
  }

  #bad(share: number): boolean {
    return this.faults && this.#random() < share;
  }

  #perform(action: Action): void {
    switch (action.kind) {
      case 'start':
        return this.#start(action.assembly, action.attempt);
      case 'fence': {
        const { assembly, attempt } = action;
        if (this.hypervisor === 'down' || this.#bad(0.1)) {
          this.#later(2000, () => this.feed({ kind: 'fenced', assembly, attempt, outcome: failed(true) }));
          return;
        }
        this.#later(500, () => {
          this.powerOff(assembly, 'destroyed');
          this.feed({ kind: 'fenced', assembly, attempt, outcome: { ok: true } });
        });
        return;
      }
      case 'shutdown':
        this.#later(3000, () => {
          if (this.hypervisor === 'up' && !this.#bad(0.2)) this.powerOff(action.assembly, 'shutdown');
        });
        return;
      case 'inspect':
        this.#later(50, () => {
          if (this.hypervisor === 'up')
            this.feed({
              kind: 'domain',
              source: 'inspection',
              askedMs: this.nowMs,
              report: this.#report(action.assembly),
            });
        });
        return;
      case 'measure-progress':
        this.#later(50, () => {
          const vm = this.vm(action.assembly);
          const progress = vm.on && !this.#bad(0.1) ? { cpuTimeMs: vm.cpuMs, blockOperations: 0 } : null;
          this.feed({ kind: 'progress', assembly: action.assembly, attempt: action.attempt, progress });
        });
        return;
      case 'open-link':
        this.vm(action.assembly).linkOpen = true;
        this.vm(action.assembly).greeted = false;
        this.#greetLater(action.assembly);
        return;
      case 'close-link':
        this.vm(action.assembly).linkOpen = false;
        return;
      case 'send':
        return this.#guestHears(action.assembly, action.message);
      case 'introduce':
      case 'save-window':
      case 'save-incident':
        return;
    }
  }

  #start(assembly: string, attempt: number): void {
    const vm = this.vm(assembly);
    assert.equal(vm.on, false, `start of ${assembly} while its domain runs: two copies of one disk`);
    assert.equal(this.intent, 'up', `start of ${assembly}, which the operator stopped`);
    assert.equal(this.hypervisor, 'up', 'start without libvirt');
    vm.starts += 1;
    if (this.#bad(0.1)) {
      this.#later(1000, () =>
        this.feed({ kind: 'started', assembly, attempt, outcome: failed(this.#random() < 0.9) }),
      );
      return;
    }
    this.#later(1000, () => {
      if (this.hypervisor === 'down')
        return this.feed({ kind: 'started', assembly, attempt, outcome: failed(true) });
      assert.equal(vm.on, false, `${assembly} came up twice`);
      Object.assign(vm, { on: true, boot: vm.boot + 1, silent: false, greeted: false });
      vm.running.clear();
      vm.watched.clear();
      this.feed({ kind: 'started', assembly, attempt, outcome: { ok: true } });
    });
  }

  #greetLater(assembly: string): void {
    this.#later(8000, () => this.greet(assembly));
  }

  greet(assembly: string): void {
    const vm = this.vm(assembly);
    if (!vm.on || !vm.linkOpen || vm.silent) return;
    vm.greeted = true;
    this.feed({
      kind: 'message',
      assembly,
      message: {
        kind: 'hello',
        protocol: 1,
        agentVersion: '1',
        bootId: `boot-${vm.boot}`,
        init: 'systemd',
        deathSource: 'poll',
      },
    });
    for (const name of vm.watched)
      this.feed({
        kind: 'message',
        assembly,
        message: { kind: 'state', name, state: vm.running.has(name) ? 'running' : 'dead' },
      });
    this.feed({ kind: 'message', assembly, message: { kind: 'state-end' } });
  }

  #guestHears(assembly: string, message: Extract<Action, { kind: 'send' }>['message']): void {
    const vm = this.vm(assembly);
    if (!vm.on || !vm.greeted || vm.silent || !vm.linkOpen) return;
    if (message.kind === 'watch') vm.watched.add(message.name);
    if (message.kind === 'unwatch') vm.watched.delete(message.name);
    if (message.kind === 'poweroff') this.#later(2000, () => this.powerOff(assembly, 'shutdown'));
    if (message.kind !== 'operation') return;
    const { id, name, operation } = message;
    const { boot } = vm;
    this.#later(1000, () => {
      if (!vm.on || vm.boot !== boot || vm.silent || !vm.linkOpen) return;
      const failing = this.#bad(0.15);
      if (!failing && operation === 'start') vm.running.add(name);
      if (!failing && (operation === 'stop' || operation === 'kill')) vm.running.delete(name);
      const code = failing
        ? this.#random() < 0.05
          ? 5
          : 1
        : operation === 'monitor' && !vm.running.has(name)
          ? 7
          : 0;
      this.feed({
        kind: 'message',
        assembly,
        message: { kind: 'result', id, name, operation, code, timedOut: false, durationMs: 10 },
      });
    });
  }

  #report(assembly: string): { assembly: string; uuid: string; state: 'off' | 'running'; reason: string } {
    return { assembly, uuid: assembly, state: this.vm(assembly).on ? 'running' : 'off', reason: 'simulated' };
  }

  powerOff(assembly: string, reason: string): void {
    const vm = this.vm(assembly);
    if (!vm.on) return;
    vm.on = false;
    vm.running.clear();
    if (this.hypervisor === 'down' || this.#bad(0.2)) return;
    this.feed({
      kind: 'domain',
      source: 'event',
      askedMs: this.nowMs,
      report: { ...this.#report(assembly), reason },
    });
  }

  connection(state: 'up' | 'down'): void {
    if (this.hypervisor === state) return;
    this.hypervisor = state;
    this.feed({ kind: 'connection', state, reason: 'simulated' });
    if (state === 'up') this.inventory();
  }

  inventory(): void {
    if (this.hypervisor === 'down') return;
    this.feed({
      kind: 'inventory',
      askedMs: this.nowMs,
      reports: [...this.vms.keys()].map((name) => this.#report(name)),
    });
  }

  /** Lets time pass in ticks; heartbeats come from guests that are not silent. */
  run(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      this.nowMs += 500;
      for (let due = this.#nextDue(); due !== undefined; due = this.#nextDue()) due();
      for (const [assembly, vm] of this.vms) {
        if (!vm.on) continue;
        if (!vm.silent) vm.cpuMs += 10;
        if (vm.greeted && vm.linkOpen && !vm.silent)
          this.feed({ kind: 'message', assembly, message: { kind: 'heartbeat', sequence: 1, uptimeMs: 1 } });
      }
      this.feed({ kind: 'tick' });
      if (Math.floor(this.nowMs / 10_000) !== Math.floor((this.nowMs - 500) / 10_000)) this.inventory();
    }
  }

  #nextDue(): (() => void) | undefined {
    const index = this.#pending.findIndex((entry) => entry.dueMs <= this.nowMs);
    return index < 0 ? undefined : this.#pending.splice(index, 1)[0]?.deliver;
  }

  /** One random fault or change of mind. */
  disturb(): void {
    const names = [...this.vms.keys()];
    const name = names[Math.floor(this.#random() * names.length)] ?? 'assy1';
    const vm = this.vm(name);
    const dice = this.#random();
    if (dice < 0.15) this.powerOff(name, 'destroyed');
    else if (dice < 0.4) this.#killResource(name, this.#random() < 0.5 ? 'web' : 'db');
    else if (dice < 0.5) vm.silent = true;
    else if (dice < 0.6) vm.silent = false;
    else if (dice < 0.68) this.#breakLink(name);
    else if (dice < 0.72) this.greet(name);
    else if (dice < 0.78) this.connection(this.hypervisor === 'up' ? 'down' : 'up');
    else if (dice < 0.82) this.feed({ kind: 'stalled', stalledMs: 10_000 });
    else if (dice < 0.86) this.#reboot(name);
    else if (dice < 0.9) this.operator('stop');
    else if (dice < 0.96) this.operator('start');
    else this.feed({ kind: 'recover', deployable: plan.name });
  }

  #killResource(assembly: string, name: string): void {
    const vm = this.vm(assembly);
    if (!vm.on || !vm.running.delete(name) || !vm.linkOpen || vm.silent) return;
    this.feed({ kind: 'message', assembly, message: { kind: 'death', name, pid: 42, signal: 9 } });
  }

  #breakLink(assembly: string): void {
    this.vm(assembly).greeted = false;
    this.feed({ kind: 'link', assembly, state: 'down', reason: 'simulated' });
    this.#greetLater(assembly);
  }

  #reboot(assembly: string): void {
    const vm = this.vm(assembly);
    if (!vm.on) return;
    vm.boot += 1;
    vm.running.clear();
    vm.watched.clear();
    this.#greetLater(assembly);
  }

  operator(what: 'start' | 'stop'): void {
    this.intent = what === 'start' ? 'up' : 'down';
    if (what === 'start') this.feed({ kind: 'apply', plan });
    else this.feed({ kind: 'stop', deployable: plan.name });
  }
}

function failed(retryable: boolean): { ok: false; message: string; hint: null; retryable: boolean } {
  return { ok: false, message: 'simulated failure', hint: null, retryable };
}
