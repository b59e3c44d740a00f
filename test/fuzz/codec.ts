/**
 * One round of fuzzing the guest link's codec: damaged lines of either side, cut into chunks anywhere, through
 * the splitter and both decoders. What may never happen is an exception, an answer that breaks the protocol's
 * own promises, or a message that does not survive being said again.
 */
import assert from 'node:assert/strict';
import {
  decodeGuestMessage,
  decodeHostMessage,
  encodeGuestMessage,
  encodeHostMessage,
  type Decoded,
} from '../../model/guest-codec.ts';
import { maxLineBytes } from '../../model/guest-protocol.ts';
import { PcloudError } from '../../model/errors.ts';
import { emptyRest, splitLines } from '../../model/line-splitter.ts';
import { mutated } from './mutate.ts';
import type { Random } from './random.ts';

const guestLines = [
  'hello protocol=1 agent-version=0.1.0 boot-id=0d9e2e2f-ea04-4e8f-bd41-67699a36dcd2 init=systemd death-source=proc-connector cause=answer address=10.0.2.15 can=run,watchdog host-key=ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIGx',
  'state name=web state=running pid=312',
  'state-end',
  'heartbeat sequence=17 uptime-ms=17003',
  'death name=web pid=312 signal=9',
  'death name=web pid=312 exit-code=1',
  'result id=7 name=web operation=monitor code=0 timed-out=0 duration-ms=12',
  'result id=7 name=web operation=start code=1 timed-out=1 duration-ms=60000 output=no%20%C3%A4%20%FF',
  'output id=7 stream=stdout text=%0Aa%20b%25',
  'run-result id=7 code=0 timed-out=0 duration-ms=5',
  'run-result id=7 refused=busy timed-out=0 duration-ms=5',
];
const hostLines = [
  'hello protocol=1 heartbeat-ms=1000',
  'identity hostname=assy1 authorized-key=ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIGx%20x@y',
  'watch name=web class=systemd service=httpd',
  'watch name=db class=ocf service=heartbeat:pgsql p.pidfile=/run/a%20b.pid p.config=%3Dx p.a=1',
  'unwatch name=web',
  'operation id=2147483647 name=web operation=start timeout-ms=60000',
  'run id=7 timeout-ms=60000 a.0=/bin/sh a.1=-c a.2=echo%20%25%20%3D a.3= e.LC_ALL=C e.HOME=/root',
  'poweroff',
];

/** Lines of one round: a chunk's worth, so that what one line leaves behind meets the next. */
export const linesPerRound = 8;

/** How many lines were read and how many of them were messages. @throws AssertionError */
export function fuzzCodec(random: Random): { readonly lines: number; readonly accepted: number } {
  const sent = Array.from({ length: linesPerRound }, () => {
    const line = random.pick(random.below(4) === 0 ? hostLines : guestLines);
    return random.below(8) === 0 ? line : mutated(random, line, maxLineBytes + 64);
  });
  const stream = Buffer.from(`${sent.join('\n')}\n`, 'latin1');
  let rest = emptyRest;
  let lines = 0;
  let accepted = 0;
  for (let at = 0; at < stream.length;) {
    const end = Math.min(stream.length, at + 1 + random.below(2048));
    const split = splitLines(rest, stream.subarray(at, end), maxLineBytes);
    at = end;
    rest = split.rest;
    assert.ok(rest.length < maxLineBytes, 'more than a line is kept');
    for (const line of split.lines) {
      lines += 1;
      accepted += checkLine(line);
    }
    // The talk ends here with a guest; the fuzzer goes on behind what was too long.
    if (split.tooLong) rest = emptyRest;
  }
  assert.equal(Object.keys(Object.prototype).length, 0, 'the prototype of all objects was changed');
  return { lines, accepted };
}

function checkLine(line: string): number {
  return (
    checkOne(line, decodeGuestMessage, encodeGuestMessage) +
    checkOne(line, decodeHostMessage, encodeHostMessage)
  );
}

function checkOne<M extends { readonly kind: string }>(
  line: string,
  decode: (line: string) => Decoded<M>,
  encode: (message: M) => string,
): number {
  const decoded = decode(line);
  if (!decoded.ok) {
    assert.ok(decoded.reason.length > 0 && decoded.reason.length < 200, `reason: ${decoded.reason}`);
    return 0;
  }
  const { message } = decoded;
  let again: string;
  try {
    again = encode(message);
  } catch (error) {
    // What was no UTF-8 is longer as what stands for it, and so is an `=` that a value was given as it is; nothing else may
    // be heard and not be said.
    const isLonger = JSON.stringify(message).includes('\ufffd') || /=[^ ]*=/.test(line);
    if (isLonger && error instanceof PcloudError && error.code === 'guest-message-unsendable') return 1;
    throw error;
  }
  assert.ok(again.length <= maxLineBytes, 'longer than a line');
  const back = decode(again.slice(0, -1));
  assert.ok(back.ok, 'said again it is refused');
  assert.deepEqual(back.message, message);
  return 1;
}
