/**
 * The calls that need QEMU's own answer: statistics and screenshots. They have a connection of their own,
 * because libvirtd serves only a few calls of one client at a time (max_client_requests, 5), and a QEMU that
 * stands still would otherwise hold up the calls that fence it. One such call a domain at a time.
 */
import { open, StatsGroup } from '#libvirt';
import type { Connection } from '#libvirt';
import { PcloudError } from '../../model/errors.ts';
import type { Clock, DomainProgress } from '../ports.ts';
import { isTimeout, isUnsupported, libvirtFailure, withLimit } from './libvirt-failure.ts';
import type { LibvirtLimits } from './libvirt-failure.ts';
import { isQemuStopped } from './libvirt-process.ts';

export type LibvirtObserver = {
  progress(uuid: string): Promise<DomainProgress>;
  /** Null at once where there is no screen, or its QEMU is stopped. */
  screenshot(uuid: string, timeoutMs: number): Promise<Buffer | null>;
  /** Forgets the connection; the next call opens another. */
  reset(): void;
};

export function libvirtObserver(
  uri: string,
  clock: Clock,
  limits: LibvirtLimits,
  notice: (message: string) => void,
): LibvirtObserver {
  let opened: Promise<Connection> | null = null;
  const busy = new Set<string>();

  function reset(): void {
    opened?.then(
      (connection) =>
        connection
          .close()
          .catch((error: unknown) => notice(libvirtFailure('close a connection', error).message)),
      () => {
        // It never opened; whoever waited for it was told.
      },
    );
    opened = null;
  }

  /** The domain stays busy until libvirt itself is done, which may be long after our limit. */
  async function observe<T>(
    uuid: string,
    limitMs: number,
    what: string,
    work: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    if (busy.has(uuid)) throw stillBusy(uuid, what);
    busy.add(uuid);
    opened ??= open(uri);
    const result = opened.then(work).finally(() => busy.delete(uuid));
    try {
      return await withLimit(clock, limitMs, what, result);
    } catch (error) {
      const failure = libvirtFailure(what, error);
      if (failure.code === 'libvirt-unavailable') reset();
      throw isTimeout(error) || !isUnsupported(error) ? failure : error;
    }
  }

  return {
    async progress(uuid) {
      const what = 'tell what a domain has done';
      // A QEMU that is stopped answers libvirt nothing: that is known at once, and no question is left hanging.
      if (await withLimit(clock, limits.progressMs, what, isQemuStopped(uuid))) throw stopped(uuid);
      return await observe(uuid, limits.progressMs, what, (c) => readProgress(c, uuid));
    },
    async screenshot(uuid, timeoutMs) {
      const what = 'take a screenshot';
      try {
        // A QEMU that is stopped draws nothing: waiting for it would only delay its fencing.
        if (await withLimit(clock, timeoutMs, what, isQemuStopped(uuid))) return null;
        const picture = await observe(uuid, timeoutMs, what, (c) => c.screenshot(uuid));
        return picture.data;
      } catch (error) {
        if (isUnsupported(error)) return null;
        throw error;
      }
    },
    reset,
  };
}

function stillBusy(uuid: string, what: string): PcloudError {
  return new PcloudError({
    code: 'libvirt-timeout',
    category: 'unavailable',
    message: `libvirt could not ${what}: an earlier question about this domain has no answer yet.`,
    facts: { uuid },
  });
}

function stopped(uuid: string): PcloudError {
  return new PcloudError({
    code: 'qemu-stopped',
    category: 'unavailable',
    message: 'The QEMU of this domain is stopped (SIGSTOP, or a debugger): nothing in it moves.',
    facts: { uuid },
  });
}

/** virDomainState: VIR_DOMAIN_SHUTOFF. */
const shutoff = 5;

async function readProgress(connection: Connection, uuid: string): Promise<DomainProgress> {
  const groups = StatsGroup.state | StatsGroup.cpuTotal | StatsGroup.vcpu | StatsGroup.block;
  const stats = await connection.getStats(uuid, groups);
  if (stats['state.state'] === shutoff) throw isOff(uuid);
  const cpuTimeNs = virtualCpuTimeNs(stats) ?? stats['cpu.time'];
  if (typeof cpuTimeNs === 'number') {
    return { cpuTimeMs: cpuTimeNs / 1e6, blockOperations: blockOperationsOf(stats) };
  }
  // A driver without statistics (test:///) still knows the time on the CPU.
  const info = await connection.getInfo(uuid);
  if (info.state === 'shutoff') throw isOff(uuid);
  return { cpuTimeMs: info.cpuTimeNs / 1e6, blockOperations: blockOperationsOf(stats) };
}

/**
 * What the guest's own CPUs have used, undefined where the driver does not tell. QEMU's other threads work also for
 * a guest that has halted: measured under TCG over 3 s, a halted guest uses 0 ms of its CPU and 10-20 ms of the
 * whole process, an idle one 20-40 and 30-60.
 */
function virtualCpuTimeNs(stats: Readonly<Record<string, number | string | null>>): number | undefined {
  let sumNs: number | undefined;
  for (const [field, value] of Object.entries(stats))
    if (typeof value === 'number' && /^vcpu\.\d+\.time$/.test(field)) sumNs = (sumNs ?? 0) + value;
  return sumNs;
}

function isOff(uuid: string): PcloudError {
  return new PcloudError({
    code: 'domain-off',
    category: 'conflict',
    message: 'A domain that is off does nothing that could be measured.',
    facts: { uuid },
  });
}

/** Reads, writes and flushes of all disks. */
function blockOperationsOf(stats: Readonly<Record<string, number | string | null>>): number {
  let sum = 0;
  for (const [field, value] of Object.entries(stats)) {
    if (typeof value === 'number' && /^block\.\d+\.(rd|wr|fl)\.reqs$/.test(field)) sum += value;
  }
  return sum;
}
