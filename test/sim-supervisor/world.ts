/**
 * A simulated run's service: the pure step with its memory, fed from the simulated host, carrying out its actions
 * there, stalled and killed between any two of them. Every step passes the oracles, which hold the invariants
 * of DESIGN.md §9.
 */
import assert from 'node:assert/strict';
import type { Incident, SupervisorEvent } from '../../model/event.ts';
import type { DeployablePlan, DeployableView, Maintenance } from '../../runtime/control.ts';
import type { KeptSince } from '../../runtime/ports.ts';
import type { Action, Now, Observation } from '../../runtime/supervisor/protocol.ts';
import type { SupervisorState } from '../../runtime/supervisor/state.ts';
import type { Core } from './core.ts';
import { answerCheck, answerSecond, answerValues } from './asked.ts';
import { closeLink, hearHost, openLink } from './guest.ts';
import { Host } from './host.ts';
import * as libvirt from './libvirt.ts';
import { canSpeak } from './machine.ts';
import { Oracle } from './oracle.ts';
import { randomPlan } from './plans.ts';
import { randomFrom, type Random } from './random.ts';

export class World {
  readonly core: Core;
  readonly host: Host;
  readonly random: Random;
  readonly oracle: Oracle;
  state: SupervisorState;
  /** All that the operator has ever defined, and what of it is wanted now. */
  readonly full: DeployablePlan;
  wanted: DeployablePlan;
  /** The service is there; between its death and its return nobody hears anything. */
  alive = true;
  /** The service dies when so many more actions are begun; null while it is not to die. */
  actionsToLive: number | null = null;
  steps = 0;
  /**
   * Machines that no later service can be held to stop: a start that outlived the service cannot be told from
   * somebody's own, and the commands take an assembly out of a plan only once it is stopped.
   */
  readonly orphans = new Set<string>();
  wallOffsetMs = 1e12;
  /** What the memory keeps. */
  readonly incidents = new Map<string, Incident>();
  readonly windows = new Map<string, readonly number[]>();
  readonly blocked = new Map<string, string>();
  readonly maintenances = new Map<string, Maintenance>();
  readonly values = new Map<string, Readonly<Record<string, string>>>();
  readonly running = new Set<string>();
  readonly sinces = new Map<string, KeptSince>();
  readonly journal: SupervisorEvent[] = [];
  /** The story for people, where somebody wants to read it. */
  readonly story: string[] | null;
  #frozenUntilMs = 0;
  #inbox: { readonly observation: Observation; readonly connection: number }[] = [];

  constructor(seed: number, core: Core, tells = false) {
    this.core = core;
    this.random = randomFrom(seed);
    this.host = new Host(this.random);
    this.host.hear = (observation) => this.hear(observation);
    this.host.powerOff = (machine, reason) => libvirt.powerOff(this.host, machine, reason);
    this.story = tells ? [] : null;
    this.full = randomPlan(this.random);
    this.wanted = this.full;
    for (const { name } of this.full.assemblies) this.host.machine(name).hasSecond = this.random.chance(0.3);
    this.oracle = new Oracle(this);
    this.state = this.#freshState();
    this.#beat();
    this.#tick();
    this.#list();
    this.start();
  }

  now(): Now {
    return { monotonicMs: this.host.nowMs, wallMs: Math.floor(this.host.nowMs + this.wallOffsetMs) };
  }

  note(text: string): void {
    this.story?.push(`${(this.host.nowMs / 1000 - 1000).toFixed(3).padStart(10)}${text}`);
  }

