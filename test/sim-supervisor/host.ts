/**
 * The simulated host of a run: its machines as they really are, virtual time, and the way by which words reach
 * the service. Whoever acts on it (`libvirt.ts`, `guest.ts`, `faults.ts`) gets chance and delay from here, so
 * that one switch makes the world well-behaved.
 */
import type { Observation } from '../../runtime/supervisor/protocol.ts';
import { newMachine, type Machine } from './machine.ts';
import type { Random } from './random.ts';
import { Schedule } from './schedule.ts';

export class Host {
  nowMs = 1_000_000;
  readonly random: Random;
  readonly schedule = new Schedule();
  readonly machines = new Map<string, Machine>();
  libvirtUp = true;
  /** What the service has been told of the connection. */
  toldUp = false;
  /** While true, answers come late or bad and words are lost. */
  faulty = true;
  /** Faults so far, those of answers and words included. */
  faults = 0;
  /** Grows when the service dies: what an older one waits for reaches nobody. */
  service = 1;
  /** Numbers of starts. */
  jobs = 0;
  /** Set by the world: takes one observation into the service. */
  hear: (observation: Observation) => void = () => undefined;

  /** Set by the world: the guest switches itself off. */
  powerOff: (machine: Machine, reason: string) => void = () => undefined;

  constructor(random: Random) {
    this.random = random;
  }

  machine(name: string): Machine {
    let machine = this.machines.get(name);
    if (machine === undefined) {
      machine = newMachine(name);
      this.machines.set(name, machine);
    }
    return machine;
  }

  /** True in this share of cases while faults are on; each counts as one. */
  bad(share: number): boolean {
    if (!this.faulty || !this.random.chance(share)) return false;
    this.faults += 1;
    return true;
  }

  /** At some moment between the two. */
  within(fromMs: number, toMs: number, run: () => void): void {
    this.schedule.at(this.nowMs + fromMs + this.random.next() * (toMs - fromMs), run);
  }

  /** An answer to the service that asks now (or asked then); another one never hears it. */
  answer(fromMs: number, toMs: number, make: () => Observation | null, service = this.service): void {
    this.within(fromMs, toMs, () => {
      if (service !== this.service) return;
      const observation = make();
      if (observation !== null) this.hear(observation);
    });
  }

  /** Lets time pass to the next thing that is due, or to the end. */
  advance(untilMs: number): void {
    for (let due = this.schedule.takeDue(untilMs); due !== undefined; due = this.schedule.takeDue(untilMs)) {
      if (due.dueMs > this.nowMs) this.nowMs = due.dueMs;
      due.run();
    }
    if (untilMs > this.nowMs) this.nowMs = untilMs;
  }
}
