/**
 * What else the service can ask in a simulated run: checks of an application, the second transport into a guest,
 * and the values that a guest gives others to refer to. Each answers with the truth, late, or not at all.
 */
import type { Action } from '../../runtime/supervisor/protocol.ts';
import { wake } from './guest.ts';
import type { Host } from './host.ts';
import { isAwake, type Machine } from './machine.ts';

/** As the users of the application would see it. */
export function answerCheck(host: Host, machine: Machine, action: Extract<Action, { kind: 'check' }>): void {
  const { assembly, resource, check, id, timeoutMs } = action;
  const of = { kind: 'checked', assembly, resource, check, id } as const;
  const hangs = host.bad(0.02);
  if (host.bad(0.003)) return;
  host.answer(hangs ? timeoutMs : 5, hangs ? timeoutMs : 200, () => {
    if (hangs) return { ...of, verdict: 'bad', detail: 'no answer in time' };
    if (!machine.greeted || host.bad(0.02))
      return { ...of, verdict: 'unknown', detail: 'it could not be asked' };
    if (!isAwake(machine)) return { ...of, verdict: 'bad', detail: 'no answer' };
    return machine.running.has(resource)
      ? { ...of, verdict: 'well', detail: 'HTTP 200' }
      : { ...of, verdict: 'bad', detail: 'connection refused' };
  });
}

/** Whoever answers there has its agent restarted. */
export function answerSecond(host: Host, machine: Machine, attempt: number): void {
  const of = { kind: 'second-answer', assembly: machine.name, attempt } as const;
  if (host.bad(0.02)) return;
  host.answer(5, host.bad(0.05) ? 7000 : 500, () => {
    if (!machine.hasSecond) return { ...of, answer: 'none' };
    if (!isAwake(machine) || host.bad(0.05)) return { ...of, answer: 'silent' };
    if (machine.muted && !host.bad(0.1)) {
      machine.muted = false;
      machine.watched.clear();
      wake(host, machine);
    }
    return { ...of, answer: 'alive' };
  });
}

/** A guest has another address after some of its boots. */
export function answerValues(host: Host, machine: Machine): void {
  const values = { address: `10.0.0.${machine.boot % 3}`, 'port/80': '20080' };
  host.answer(0, 1, () => ({ kind: 'values', assembly: machine.name, values }));
}
