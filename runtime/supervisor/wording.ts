/**
 * How events and incidents are worded, and nothing about when. The first half of a sentence is the 2011
 * project's own (`The resource [R] in assembly [A] in deployable [D] is FAILED`), so that operators' eyes and
 * scripts find what they know; the second half says what is done about it, which the feature page asks for.
 */
import type { EscalationPolicy } from '../../model/definition.ts';
import type { GuestMessage } from '../../model/guest-protocol.ts';

/** `The resource [R] in assembly [A] in deployable [D]`, as far as given; no deployable where its name is empty. */
export function subject(deployable: string, assembly?: string, resource?: string): string {
  const parts = [
    resource === undefined ? [] : [`resource [${resource}]`],
    assembly === undefined ? [] : [`assembly [${assembly}]`],
    deployable === '' ? [] : [`deployable [${deployable}]`],
  ];
  return `The ${parts.flat().join(' in ')}`;
}

/** `0.4 s`, `12.1 s`, `3 min 20 s`. */
export function seconds(durationMs: number): string {
  const clamped = Math.max(0, durationMs);
  if (clamped < 120_000) return `${(clamped / 1000).toFixed(1)} s`;
  const whole = Math.round(clamped / 1000);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** `failure 2 of 5 within 3600 s`; under `never` only the count. */
export function failureCount(failures: number, policy: EscalationPolicy): string {
  if (policy === 'never') return `failure ${failures} in the last hour, never escalates`;
  return `failure ${failures} of ${policy.failures} within ${policy.periodMs / 1000} s`;
}

/** A message of somebody else as a part of our sentence: without its own full stop. */
export function clause(message: string): string {
  return message.replace(/\.$/, '');
}

/** `at once`, or `in 4.0 s`. */
export function when(delayMs: number): string {
  return delayMs === 0 ? 'at once' : `in ${seconds(delayMs)}`;
}

/** Why a main process is gone, from the kernel's word. */
export function deathCause(message: Extract<GuestMessage, { kind: 'death' }>): string {
  if (message.signal !== undefined)
    return `its main process ${message.pid} was killed by signal ${message.signal}`;
  if (message.exitCode !== undefined)
    return `its main process ${message.pid} ended with exit code ${message.exitCode}`;
  return `its main process ${message.pid} is gone`;
}

/** OCF return codes that no restart mends (resource-agent API 1.1), in words. */
const hardErrors: Readonly<Record<number, string>> = {
  2: 'invalid arguments',
  3: 'the operation is not implemented',
  4: 'insufficient permissions in the guest',
  5: 'the program or its files are not installed',
  6: 'its configuration is wrong',
};

/** The words for a hard error, or undefined where the code is none. */
export function hardError(code: number): string | undefined {
  return hardErrors[code];
}

/** How an operation that did not succeed is told: `start failed with code 1 (last words: …)`. */
export function operationFailure(message: Extract<GuestMessage, { kind: 'result' }>): string {
  const words = message.output === undefined || message.output === '' ? '' : ` (${message.output.trim()})`;
  if (message.timedOut)
    return `its ${message.operation} did not end within ${seconds(message.durationMs)}${words}`;
  return `its ${message.operation} failed with code ${message.code}${words}`;
}
