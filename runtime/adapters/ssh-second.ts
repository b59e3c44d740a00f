/**
 * The second transport: asks a guest by ssh when its agent is silent, and has the agent started anew. One short
 * connection of its own for each question; the answer proves life, whatever becomes of the restart.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorTextOf } from '../../service/error-code.ts';
import type { Clock, SecondTransport } from '../ports.ts';
import { knownHostsText, soleArguments } from './ssh-arguments.ts';
import type { SshTarget } from './ssh-arguments.ts';
import { runRemote } from './ssh-process.ts';
import { restartAgentBody } from './ssh-scripts.ts';
import { privateIdentity } from './ssh-session.ts';

export type SecondTransportOptions = {
  readonly clock: Clock;
  /** Of an assembly with an agent, whose host key and port are known; null where there is no other way. */
  readonly targetOf: (assembly: string) => SshTarget | null;
  /** Short and the service's own; for known hosts. */
  readonly directory: string;
  /** Told why an answer is not `alive`, for the log. */
  readonly notice?: ((message: string) => void) | undefined;
};

/** The restart may take longer in the guest than anybody waits for it here. */
const restartLimitMs = 30_000;

export function createSecondTransport(options: SecondTransportOptions): SecondTransport {
  return {
    async ask(assembly, timeoutMs) {
      const tell = (why: string): void => options.notice?.(`assembly ${assembly}: ${why}`);
      const late = new AbortController();
      const cancel = options.clock.after(timeoutMs, () => late.abort());
      try {
        const target = options.targetOf(assembly);
        if (target === null) return 'none';
        const outcome = await askGuest(options, target, late.signal);
        if (outcome === null) return 'alive';
        tell(
          `its guest does not answer by ssh either: ${late.signal.aborted ? `nothing within ${timeoutMs} ms` : outcome}`,
        );
        return 'silent';
      } catch (error) {
        tell(`its guest could not be asked by ssh: ${errorTextOf(error)}`);
        return 'silent';
      } finally {
        cancel();
      }
    },
  };
}

/** Null when it answered, else why not. */
async function askGuest(
  options: SecondTransportOptions,
  target: SshTarget,
  signal: AbortSignal,
): Promise<string | null> {
  const { clock, directory } = options;
  const identityFile = await privateIdentity(target.identityFile, directory, target.assembly);
  const knownHosts = path.join(directory, `${randomBytes(4).toString('hex')}.hosts`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(knownHosts, knownHostsText(target), { mode: 0o600, flag: 'wx' });
  try {
    const outcome = await runRemote({
      sshArguments: (command) => soleArguments({ ...target, identityFile }, knownHosts, command),
      elevate: target.elevate,
      body: restartAgentBody,
      arguments: [],
      timeoutMs: restartLimitMs,
      clock,
      until: 'alive',
      signal,
    });
    switch (outcome.kind) {
      case 'ended':
        return null;
      case 'lost':
        return outcome.reason;
      case 'flood':
        return 'it floods the connection';
      case 'silent':
        return 'it does not say how the restart ended';
    }
  } finally {
    await rm(knownHosts, { force: true });
  }
}
