/**
 * How far another clock is ahead of ours, from questions and answers over one channel, the way NTP does it
 * (RFC 5905 §8): the quickest round trip bounds the error, since its answer was written at some moment
 * within it. Pure.
 */

export type Ping = {
  /** Our clock when the question went out. */
  readonly sentMs: number;
  /** The other clock when it answered. */
  readonly otherMs: number;
  /** Our clock when the answer came in. */
  readonly receivedMs: number;
};

export type ClockOffset = {
  /** The other clock minus ours. */
  readonly offsetMs: number;
  /** The offset is right within this, whatever each way took: half of the quickest round trip. */
  readonly errorMs: number;
};

/** @throws RangeError without a single ping */
export function clockOffset(pings: readonly Ping[]): ClockOffset {
  const best = pings.toSorted((a, b) => roundTripMs(a) - roundTripMs(b))[0];
  if (best === undefined) throw new RangeError('an offset needs at least one ping');
  const halfMs = roundTripMs(best) / 2;
  return { offsetMs: best.otherMs - (best.sentMs + halfMs), errorMs: halfMs };
}

function roundTripMs(ping: Ping): number {
  return ping.receivedMs - ping.sentMs;
}
