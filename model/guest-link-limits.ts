/**
 * What a guest may cost us, as numbers, and the arithmetic that holds it to them. An honest agent says some
 * dozens of lines at a reconnect and a line a second otherwise; these limits are far above that and far
 * below what would be felt. Pure.
 */

export const guestLinkLimits = {
  /** Between two attempts to connect: the first, doubling up to the last. A new QEMU makes a new socket. */
  retryFirstMs: 50,
  retryLastMs: 500,
  /** After a guest lost its link by what it said: the first pause, doubling up to the last. */
  pauseMs: 5000,
  pauseLastMs: 120_000,
  /** A link that was up for so long before it was lost again begins with the first pause. */
  behavedMs: 60_000,
  bytesPerSecond: 512 * 1024,
  linesPerSecond: 500,
  hellosPerMinute: 30,
  /** Lines of an earlier connection that may come before the hello. */
  linesBeforeHello: 200,
  /** What waits for a guest that does not read. */
  unreadBytes: 256 * 1024,
} as const;

/** How many came since the window began. */
export type Window = { readonly startMs: number; readonly count: number };

export const emptyWindow: Window = { startMs: Number.NEGATIVE_INFINITY, count: 0 };

/** The window with `amount` more in it; a new one when `windowMs` have passed. */
export function countIn(window: Window, amount: number, nowMs: number, windowMs: number): Window {
  if (nowMs - window.startMs >= windowMs) return { startMs: nowMs, count: amount };
  return { startMs: window.startMs, count: window.count + amount };
}

/** The wait after `failures` attempts in a row that did not connect. */
export function retryDelayMs(failures: number): number {
  const { retryFirstMs, retryLastMs } = guestLinkLimits;
  return Math.min(retryLastMs, retryFirstMs * 2 ** Math.min(failures, 10));
}

/** The pause after a guest lost its link by what it said, when it had already lost it `refusals` times in a row. */
export function pauseDelayMs(firstMs: number, refusals: number): number {
  return Math.min(guestLinkLimits.pauseLastMs, firstMs * 2 ** Math.min(refusals, 16));
}
