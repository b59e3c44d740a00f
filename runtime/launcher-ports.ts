/**
 * Ports on 127.0.0.1 that lead into guests: chosen once from a range, remembered, and the same after every
 * restart. Only a port that somebody else took meanwhile is replaced, so that the service comes back.
 */
import { createServer } from 'node:net';
import type { PortForward } from '../model/domain-spec.ts';
import { PcloudError } from '../model/errors.ts';
import { errorCodeOf } from '../service/error-code.ts';
import type { Logger } from '../service/logger.ts';
import type { LaunchStore } from './adapters/sqlite-launches.ts';

export type PortRange = { readonly first: number; readonly last: number };

export type PortAllocator = {
  /**
   * One forward for each guest port, in the order given. To be called while the domain is off: what its own
   * QEMU holds would look taken.
   * @throws PcloudError `no-free-port`.
   */
  forwardsFor(assembly: string, guestPorts: readonly number[]): Promise<readonly PortForward[]>;
};

type Store = Pick<LaunchStore, 'forwards' | 'takenHostPorts' | 'saveForward'>;

/** @param isFree asks the system; a test may bring its own. */
export function createPortAllocator(
  store: Store,
  range: PortRange,
  log: Logger,
  isFree: (port: number) => Promise<boolean> = canBind,
): PortAllocator {
  const allocate = async (assembly: string, guestPort: number): Promise<PortForward> => {
    const taken = store.takenHostPorts();
    for (let hostPort = range.first; hostPort <= range.last; hostPort += 1) {
      if (taken.has(hostPort) || !(await isFree(hostPort))) continue;
      const forward = { guestPort, hostPort };
      store.saveForward(assembly, forward);
      return forward;
    }
    throw new PcloudError({
      code: 'no-free-port',
      category: 'failed',
      message: `No port between ${range.first} and ${range.last} is free for port ${guestPort} of assembly ${assembly}.`,
      hint: 'Give a larger range with PCLOUD_PORT_RANGE, such as 20000-29999, or delete assemblies that are not needed.',
    });
  };

  const forwardsFor = async (assembly: string, guestPorts: readonly number[]): Promise<PortForward[]> => {
    const known = store.forwards(assembly);
    const forwards: PortForward[] = [];
    for (const guestPort of guestPorts) {
      const mine = known.find((forward) => forward.guestPort === guestPort);
      if (mine !== undefined && (await isFree(mine.hostPort))) {
        forwards.push(mine);
        continue;
      }
      const forward = await allocate(assembly, guestPort);
      if (mine !== undefined)
        log.warn(
          { assembly, guestPort, was: mine.hostPort, now: forward.hostPort },
          'a forwarded port was taken',
        );
      forwards.push(forward);
    }
    return forwards;
  };

  // One at a time: two that look at once would choose the same port.
  let last: Promise<unknown> = Promise.resolve();
  return {
    async forwardsFor(assembly, guestPorts) {
      const mine = last.then(() => forwardsFor(assembly, guestPorts));
      last = mine.catch(() => undefined);
      return await mine;
    },
  };
}

/** Whether 127.0.0.1:port can be bound right now. */
export async function canBind(port: number): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      const code = errorCodeOf(error);
      if (code === 'EADDRINUSE' || code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
