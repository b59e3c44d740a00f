/**
 * Keeps one connection to libvirt: opens it, registers for events, lists, and only then calls it up; opens
 * another, with growing delays, when it dies. What the domains mean is the caller's. An event that comes
 * between registration and list is held back until the list has been told, so that it is not overtaken.
 */
import { open } from '#libvirt';
import type { Connection, DomainRecord, LibvirtEvent } from '#libvirt';
import { metadataUri } from '../../catalogue/domain-xml.ts';
import { PcloudError } from '../../model/errors.ts';
import type { Clock } from '../ports.ts';
import { libvirtFailure, withLimit } from './libvirt-failure.ts';
import type { LibvirtLimits } from './libvirt-failure.ts';

/** Probes for a daemon that neither answers nor dies: given up after some 20 s. */
const keepAliveIntervalS = 5;
const keepAliveCount = 3;

export type LibvirtLinkListener = {
  /** Connected and registered; `records` are all domains of that moment. */
  readonly up: (records: readonly DomainRecord[]) => void;
  /** Once a loss, and once when the very first attempt fails. */
  readonly down: (reason: string) => void;
  readonly domainChanged: (uuid: string) => void;
  /** Trouble that changes nothing, for the log. */
  readonly notice: (message: string) => void;
};

export type LibvirtLink = {
  /** Resolves when the first attempt has succeeded or failed; later ones follow by themselves. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** @throws PcloudError `libvirt-unavailable` while there is none. */
  connection(): Connection;
};

type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'up'; readonly connection: Connection }
  | { readonly kind: 'down'; readonly reason: string }
  | { readonly kind: 'stopped' };

export function libvirtLink(
  uri: string,
  clock: Clock,
  limits: LibvirtLimits,
  listener: LibvirtLinkListener,
): LibvirtLink {
  let phase: Phase = { kind: 'idle' };
  let retryMs = limits.firstRetryMs;
  let cancelRetry = () => {};
  /** An open that outlived its limit: the next attempt waits for it instead of holding a second thread. */
  let opening: Promise<Connection> | null = null;
  const stopped = () => phase.kind === 'stopped';

  async function attempt(): Promise<void> {
    try {
      opening ??= open(uri);
      const connection = await withLimit(clock, limits.connectMs, `answer at ${uri}`, opening);
      opening = null;
      await enter(connection);
      retryMs = limits.firstRetryMs;
    } catch (error) {
      if (!(error instanceof PcloudError && error.code === 'libvirt-timeout')) opening = null;
      if (!stopped()) lost(libvirtFailure(`connect to ${uri}`, error).message);
    }
  }

  async function enter(connection: Connection): Promise<void> {
    const early: string[] = [];
    let closedBy: string | null = null;
    const onEvent = (event: LibvirtEvent) => {
      const isCurrent = phase.kind === 'up' && phase.connection === connection;
      if (event.kind === 'close') {
        closedBy = event.reason;
        if (isCurrent) lost(`the connection to libvirt was lost (${event.reason})`);
      } else if (isCurrent) {
        listener.domainChanged(event.uuid);
      } else {
        early.push(event.uuid);
      }
    };
    try {
      const keepAlive = connection
        .setKeepAlive(keepAliveIntervalS, keepAliveCount)
        .catch((error: unknown) => {
          listener.notice(`no keepalive on ${uri}: ${libvirtFailure('set it', error).message}`);
        });
      await withLimit(clock, limits.readMs, 'set a keepalive', keepAlive);
      await withLimit(clock, limits.readMs, 'register for events', connection.registerEvents(onEvent));
      const records = await withLimit(
        clock,
        limits.readMs,
        'list its domains',
        connection.listAllDomains(0, metadataUri),
      );
      if (closedBy !== null) throw new Error(`the connection was lost again at once (${String(closedBy)})`);
      if (stopped()) throw new Error('the link was stopped');
      phase = { kind: 'up', connection };
      listener.up(records);
      for (const uuid of early) listener.domainChanged(uuid);
    } catch (error) {
      discard(connection);
      throw error;
    }
  }

  function lost(reason: string): void {
    const first = phase.kind !== 'down';
    if (phase.kind === 'up') discard(phase.connection);
    phase = { kind: 'down', reason };
    if (first) listener.down(reason);
    cancelRetry = clock.after(retryMs, () => void attempt());
    retryMs = Math.min(retryMs * 2, limits.maxRetryMs);
  }

  /** Nobody waits for it: closing a connection to a daemon that hangs takes as long as the daemon hangs. */
  function discard(connection: Connection): void {
    connection
      .close()
      .catch((error: unknown) => listener.notice(libvirtFailure('close a connection', error).message));
  }

  return {
    start: attempt,
    async stop() {
      const last = phase;
      phase = { kind: 'stopped' };
      cancelRetry();
      opening?.then(discard, () => {
        // It failed to open, so there is nothing to close.
      });
      if (last.kind !== 'up') return;
      try {
        await withLimit(clock, limits.readMs, 'close the connection', last.connection.close());
      } catch (error) {
        listener.notice(libvirtFailure('close the connection', error).message);
      }
    },
    connection() {
      if (phase.kind === 'up') return phase.connection;
      throw new PcloudError({
        code: 'libvirt-unavailable',
        category: 'unavailable',
        message: `libvirt is not connected${phase.kind === 'down' ? `: ${phase.reason}` : ''}.`,
        hint: 'Check that libvirtd runs; the service reconnects by itself.',
        facts: { uri },
      });
    },
  };
}
