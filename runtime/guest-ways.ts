/**
 * All ways into guests, put together: the agents' links as they come from outside, ssh for guests without one,
 * none for those that nobody speaks to, and the second transport.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../service/logger.ts';
import { createMuteLinks, routeLinks } from './adapters/link-router.ts';
import { createSshLinks } from './adapters/ssh-link.ts';
import { createSecondTransport } from './adapters/ssh-second.ts';
import type { AssemblySsh } from './launcher-ssh.ts';
import type { Clock, GuestLinks, SecondTransport } from './ports.ts';

export type GuestWays = { readonly links: GuestLinks; readonly second: SecondTransport };

export type GuestWaysOptions = {
  readonly agentLinks: GuestLinks;
  readonly ssh: AssemblySsh;
  readonly runtimeDir: string;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly log: Logger;
};

/** Also removes what ssh left of a service that died; the caller holds the instance lock. */
export async function createGuestWays(options: GuestWaysOptions): Promise<GuestWays> {
  const { agentLinks, ssh, clock, heartbeatMs, log } = options;
  // Short: a control socket's path has to fit into 107 bytes with 26 more.
  const directory = path.join(options.runtimeDir, 's');
  await rm(directory, { recursive: true, force: true });
  const notice = (message: string): void => log.warn(message);
  const sshLinks = createSshLinks({ clock, targets: ssh, directory, heartbeatMs, notice });
  return {
    links: routeLinks(
      { agent: agentLinks, ssh: sshLinks, none: createMuteLinks(clock, heartbeatMs) },
      (assembly) => ssh.transportOf(assembly),
    ),
    second: createSecondTransport({
      clock,
      directory,
      targetOf: (assembly) => ssh.secondTarget(assembly),
      notice,
    }),
  };
}
