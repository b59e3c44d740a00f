/**
 * Lists that are repeated for a while after a connect. A libvirtd that has just started is itself still
 * connecting to its machines; one whose QEMU dies in that time it switches off (reason `daemon`) without any
 * event. Measured with libvirt 9.0: 5 of 12 deaths within 10 ms after the connect were lost so.
 */
import type { Clock } from '../ports.ts';

/** After the connect. A daemon needs 0.2 s for one machine here, and longer with many or under load. */
export const settleDelaysMs: readonly number[] = [250, 500, 1000, 2000, 5000, 15_000];

export type SettlingLists = {
  /** From a connect on; begins anew when it was under way. */
  readonly begin: () => void;
  readonly cancel: () => void;
};

/** @param list deals with its own failures */
export function settlingLists(clock: Clock, list: () => void): SettlingLists {
  let cancels: readonly (() => void)[] = [];
  const cancel = () => {
    for (const each of cancels) each();
    cancels = [];
  };
  return {
    begin() {
      cancel();
      cancels = settleDelaysMs.map((delayMs) => clock.after(delayMs, list));
    },
    cancel,
  };
}
