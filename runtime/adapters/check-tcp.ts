/**
 * Asks whether an application answers on a TCP port. That a connection comes about is no answer: QEMU's port
 * forward accepts before the guest has been asked, and a guest's kernel accepts for an application that hangs.
 * What counts is what comes from the guest itself:
 *
 * - data (ssh, SMTP, FTP greet) means well;
 * - the end of the connection before we have said anything means that nobody listens behind the forward;
 * - where the other side waits for us to speak, we say after a moment that we shall not (we close our half): an
 *   application that runs notices and closes its own, one that hangs does not, nor does a guest whose firewall
 *   drops what comes.
 *
 * Measured with QEMU 7.2's user network: nobody there, or only on the guest's 127.0.0.1, ends within 10 ms; a process
 * that never accepts, one that accepts and hangs, and a stopped QEMU all stay silent.
 *
 * So an application that keeps its half open after we have closed ours cannot be checked so; few do.
 */
import { connect } from 'node:net';
import type { CheckResult } from '../ports.ts';
import { deadline } from './check-deadline.ts';
import type { AskOptions } from './check-http.ts';
import { bad, closing, failureOf, noAnswer, well } from './check-words.ts';
import type { Endpoint } from './check-words.ts';

/** A hundred times what a refusal takes behind a forward: an emulated, busy guest is slower than a quiet one. */
const settleMs = 1000;

/** Never rejects; the connection is closed when it resolves. */
export async function askTcp(
  endpoint: Endpoint,
  { clock, timeoutMs, signal }: AskOptions,
): Promise<CheckResult> {
  return await new Promise((resolve) => {
    const socket = connect({ ...endpoint, allowHalfOpen: true });
    let halfClosed = false;
    let cancelQuiet = (): void => undefined;
    const settle = (result: CheckResult): void => {
      cancel();
      cancelQuiet();
      signal.removeEventListener('abort', onAbort);
      resolve(result);
      socket.destroy();
    };
    const onAbort = (): void => settle(closing);
    const ended = (): void =>
      settle(halfClosed ? well('it closes when we do') : bad('connection closed without a word'));
    const cancel = deadline(clock, timeoutMs, () => settle(noAnswer(timeoutMs)));
    signal.addEventListener('abort', onAbort);
    socket.on('connect', () => {
      cancelQuiet = deadline(clock, Math.min(settleMs, timeoutMs / 2), () => {
        halfClosed = true;
        socket.end();
      });
    });
    socket.on('data', () => settle(well('it speaks')));
    socket.on('end', ended);
    socket.on('error', (error) => (halfClosed ? ended() : settle(failureOf(error))));
    if (signal.aborted) onAbort();
  });
}
