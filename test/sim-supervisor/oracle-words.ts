/**
 * What the service could know of each domain, kept apart from what it made of it: the hypervisor's last word. A
 * start is allowed only on the word that the domain is off, and an answer to a question older than the last
 * outcome of a start or fencing is no word.
 */
import assert from 'node:assert/strict';
import type { DomainState } from '../../runtime/ports.ts';
import type { Observation } from '../../runtime/supervisor/protocol.ts';

type Word = { off: boolean; settledMs: number; starting: boolean };

export class Words {
  #words = new Map<string, Word>();
  #up = false;

  /** A new service knows nothing. */
  forget(): void {
    this.#words = new Map();
    this.#up = false;
  }

  isUp(): boolean {
    return this.#up;
  }

  isOff(assembly: string): boolean {
    return this.#of(assembly).off;
  }

  #of(assembly: string): Word {
    let word = this.#words.get(assembly);
    if (word === undefined) {
      word = { off: false, settledMs: Number.NEGATIVE_INFINITY, starting: false };
      this.#words.set(assembly, word);
    }
    return word;
  }

  hear(observation: Observation, nowMs: number): void {
    if (observation.kind === 'connection') this.#up = observation.state === 'up';
    else if (observation.kind === 'inventory') {
      for (const { assembly, state } of observation.reports) this.#seen(assembly, state, observation.askedMs);
    } else if (observation.kind === 'domain') {
      const { report, askedMs, source } = observation;
      this.#seen(report.assembly, report.state, askedMs);
      // An event is read when it comes: it is newer than any question that is still under way.
      if (source === 'event') this.#of(report.assembly).settledMs = nowMs;
    } else if (observation.kind === 'started' || observation.kind === 'fenced') {
      const word = this.#of(observation.assembly);
      word.settledMs = nowMs;
      if (observation.kind === 'started') {
        word.starting = false;
        word.off = false;
      } else if (observation.outcome.ok) word.off = true;
    }
  }

  #seen(assembly: string, state: DomainState, askedMs: number): void {
    const word = this.#of(assembly);
    if (askedMs >= word.settledMs) word.off = state === 'off' || state === 'absent';
  }

  /** The service starts a domain. */
  start(assembly: string): void {
    const word = this.#of(assembly);
    assert.ok(this.#up, `start of ${assembly} without libvirt`);
    assert.ok(!word.starting, `start of ${assembly} while its start is under way`);
    assert.ok(word.off, `start of ${assembly}, which the hypervisor's last word does not call off`);
    word.off = false;
    word.starting = true;
  }
}
