/**
 * The real `Checks`: asks applications over HTTP and TCP from this host, and by commands in their guests. How
 * each is asked is in the files beside; here is which way a probe goes, and that our own standstill is nobody
 * else's failure.
 */
import type { CheckProbe } from '../../model/check.ts';
import type { GuestMessage } from '../../model/guest-protocol.ts';
import type { CheckResult, Checks, Clock, GuestLinks } from '../ports.ts';
import { askHttp } from './check-http.ts';
import { askTcp } from './check-tcp.ts';
import { unknown } from './check-words.ts';
import type { Endpoint } from './check-words.ts';
import { createGuestRuns } from './guest-runs.ts';

export type ChecksOptions = {
  readonly clock: Clock;
  /** Where a port of an assembly's guest is reached from this host; null when nothing leads there (yet). */
  readonly endpointOf: (assembly: string, guestPort: number) => Endpoint | null;
  /** `GuestLinks.send`. */
  readonly send: GuestLinks['send'];
};

export type ApplicationChecks = Checks & {
  /** To be told every message of every guest, the hello among them. */
  heard(assembly: string, message: GuestMessage): void;
  /** To be told when a guest link goes down. */
  lost(assembly: string): void;
  /** Ends what is being asked; it comes out as unknown. */
  close(): void;
};

/** An answer that comes so much later than its limit was held up on our side. */
const standstillMs = 500;

export function createChecks({ clock, endpointOf, send }: ChecksOptions): ApplicationChecks {
  const runs = createGuestRuns({ clock, send });
  const closing = new AbortController();

  const overNetwork = async (
    assembly: string,
    probe: Extract<CheckProbe, { kind: 'http' | 'tcp' }>,
    timeoutMs: number,
  ): Promise<CheckResult> => {
    const endpoint = endpointOf(assembly, probe.guestPort);
    if (endpoint === null) return unknown(`no way leads to port ${probe.guestPort} of the guest`);
    const beganMs = clock.monotonicMs();
    const options = { clock, timeoutMs, signal: closing.signal };
    const result =
      probe.kind === 'http' ? await askHttp(probe, endpoint, options) : await askTcp(endpoint, options);
    const lateMs = clock.monotonicMs() - beganMs - timeoutMs;
    // SIGSTOP, a suspended host, a core that others keep busy: the silence was ours.
    if (result.verdict === 'bad' && lateMs > standstillMs)
      return unknown('this service itself stood still while it waited for the answer');
    return result;
  };

  return {
    async run(assembly, probe, timeoutMs) {
      try {
        return probe.kind === 'command'
          ? await runs.run(assembly, probe.arguments, timeoutMs)
          : await overNetwork(assembly, probe, timeoutMs);
      } catch (error) {
        // A defect of ours (a path that node refuses, a store that cannot be read) must not look like the guest's.
        return unknown(error instanceof Error ? error.message : String(error));
      }
    },
    heard: (assembly, message) => runs.heard(assembly, message),
    lost: (assembly) => runs.lost(assembly),
    close() {
      closing.abort();
      runs.close();
    },
  };
}
