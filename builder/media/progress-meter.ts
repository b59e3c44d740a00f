/**
 * Turns counted bytes into progress for people: not oftener than they can read, with the rate of the last
 * seconds. The clock comes in.
 */
import type { MediaProgress } from '../../model/media-api.ts';

export type OnMediaProgress = (progress: MediaProgress) => void;

export type ProgressMeter = {
  /** Tells how many bytes are done; `now`: however short it is after the last time. */
  at(doneBytes: number, when?: 'now'): void;
};

const everyMs = 250;
const rateWindowMs = 5000;

export function progressMeter(options: {
  readonly phase: MediaProgress['phase'];
  readonly what: string;
  readonly totalBytes: number | null;
  readonly onProgress: OnMediaProgress;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
}): ProgressMeter {
  const { phase, what, totalBytes, onProgress, nowMs } = options;
  const samples: { readonly atMs: number; readonly doneBytes: number }[] = [];
  let toldMs: number | undefined;
  return {
    at(doneBytes, when) {
      const atMs = nowMs();
      if (when === undefined && toldMs !== undefined && atMs - toldMs < everyMs) return;
      toldMs = atMs;
      samples.push({ atMs, doneBytes });
      while (samples.length > 2 && atMs - (samples[0]?.atMs ?? atMs) > rateWindowMs) samples.shift();
      const [oldest] = samples;
      const elapsedMs = atMs - (oldest?.atMs ?? atMs);
      const gained = doneBytes - (oldest?.doneBytes ?? 0);
      const bytesPerSecond = elapsedMs > 0 && gained >= 0 ? Math.round((gained * 1000) / elapsedMs) : null;
      onProgress({ phase, what, doneBytes, totalBytes, bytesPerSecond });
    },
  };
}
