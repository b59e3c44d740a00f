/**
 * How often an address may show a wrong token: pure but for what it remembers, and that is bounded. A network of
 * IPv6 counts as one address, as whoever has one address has them all.
 */
import { isIPv6 } from 'node:net';

/** So many wrong ones within the period; then nothing is looked at until it is over. */
export const failuresAllowed = 10;
export const failurePeriodMs = 60_000;
const maxAddresses = 10_000;

export type FailureCounter = {
  /** Milliseconds until the address may try again; 0 when it may. */
  waitMs(address: string, nowMs: number): number;
  /** Counts a wrong one; true when it was the first of its period, for a log that must not be flooded. */
  failed(address: string, nowMs: number): boolean;
};

export function createFailureCounter(): FailureCounter {
  /** Oldest first. */
  const periods = new Map<string, { readonly sinceMs: number; count: number }>();
  const periodOf = (key: string, nowMs: number) => {
    const period = periods.get(key);
    return period !== undefined && nowMs - period.sinceMs < failurePeriodMs ? period : undefined;
  };
  return {
    waitMs(address, nowMs) {
      const period = periodOf(networkOf(address), nowMs);
      if (period === undefined || period.count < failuresAllowed) return 0;
      return period.sinceMs + failurePeriodMs - nowMs;
    },
    failed(address, nowMs) {
      const key = networkOf(address);
      const period = periodOf(key, nowMs);
      if (period !== undefined) {
        period.count += 1;
        return false;
      }
      periods.delete(key);
      for (const oldest of periods.keys()) {
        if (periods.size < maxAddresses) break;
        periods.delete(oldest);
      }
      periods.set(key, { sinceMs: nowMs, count: 1 });
      return true;
    },
  };
}

/** The /64 of an IPv6 address; any other text as it is. */
export function networkOf(address: string): string {
  const plain = address.split('%')[0] ?? '';
  const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(plain)) return address;
  const [left = '', right] = plain.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const head = groups(left);
  const tail = right === undefined ? [] : groups(right);
  const zeros = right === undefined ? 0 : 8 - head.length - tail.length;
  const all = [...head, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...tail];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
