/**
 * Fencing: making sure that a domain is off. libvirt's destroy first, within a short limit; a QEMU that
 * does not answer is then killed by its verified pid, and one that is stopped, which cannot answer, at once. Only libvirt's own word that the domain is off ends
 * it well. Whether the domain is ours to fence is the caller's to check.
 */
import type { Connection } from '#libvirt';
import { PcloudError } from '../../model/errors.ts';
import type { Clock } from '../ports.ts';
import { isNoDomain, isTimeout, isWrongState, libvirtFailure, withLimit } from './libvirt-failure.ts';
import type { LibvirtLimits } from './libvirt-failure.ts';
import { findQemuProcesses, killQemu } from './libvirt-process.ts';

/** Between two questions whether it is off yet; each costs libvirt about 0.1 ms. */
const pollMs = 20;

export type FenceDeps = {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly limits: LibvirtLimits;
  readonly notice: (message: string) => void;
};

/**
 * Resolves when libvirt says that the domain is off, or knows it no more.
 * @throws PcloudError `fence-failed` (category failed) when it is not off within `limits.fenceMs`;
 * `libvirt-unavailable` when libvirt goes away meanwhile.
 */
export async function fenceDomain(deps: FenceDeps, uuid: string, domainName: string): Promise<void> {
  const deadlineMs = deps.clock.monotonicMs() + deps.limits.fenceMs;
  // Beside destroy, which gets on as soon as the process is gone; it never rejects.
  const looked = killByPid(deps, uuid, domainName, 'if stopped');
  try {
    await withLimit(deps.clock, deps.limits.destroyMs, 'destroy the domain', destroy(deps, uuid));
  } catch (error) {
    // Whatever destroy could not do, the process itself still can be ended.
    deps.notice(
      `${domainName} did not stop: ${libvirtFailure('destroy it', error).message} Killing its QEMU.`,
    );
    await killByPid(deps, uuid, domainName, 'always');
  }
  await looked;
  await waitUntilOff(deps, uuid, domainName, deadlineMs);
}

/** Off already, or unknown, is as good as destroyed: the state is asked for afterwards in any case. */
async function destroy(deps: FenceDeps, uuid: string): Promise<void> {
  try {
    await deps.connection.destroy(uuid);
  } catch (error) {
    if (!isNoDomain(error) && !isWrongState(error)) throw error;
  }
}

async function killByPid(
  deps: FenceDeps,
  uuid: string,
  domainName: string,
  which: 'always' | 'if stopped',
): Promise<void> {
  try {
    const processes = await findQemuProcesses(uuid, domainName);
    const [only] = processes;
    if (which === 'if stopped' && !processes.every(({ stopped }) => stopped)) return;
    if (processes.length > 1) {
      const pids = processes.map(({ pid }) => pid).join(', ');
      deps.notice(`${domainName} has several QEMU processes (${pids}); none is killed by pid.`);
    } else if (only !== undefined) {
      if (killQemu(only) && only.stopped)
        deps.notice(`The QEMU of ${domainName} was stopped; killed its pid.`);
    } else if (which === 'always') {
      deps.notice(`No QEMU process of ${domainName} can be seen; libvirt alone can stop it.`);
    }
  } catch (error) {
    // Not ours to kill, perhaps: libvirt's destroy goes on and may still succeed within the limit.
    deps.notice(`The QEMU of ${domainName} cannot be killed by pid: ${String(error)}`);
  }
}

async function waitUntilOff(
  deps: FenceDeps,
  uuid: string,
  domainName: string,
  deadlineMs: number,
): Promise<void> {
  for (;;) {
    const leftMs = deadlineMs - deps.clock.monotonicMs();
    if (leftMs <= 0) throw stillOn(deps, domainName);
    if (await isOff(deps, uuid, domainName, leftMs)) return;
    await new Promise<void>((resolve) => void deps.clock.after(pollMs, resolve));
  }
}

async function isOff(deps: FenceDeps, uuid: string, domainName: string, leftMs: number): Promise<boolean> {
  try {
    const state = deps.connection.getState(uuid);
    return (
      (await withLimit(deps.clock, leftMs, `tell the state of ${domainName}`, state)).state === 'shutoff'
    );
  } catch (error) {
    if (isNoDomain(error)) return true;
    if (isTimeout(error)) throw stillOn(deps, domainName, error);
    throw libvirtFailure(`tell whether ${domainName} is off`, error);
  }
}

function stillOn(deps: FenceDeps, domainName: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'fence-failed',
    category: 'failed',
    message: `${domainName} could not be switched off within ${deps.limits.fenceMs} ms.`,
    hint: `Look for its QEMU with "ps -ef | grep ${domainName}"; a process in state D waits for storage.`,
    facts: { domainName },
    cause,
  });
}
