/**
 * The conversation on one connection, without the connection: bytes in, and out what they mean. Decides
 * when a link is up, and when a guest has lost it. Pure apart from its own state; whoever talks with a guest (the
 * runtime's links, a build's own machine) owns the socket. Why the hello has a cause: `docs/guest-protocol.md`.
 */
import { decodeGuestMessage } from './guest-codec.ts';
import { countIn, emptyWindow, guestLinkLimits } from './guest-link-limits.ts';
import { guestProtocolVersion, maxLineBytes } from './guest-protocol.ts';
import type { GuestMessage } from './guest-protocol.ts';
import { emptyRest, splitLines } from './line-splitter.ts';

type Hello = Extract<GuestMessage, { kind: 'hello' }>;

/** `refuse` ends the talk: the guest is to lose its link for this reason. */
export type TalkOutcome =
  | { readonly kind: 'up'; readonly reason: string }
  | { readonly kind: 'restarted'; readonly reason: string }
  | { readonly kind: 'say-hello' }
  | { readonly kind: 'message'; readonly message: GuestMessage }
  | { readonly kind: 'refuse'; readonly reason: string };

export type Talk = {
  /** What these bytes of the guest lead to, in order; nothing after a `refuse`. Never throws. */
  receive(chunk: Uint8Array, nowMs: number): TalkOutcome[];
};

export function startTalk(): Talk {
  let rest = emptyRest;
  let up = false;
  let staleLines = 0;
  let bytes = emptyWindow;
  let lines = emptyWindow;
  let hellos = emptyWindow;

  function onHello(hello: Hello, nowMs: number): TalkOutcome[] {
    hellos = countIn(hellos, 1, nowMs, 60_000);
    if (hellos.count > guestLinkLimits.hellosPerMinute) return refuse('it says hello again and again');
    if (hello.protocol !== guestProtocolVersion) {
      return refuse(
        `its agent (${hello.agentVersion}) speaks version ${hello.protocol} of the guest protocol, ` +
          `this service version ${guestProtocolVersion}`,
      );
    }
    if (hello.cause === 'start') {
      const restarted: TalkOutcome = { kind: 'restarted', reason: 'the agent in the guest started anew' };
      const outcomes: TalkOutcome[] = up ? [restarted, { kind: 'say-hello' }] : [{ kind: 'say-hello' }];
      up = false;
      return outcomes;
    }
    if (up) return [{ kind: 'message', message: hello }];
    // An update of before this connection: the answer to our hello is still to come.
    if (hello.cause === 'update') return [];
    up = true;
    const reason = `agent ${hello.agentVersion}, ${hello.init}, deaths by ${hello.deathSource}`;
    return [
      { kind: 'up', reason },
      { kind: 'message', message: hello },
    ];
  }

  function onLine(line: string, nowMs: number): TalkOutcome[] {
    // Both sides begin with an empty line, which ends what a lost connection has cut in half.
    if (line === '') return [];
    const decoded = decodeGuestMessage(line);
    if (decoded.ok && decoded.message.kind === 'hello') return onHello(decoded.message, nowMs);
    if (up) {
      if (decoded.ok) return [{ kind: 'message', message: decoded.message }];
      return refuse(`it sent nonsense: ${decoded.reason}`);
    }
    // What QEMU still held of an earlier connection, its first line cut: not this guest's fault.
    staleLines += 1;
    return staleLines > guestLinkLimits.linesBeforeHello ? refuse('it talks without saying hello') : [];
  }

  function receive(chunk: Uint8Array, nowMs: number): TalkOutcome[] {
    bytes = countIn(bytes, chunk.length, nowMs, 1000);
    if (bytes.count > guestLinkLimits.bytesPerSecond) return refuse('it floods the link with bytes');
    const split = splitLines(rest, chunk, maxLineBytes);
    rest = split.rest;
    lines = countIn(lines, split.lines.length, nowMs, 1000);
    if (lines.count > guestLinkLimits.linesPerSecond) return refuse('it floods the link with lines');
    const outcomes: TalkOutcome[] = [];
    for (const line of split.lines) {
      outcomes.push(...onLine(line, nowMs));
      if (outcomes.at(-1)?.kind === 'refuse') return outcomes;
    }
    if (split.tooLong) outcomes.push(...refuse(`it sent a line longer than ${maxLineBytes} bytes`));
    return outcomes;
  }

  return { receive };
}

function refuse(reason: string): TalkOutcome[] {
  return [{ kind: 'refuse', reason: `the guest lost its link: ${reason}` }];
}
