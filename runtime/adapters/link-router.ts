/**
 * All guest links as one: each assembly's goes by its own transport. Also the link of an assembly that nobody
 * speaks to, whose virtual machine alone is watched. It decides nothing of what is said.
 */
import { guestProtocolVersion } from '../../model/guest-protocol.ts';
import type { Transport } from '../../model/ssh.ts';
import type { Clock, GuestLinkEvent, GuestLinks } from '../ports.ts';

export type LinkRoutes = Readonly<Record<Transport['kind'], GuestLinks>>;

/** @param transportOf of an assembly, asked when its link is opened; it may throw, and then there is none. */
export function routeLinks(
  routes: LinkRoutes,
  transportOf: (assembly: string) => Transport['kind'],
): GuestLinks {
  const opened = new Map<string, GuestLinks>();
  const close = (assembly: string): void => {
    opened.get(assembly)?.close(assembly);
    opened.delete(assembly);
  };
  return {
    listen(listener) {
      for (const links of Object.values(routes)) links.listen(listener);
    },
    open(assembly, socketPath) {
      const links = routes[transportOf(assembly)];
      if (opened.get(assembly) !== links) close(assembly);
      opened.set(assembly, links);
      links.open(assembly, socketPath);
    },
    close,
    send: (assembly, message) => opened.get(assembly)?.send(assembly, message) ?? false,
    async closeAll() {
      opened.clear();
      await Promise.all(Object.values(routes).map((links) => links.closeAll()));
    },
  };
}

/**
 * For `transport none`: there is nobody to be asked, so nobody is called silent. The link is up as soon as it is
 * opened, and says that it is at the heartbeat's pace; what is wrong with the machine is the hypervisor's word
 * alone. A message to the guest goes nowhere, and powering off is left to the ACPI button.
 */
export function createMuteLinks(clock: Clock, heartbeatMs: number): GuestLinks {
  const open = new Map<string, () => void>();
  let listener: (event: GuestLinkEvent) => void = () => {};
  const close = (assembly: string): void => {
    open.get(assembly)?.();
    open.delete(assembly);
  };
  const begin = (assembly: string): void => {
    listener({ kind: 'link', assembly, state: 'up', reason: 'nobody speaks to this guest' });
    listener({
      kind: 'message',
      assembly,
      message: {
        kind: 'hello',
        protocol: guestProtocolVersion,
        agentVersion: 'none',
        // Whether it reboots inside its machine is not known either.
        bootId: 'none',
        init: 'sysv',
        deathSource: 'poll',
        can: '',
      },
    });
    listener({ kind: 'message', assembly, message: { kind: 'state-end' } });
    beat(assembly, 1);
  };
  const beat = (assembly: string, sequence: number): void => {
    if (!open.has(assembly)) return;
    listener({ kind: 'message', assembly, message: { kind: 'heartbeat', sequence, uptimeMs: 0 } });
    if (open.has(assembly))
      open.set(
        assembly,
        clock.after(heartbeatMs, () => beat(assembly, sequence + 1)),
      );
  };
  return {
    listen(next) {
      listener = next;
    },
    open(assembly) {
      if (open.has(assembly)) return;
      // Not within the call: whoever opens a link is not ready to hear of it yet.
      open.set(
        assembly,
        clock.after(0, () => begin(assembly)),
      );
    },
    close,
    send: () => false,
    closeAll() {
      for (const assembly of open.keys()) close(assembly);
      return Promise.resolve();
    },
  };
}
