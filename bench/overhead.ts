/**
 * What a wrapper adds to the tool in it, from one pair of runs of the same install. Pure.
 */

export type Pair = {
  /** Seconds of the run through the wrapper. */
  readonly wrappedS: number;
  /** Seconds of the bare tool in a cell that starts for it and ends with it. */
  readonly bareS: number;
  /** Seconds of such a cell with nothing in it. */
  readonly cellS: number;
};

/** Percent of the bare tool's time that the wrapper adds; both started a cell. Below zero: it was quicker. */
export function overheadPercent({ wrappedS, bareS }: Pair): number {
  return percentAbove(wrappedS, bareS);
}

/** The same against a tool for which a libvirtd ran already: the cell counts as the wrapper's. */
export function overheadWithCellPercent({ wrappedS, bareS, cellS }: Pair): number {
  return percentAbove(wrappedS, bareS - cellS);
}

/** @throws RangeError where there is nothing to compare with */
function percentAbove(whole: number, base: number): number {
  if (!(base > 0)) throw new RangeError(`the bare tool took ${base} s`);
  return (whole / base - 1) * 100;
}
