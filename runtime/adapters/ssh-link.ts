/**
 * `GuestLinks` by ssh, for guests without an agent of ours: connects, greets in the agent's words, polls at the
 * heartbeat's pace, and connects again for as long as the link is open. It polls, so it notices a death within a
 * heartbeat or two. A guest can cost itself its link, and never the service anything.
 */
import type { GuestMessage, HostMessage } from '../../model/guest-protocol.ts';
import { guestProtocolVersion } from '../../model/guest-protocol.ts';
import { guestLinkLimits } from '../../model/guest-link-limits.ts';
import { errorTextOf } from '../../service/error-code.ts';
import type { Clock, GuestLinkEvent, GuestLinks } from '../ports.ts';
import type { SshTargets } from './ssh-arguments.ts';
import { createSshGuest } from './ssh-guest.ts';
import type { SshGuest, Watched } from './ssh-guest.ts';
import { openSession, privateIdentity } from './ssh-session.ts';
import type { SessionLimits, SshSession } from './ssh-session.ts';

export type SshLinkOptions = {
  readonly clock: Clock;
  readonly targets: SshTargets;
  /** Short and the service's own; for control sockets and known hosts. */
  readonly directory: string;
  readonly heartbeatMs: number;
  /** After a guest lost its link by what it said, or is not the one that is pinned. */
  readonly pauseMs?: number | undefined;
  readonly sessionLimits?: Partial<SessionLimits> | undefined;
  /** Told of what an operator should know, for the log. */
  readonly notice?: ((message: string) => void) | undefined;
};

/** Between two attempts: a login costs more than a connect to a socket. */
const retryFirstMs = 250;
const retryLastMs = 2000;
/** What ssh says of a guest that is not the pinned one, or that does not take our key: waiting mends neither. */
const refusals =
  /Host key verification failed|IDENTIFICATION HAS CHANGED|Permission denied|no matching|UNPROTECTED/;

type Link = SshLinkOptions & {
  readonly assembly: string;
  readonly emit: (event: GuestLinkEvent) => void;
  /** Outlives connections: after each the whole state is told anew. */
  readonly watched: Watched;
  closed: boolean;
  failures: number;
  lastNotice: string;
  session: SshSession | undefined;
  guest: SshGuest | undefined;
  cancelTimer: () => void;
};

function say(link: Link, message: GuestMessage): void {
  if (!link.closed) link.emit({ kind: 'message', assembly: link.assembly, message });
}

/** The same trouble is told once, not at each of its attempts, though its words hold a new file's name. */
function notice(link: Link, text: string): void {
  const kind = refusals.exec(text)?.[0] ?? text;
  if (kind === link.lastNotice) return;
  link.lastNotice = kind;
  link.notice?.(`assembly ${link.assembly}: ${text}`);
}

function dialAfter(link: Link, delayMs: number): void {
  if (!link.closed) link.cancelTimer = link.clock.after(delayMs, () => void dial(link));
}

function failed(link: Link, reason: string, refused: boolean): void {
  if (link.closed) return;
  link.failures += 1;
  const pause = refused || refusals.test(reason);
  if (pause) notice(link, reason);
  const retryMs = Math.min(retryLastMs, retryFirstMs * 2 ** Math.min(link.failures - 1, 10));
  dialAfter(link, pause ? (link.pauseMs ?? guestLinkLimits.pauseMs) : retryMs);
}

async function dial(link: Link): Promise<void> {
  const { assembly, clock, directory } = link;
  try {
    const resolved = link.targets.target(assembly);
    const identityFile = await privateIdentity(resolved.identityFile, directory, assembly);
    if (link.closed) return;
    const target = { ...resolved, identityFile };
    const session: SshSession = openSession({
      target,
      directory,
      clock,
      limits: link.sessionLimits,
      listener: {
        hello(hello) {
          if (link.closed) return;
          link.failures = 0;
          link.lastNotice = '';
          const guest = createSshGuest({
            target,
            session,
            clock,
            watched: link.watched,
            emit: (message) => say(link, message),
          });
          link.guest = guest;
          if (hello.learntHostKey !== undefined)
            notice(
              link,
              `its ssh host key was taken at the first connection, as asked: ${hello.learntHostKey}`,
            );
          link.emit({
            kind: 'link',
            assembly,
            state: 'up',
            reason: `ssh to ${target.user}, ${hello.init}, deaths by poll`,
          });
          say(link, {
            kind: 'hello',
            protocol: guestProtocolVersion,
            agentVersion: 'ssh',
            bootId: hello.bootId,
            init: hello.init,
            deathSource: 'poll',
            can: 'run',
            hostKey: hello.learntHostKey,
          });
          void guest.tellAll();
          beat(link, guest);
        },
        answered: (answer) => link.guest?.answered(answer),
        ended: (reason, refused) => ended(link, reason, refused),
      },
    });
    link.session = session;
  } catch (error) {
    failed(link, errorTextOf(error), true);
  }
}

function beat(link: Link, guest: SshGuest): void {
  if (link.closed || link.guest !== guest) return;
  guest.poll();
  link.cancelTimer = link.clock.after(link.heartbeatMs, () => beat(link, guest));
}

function ended(link: Link, reason: string, refused: boolean): void {
  const wasUp = link.guest !== undefined;
  link.guest?.end();
  link.guest = undefined;
  link.session = undefined;
  link.cancelTimer();
  if (link.closed) return;
  if (wasUp) link.emit({ kind: 'link', assembly: link.assembly, state: 'down', reason });
  failed(link, reason, refused);
}

async function closeLink(link: Link): Promise<void> {
  link.closed = true;
  link.cancelTimer();
  link.guest?.end();
  const { session } = link;
  session?.end('closed');
  await session?.closed;
}

export function createSshLinks(options: SshLinkOptions): GuestLinks {
  const links = new Map<string, Link>();
  const closing = new Set<Promise<void>>();
  let listener: (event: GuestLinkEvent) => void = () => {};

  function close(assembly: string): void {
    const link = links.get(assembly);
    if (link === undefined) return;
    links.delete(assembly);
    const done = closeLink(link).finally(() => closing.delete(done));
    closing.add(done);
  }

  return {
    listen(next) {
      listener = next;
    },
    /** The path is the agent's; a guest without one has a port, which the targets know. */
    open(assembly) {
      if (links.has(assembly)) return;
      const link: Link = {
        ...options,
        assembly,
        emit: (event) => listener(event),
        watched: new Map(),
        closed: false,
        failures: 0,
        lastNotice: '',
        session: undefined,
        guest: undefined,
        cancelTimer: () => {},
      };
      links.set(assembly, link);
      void dial(link);
    },
    close,
    send(assembly: string, message: HostMessage) {
      const guest = links.get(assembly)?.guest;
      guest?.take(message);
      return guest !== undefined;
    },
    async closeAll() {
      for (const assembly of links.keys()) close(assembly);
      await Promise.all(closing);
    },
  };
}
