/**
 * Which of two tellers of a build's progress is right when both speak: the news, which come in their order but late, and
 * a look at the state, which is whole but takes a while. Pure.
 */

export type ProgressOrder = {
  /** Returns whether what this look found may be told, given the time (ms) of its progress since the build began. */
  beginLook(): (elapsedMs: number) => boolean;
  /** Whether this piece of news may be told. */
  news(elapsedMs: number): boolean;
};

export function createProgressOrder(): ProgressOrder {
  let heard = 0;
  let aheadMs = 0;
  return {
    beginLook() {
      const before = heard;
      // What is late is so by less than the time from look to look; and an attempt that begins anew is no old news.
      aheadMs = 0;
      return (elapsedMs) => {
        if (heard !== before) return false;
        aheadMs = elapsedMs;
        return true;
      };
    },
    news(elapsedMs) {
      heard += 1;
      return elapsedMs >= aheadMs;
    },
  };
}
