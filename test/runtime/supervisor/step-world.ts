/**
 * A small random world around the pure step, for the seeded simulation: domains, agents and resources that
 * fail at random, outcomes that come late or bad, an operator who changes their mind. It checks the
 * invariants of DESIGN.md §9 at each action and knows nothing of the supervisor's insides but its names.
 */
import assert from 'node:assert/strict';
import type { Incident } from '../../../model/event.ts';
import type { DeployablePlan } from '../../../runtime/control.ts';
import type { DomainReport } from '../../../runtime/ports.ts';
import { defaultLimits } from '../../../runtime/supervisor/limits.ts';
import type { Action, Observation } from '../../../runtime/supervisor/protocol.ts';
import { initialState, type SupervisorState } from '../../../runtime/supervisor/state.ts';
import { step } from '../../../runtime/supervisor/step.ts';
import { plan, randomFrom } from './step-random.ts';
import { failed, newVm, type Vm } from './step-vm.ts';

export class World {
  state: SupervisorState;
  readonly vms = new Map<string, Vm>();
  readonly texts: string[] = [];
  /** What the memory keeps. */
  readonly incidents = new Map<string, Incident>();
  readonly #windows = new Map<string, readonly number[]>();
  /** Grows when the service dies: outcomes that an older one waited for reach nobody. */
  service = 0;
  /** What the operator has applied last. */
  wanted: DeployablePlan = plan;
  readonly #pending: { readonly dueMs: number; readonly deliver: () => void }[] = [];
  readonly random: () => number;
  /** Share of outcomes that are bad while faults are on. */
  faults = true;
  hypervisor: 'up' | 'down' = 'down';
  intent: 'up' | 'down' = 'down';
  nowMs = 1_000_000;

  constructor(seed: number) {
    this.random = randomFrom(seed);
    this.state = this.freshState();
    for (const assembly of plan.assemblies) this.vms.set(assembly.name, newVm());
  }

  vm(name: string): Vm {
    const vm = this.vms.get(name);
    assert.ok(vm, `the supervisor named an assembly that does not exist: ${name}`);
    return vm;
  }

  freshState(): SupervisorState {
    return initialState(defaultLimits('kvm'), {
      windows: this.#windows,
      openIncidents: [...this.incidents.values()].filter(({ outcome }) => outcome === 'open'),
      firstIncident: this.incidents.size + 1,
      firstOperationId: 1,
    });
  }

  feed(observation: Observation): void {
    const result = step(this.state, observation, { monotonicMs: this.nowMs, wallMs: this.nowMs + 1e12 });
    for (const event of result.events) this.texts.push(event.text);
    for (const action of result.actions) this.#perform(action);
  }

