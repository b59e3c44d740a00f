/**
 * How checks reach applications: which host port leads to a port of a guest, and the guest links as the checks
 * hear them. The asking itself is `adapters/checks.ts`.
 */
import { createChecks, type ApplicationChecks } from './adapters/checks.ts';
import type { Endpoint } from './adapters/check-words.ts';
import type { LaunchStore } from './adapters/sqlite-launches.ts';
import type { NetworkChoice } from './launcher.ts';
import type { Clock, GuestLinks, Memory } from './ports.ts';

export type CheckWays = {
  readonly links: GuestLinks;
  readonly clock: Clock;
  readonly launches: Pick<LaunchStore, 'forwards'>;
  readonly memory: Pick<Memory, 'loadValues'>;
  readonly network: NetworkChoice;
};

/** Checks that go these ways, and the links that the loop is to listen to, so that both hear the guests. */
export function checksOver(ways: CheckWays): {
  readonly checks: ApplicationChecks;
  readonly links: GuestLinks;
} {
  const { links } = ways;
  const checks = createChecks({
    clock: ways.clock,
    send: (assembly, message) => links.send(assembly, message),
    endpointOf: (assembly, guestPort) => endpointOf(ways, assembly, guestPort),
  });
  return {
    checks,
    links: {
      listen(listener) {
        links.listen((event) => {
          if (event.kind === 'message') checks.heard(event.assembly, event.message);
          else if (event.state === 'down') checks.lost(event.assembly);
          listener(event);
        });
      },
      open: (assembly, socketPath) => links.open(assembly, socketPath),
      close(assembly) {
        checks.lost(assembly);
        links.close(assembly);
      },
      send: (assembly, message) => links.send(assembly, message),
      async closeAll() {
        checks.close();
        await links.closeAll();
      },
    },
  };
}

/** QEMU's own network forwards a host port; on a libvirt network the guest has an address, which it tells. */
function endpointOf(ways: CheckWays, assembly: string, guestPort: number): Endpoint | null {
  if (ways.network.kind === 'libvirt') {
    const address = ways.memory.loadValues().get(assembly)?.['address'];
    return address === undefined ? null : { host: address, port: guestPort };
  }
  const forward = ways.launches.forwards(assembly).find((one) => one.guestPort === guestPort);
  return forward === undefined ? null : { host: '127.0.0.1', port: forward.hostPort };
}