  #freshState(): SupervisorState {
    return this.core.initialState(this.core.defaultLimits('kvm'), {
      windows: this.windows,
      openIncidents: [...this.incidents.values()].filter(({ outcome }) => outcome === 'open'),
      firstIncident: this.incidents.size + 1,
      blocked: this.blocked,
      values: this.values,
      running: this.running,
      sinces: this.sinces,
      firstOperationId: this.random.between(1, 2_000_000_000),
    });
  }

  /** What the service does when it comes up (`cped.ts`): reads its memory, applies the intents, connects. */
  start(): void {
    this.alive = true;
    this.state = this.#freshState();
    this.oracle.serviceStarted();
    const now = this.now();
    const started = { kind: 'service-started', severity: 'info', text: 'the service has started.' } as const;
    const nowhere = { deployable: null, assembly: null, resource: null, incident: null, facts: {} };
    this.journal.push({ atMs: now.wallMs, ...started, ...nowhere });
    this.note('  the service has started.');
    for (const maintenance of this.maintenances.values())
      if (maintenance.untilMs === null || maintenance.untilMs > now.wallMs)
        this.hear({ kind: 'maintain', maintenance: { ...maintenance, known: true } });
    if (this.wanted.intent === 'up') this.hear({ kind: 'apply', plan: this.wanted });
    else if (this.#hasUnfinishedStop()) {
      this.hear({ kind: 'apply', plan: this.wanted });
      this.hear({ kind: 'stop', deployable: this.wanted.name });
    }
    this.host.toldUp = false;
    libvirt.tellConnection(this.host);
  }

  #hasUnfinishedStop(): boolean {
    const last = this.journal.findLast(({ kind }) => kind.startsWith('deployable-'));
    return last !== undefined && last.kind !== 'deployable-stopped';
  }

  /** kill -9. Links break, what it waited for is lost, what it had not written down never happened. */
  crash(): void {
    this.note('> the service dies');
    this.alive = false;
    this.host.service += 1;
    this.#inbox = [];
    this.#frozenUntilMs = 0;
    this.actionsToLive = null;
    for (const machine of this.host.machines.values()) {
      closeLink(machine);
      const isPlanned = this.wanted.assemblies.some(({ name }) => name === machine.name);
      if (machine.starting !== null || (machine.on && !isPlanned)) this.orphans.add(machine.name);
    }
    const { service } = this.host;
    this.host.within(50, this.random.chance(0.1) ? 60_000 : 3000, () => {
      if (service === this.host.service && !this.alive) this.start();
    });
  }

  /** It is there and takes what comes. */
  isListening(): boolean {
    return this.alive && this.host.nowMs >= this.#frozenUntilMs;
  }

  /** SIGSTOP, a suspend, a host that swaps: nothing is heard for a while, then all of it at once. */
  stall(durationMs: number): void {
    if (!this.isListening()) return;
    this.note(`> the service stands still for ${durationMs} ms`);
    const { service } = this.host;
    this.#frozenUntilMs = this.host.nowMs + durationMs;
    this.host.schedule.at(this.#frozenUntilMs, () => {
      if (service !== this.host.service) return;
      const inbox = this.#inbox;
      this.#inbox = [];
      this.#frozenUntilMs = 0;
      this.hear({ kind: 'stalled', stalledMs: durationMs });
      for (const { observation, connection } of inbox)
        if (this.#isHeardStill(observation, connection)) this.hear(this.#asked(observation));
    });
  }

  #connectionOf(observation: Observation): number {
    return observation.kind === 'message' || observation.kind === 'link'
      ? this.host.machine(observation.assembly).connection
      : 0;
  }

  /** What waits in a socket when its link is closed is never read. */
  #isHeardStill(observation: Observation, connection: number): boolean {
    if (observation.kind !== 'message' && observation.kind !== 'link') return true;
    return this.host.machine(observation.assembly).linkOpen && this.#connectionOf(observation) === connection;
  }

  /** Events are stamped when the loop takes them. */
  #asked(observation: Observation): Observation {
    return observation.kind === 'domain' && observation.source === 'event'
      ? { ...observation, askedMs: this.host.nowMs }
      : observation;
  }

  hear(observation: Observation): void {
    if (!this.alive) return;
    if (this.host.nowMs < this.#frozenUntilMs)
      this.#inbox.push({ observation, connection: this.#connectionOf(observation) });
    else this.#take(observation);
  }

  #take(observation: Observation): void {
    const now = this.now();
    this.steps += 1;
    this.oracle.hear(observation, now);
    const result = this.core.step(this.state, observation, now);
    const isSafe = this.#perform(result.actions, result.events);
    if (isSafe) for (const event of result.events) this.note(`  ${event.text}`);
    else this.crash();
    this.oracle.check(observation, result, isSafe, now);
  }

  /**
   * Begins the actions in order; fewer than all of them when the service dies in between. What they write is kept
   * with the step's events, all of it or, when the service dies before its end, nothing (`loop.ts`).
   */
  #perform(actions: readonly Action[], events: readonly SupervisorEvent[]): boolean {
    for (const action of actions) {
      if (this.actionsToLive !== null && this.actionsToLive-- <= 0) return false;
      this.#begin(action, actions);
    }
    // After the actions, and before what was decided is safe.
    if (this.actionsToLive === 0 && actions.length + events.length > 0) return false;
    for (const action of actions) this.#save(action);
    this.journal.push(...events);
    return true;
  }

  #save(action: Action): void {
    if (action.kind === 'save-window') this.windows.set(action.key, action.timesMs);
    else if (action.kind === 'save-incident') this.incidents.set(action.incident.id, action.incident);
    else if (action.kind === 'save-running') {
      if (action.running) this.running.add(action.assembly);
      else this.running.delete(action.assembly);
    } else if (action.kind === 'save-since') {
      if (action.since === null) this.sinces.delete(action.key);
      else this.sinces.set(action.key, action.since);
    } else if (action.kind === 'save-values') this.values.set(action.assembly, action.values);
    else if (action.kind !== 'save-blocked') return;
    else if (action.reason === null) this.blocked.delete(action.deployable);
    else this.blocked.set(action.deployable, action.reason);
  }

  #begin(action: Action, all: readonly Action[]): void {
    const { host } = this;
    this.oracle.act(action, all, this.now());
    switch (action.kind) {
      case 'start':
        return libvirt.startDomain(host, host.machine(action.assembly), action.attempt);
      case 'fence':
        return libvirt.fenceDomain(host, host.machine(action.assembly), action.attempt);
      case 'shutdown':
        return libvirt.pressButton(host, host.machine(action.assembly));
      case 'inspect':
        return libvirt.inspectDomain(host, host.machine(action.assembly));
      case 'measure-progress':
        return libvirt.measureProgress(host, host.machine(action.assembly), action.attempt);
      case 'open-link':
        return openLink(host, host.machine(action.assembly));
      case 'close-link':
        return closeLink(host.machine(action.assembly));
      case 'send':
        return hearHost(host, host.machine(action.assembly), action.message);
      case 'resume':
        return libvirt.resumeDomain(host, host.machine(action.assembly));
      case 'check':
        return answerCheck(host, host.machine(action.assembly), action);
      case 'ask-second':
        return answerSecond(host, host.machine(action.assembly), action.attempt);
      case 'read-values':
        return answerValues(host, host.machine(action.assembly));
      // See `#save`.
      case 'save-window':
      case 'save-incident':
      case 'save-blocked':
      case 'save-values':
      case 'save-running':
      case 'save-since':
      case 'introduce':
        return;
    }
  }

  /** Guests beat about once a second; one entry for all of them. */
  #beat(): void {
    for (const machine of this.host.machines.values())
      if (machine.greeted && machine.linkOpen && canSpeak(machine))
        this.hear({
          kind: 'message',
          assembly: machine.name,
          message: { kind: 'heartbeat', sequence: 1, uptimeMs: 1 },
        });
    this.host.within(900, 1250, () => this.#beat());
  }

  /** The loop looks at its deadlines; the coarse rhythm is that of a busy host, and cheap. */
  #tick(): void {
    if (this.isListening()) this.hear({ kind: 'tick' });
    this.host.within(200, 900, () => this.#tick());
  }

  #list(): void {
    if (this.isListening() && this.host.toldUp) libvirt.takeInventory(this.host);
    this.host.within(10_000, 10_000, () => this.#list());
  }

  /** The operator's word; an answer that the service is down is told to them, and nothing is stored. */
  command(plan: DeployablePlan, observation: Observation): boolean {
    // Its socket is served by the same loop: one that stands still takes nothing.
    if (!this.isListening()) return false;
    this.wanted = plan;
    this.note(`> ${observation.kind}`);
    this.hear(observation);
    return true;
  }

  /** What the service shows; null when it does not hold the deployable. */
  viewIfAny(): DeployableView | null {
    return this.core.viewDeployable(this.state, this.wanted.name, this.now().wallMs) ?? null;
  }

  view(): DeployableView {
    const view = this.viewIfAny();
    assert.ok(view, `the service does not hold ${this.wanted.name}`);
    return view;
  }

  run(durationMs: number): void {
    assert.ok(durationMs >= 0);
    this.host.advance(this.host.nowMs + durationMs);
  }
}