  /** An outcome, for the service that asked. */
  #answer(service: number, observation: Observation): void {
    if (service === this.service) this.feed(observation);
  }

  #later(maxMs: number, deliver: () => void): void {
    this.#pending.push({ dueMs: this.nowMs + this.random() * maxMs, deliver });
  }

  #bad(share: number): boolean {
    return this.faults && this.random() < share;
  }

  #perform(action: Action): void {
    const service = this.service;
    switch (action.kind) {
      case 'start':
        return this.#start(action.assembly, action.attempt);
      case 'fence': {
        const { assembly, attempt } = action;
        if (this.hypervisor === 'down' || this.#bad(0.1)) {
          this.#later(2000, () =>
            this.#answer(service, { kind: 'fenced', assembly, attempt, outcome: failed(true) }),
          );
          return;
        }
        this.#later(500, () => {
          // A service that died in between does not go on fencing.
          if (service !== this.service) return;
          this.powerOff(assembly, 'destroyed');
          this.#answer(service, { kind: 'fenced', assembly, attempt, outcome: { ok: true } });
        });
        return;
      }
      case 'shutdown':
        this.#later(3000, () => {
          const { on, paused } = this.vm(action.assembly);
          if (this.hypervisor === 'up' && on && !paused && !this.#bad(0.2))
            this.powerOff(action.assembly, 'shutdown');
        });
        return;
      case 'inspect':
        this.#later(50, () => {
          if (this.hypervisor === 'up')
            this.#answer(service, {
              kind: 'domain',
              source: 'inspection',
              askedMs: this.nowMs,
              report: this.report(action.assembly),
            });
        });
        return;
      case 'measure-progress':
        this.#later(50, () => {
          const vm = this.vm(action.assembly);
          const progress = vm.on && !this.#bad(0.1) ? { cpuTimeMs: vm.cpuMs, blockOperations: 0 } : null;
          this.#answer(service, {
            kind: 'progress',
            assembly: action.assembly,
            attempt: action.attempt,
            progress: this.hypervisor === 'down' || this.#bad(0.05) ? 'unanswered' : progress,
          });
        });
        return;
      case 'open-link':
        this.vm(action.assembly).linkOpen = true;
        this.vm(action.assembly).greeted = false;
        this.greetLater(action.assembly);
        return;
      case 'close-link':
        this.vm(action.assembly).linkOpen = false;
        return;
      case 'send':
        return this.#guestHears(action.assembly, action.message);
      case 'save-window':
        this.#windows.set(action.key, action.timesMs);
        return;
      case 'save-incident':
        this.incidents.set(action.incident.id, action.incident);
        return;
      case 'resume':
      case 'check':
      case 'ask-second':
      case 'read-values':
      case 'save-values':
      case 'save-blocked':
      case 'introduce':
        return;
    }
  }

  #start(assembly: string, attempt: number): void {
    const vm = this.vm(assembly);
    const service = this.service;
    assert.equal(this.intent, 'up', `start of ${assembly}, which the operator stopped`);
    assert.ok(
      this.wanted.assemblies.some(({ name }) => name === assembly),
      `start of ${assembly}, which was taken out`,
    );
    assert.equal(this.hypervisor, 'up', 'start without libvirt');
    vm.starts += 1;
    if (vm.on) {
      // libvirt refuses it; somebody else must have been quicker than we could know.
      assert.ok(vm.startedByHand, `start of ${assembly} while its domain runs: two copies of one disk`);
      this.#later(100, () =>
        this.#answer(service, { kind: 'started', assembly, attempt, outcome: failed(true) }),
      );
      return;
    }
    if (this.#bad(0.1)) {
      const outcome = failed(this.random() < 0.9);
      this.#later(1000, () => this.#answer(service, { kind: 'started', assembly, attempt, outcome }));
      return;
    }
    vm.starting = true;
    this.#later(1000, () => {
      vm.starting = false;
      if (this.hypervisor === 'down' || vm.on)
        return this.#answer(service, { kind: 'started', assembly, attempt, outcome: failed(true) });
      this.powerOn(assembly, false);
      // libvirt died after the start and before its answer.
      const outcome = this.#bad(0.1) ? failed(true) : ({ ok: true } as const);
      this.#answer(service, { kind: 'started', assembly, attempt, outcome });
    });
  }

  powerOn(assembly: string, startedByHand: boolean): void {
    const vm = this.vm(assembly);
    assert.equal(vm.on, false, `${assembly} came up twice`);
    const boot = vm.boot + 1;
    Object.assign(vm, { on: true, paused: false, boot, silent: false, greeted: false, startedByHand });
    vm.running.clear();
    vm.watched.clear();
  }

  greetLater(assembly: string): void {
    this.#later(8000, () => this.greet(assembly));
  }

  greet(assembly: string): void {
    const vm = this.vm(assembly);
    if (!vm.on || vm.paused || !vm.linkOpen || vm.silent) return;
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
    // A paused or silent guest reads it when it goes on; that is left out: what matters is that no answer comes.
    if (!vm.on || vm.paused || !vm.greeted || vm.silent || !vm.linkOpen) return;
    if (message.kind === 'watch') vm.watched.add(message.name);
    if (message.kind === 'unwatch') vm.watched.delete(message.name);
    if (message.kind === 'poweroff')
      this.#later(2000, () => {
        if (!vm.paused) this.powerOff(assembly, 'shutdown');
      });
    if (message.kind !== 'operation') return;
    const { id, name, operation } = message;
    const { boot } = vm;
    this.#later(1000, () => {
      if (!vm.on || vm.paused || vm.boot !== boot || vm.silent || !vm.linkOpen) return;
      const failing = this.#bad(0.15);
      if (!failing && operation === 'start') vm.running.add(name);
      if (!failing && (operation === 'stop' || operation === 'kill')) vm.running.delete(name);
      const code = failing
        ? this.random() < 0.05
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

  report(assembly: string): DomainReport {
    const { on, paused } = this.vm(assembly);
    const state = on ? (paused ? 'paused' : 'running') : 'off';
    return { assembly, uuid: assembly, state, reason: 'simulated' };
  }

  powerOff(assembly: string, reason: string): void {
    const vm = this.vm(assembly);
    if (!vm.on) return;
    vm.on = false;
    vm.paused = false;
    vm.running.clear();
    this.tellDomain(assembly, reason);
  }

  tellDomain(assembly: string, reason: string): void {
    if (this.hypervisor === 'down' || this.#bad(0.2)) return;
    const report = { ...this.report(assembly), reason };
    this.feed({ kind: 'domain', source: 'event', askedMs: this.nowMs, report });
  }

  /** The operator, or a backup, pauses a VM or lets it go on. */
  pause(assembly: string, paused: boolean): void {
    const vm = this.vm(assembly);
    if (!vm.on || vm.paused === paused) return;
    vm.paused = paused;
    this.tellDomain(assembly, paused ? 'user' : 'unpaused');
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
      reports: [...this.vms.keys()].map((name) => this.report(name)),
    });
  }

  /** Lets time pass in ticks; heartbeats come from guests that are not silent. */
  run(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      this.nowMs += 500;
      for (let due = this.#nextDue(); due !== undefined; due = this.#nextDue()) due();
      for (const [assembly, vm] of this.vms) {
        if (!vm.on || vm.paused) continue;
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
}
