/**
 * Which machine stands where in the picture of a deployable, and how the arrows of order run: what is started
 * first stands first, an arrow leads from it to what waits for it. Pure: rectangles in, paths out.
 */
import type { AssemblyStatus } from '../model/cped-api.ts';

export type Arrow = {
  readonly from: string;
  readonly to: string;
  /** What depends is restarted when what it depends on was. */
  readonly restart: boolean;
  /** `resource`: only something in the one machine waits for something in the other. */
  readonly kind: 'assembly' | 'resource';
};

/** Every arrow between two machines of the picture, one a pair; that of whole machines covers those of resources. */
export function arrowsOf(assemblies: readonly AssemblyStatus[]): readonly Arrow[] {
  const names = new Set(assemblies.map(({ name }) => name));
  const arrows = new Map<string, Arrow>();
  const add = (arrow: Arrow): void => {
    if (!names.has(arrow.from) || arrow.from === arrow.to) return;
    const key = JSON.stringify([arrow.from, arrow.to]);
    const known = arrows.get(key);
    if (known === undefined) arrows.set(key, arrow);
    else if (arrow.restart) arrows.set(key, { ...known, restart: true });
  };
  for (const { name, dependsOn } of assemblies)
    for (const { assembly, restart } of dependsOn)
      add({ from: assembly, to: name, restart, kind: 'assembly' });
  for (const { name, resources } of assemblies)
    for (const { dependsOn } of resources)
      for (const { assembly, restart } of dependsOn)
        add({ from: assembly, to: name, restart, kind: 'resource' });
  return [...arrows.values()];
}

/**
 * The machines in steps of starting: in the first those that wait for nobody, in each further one those that
 * wait for somebody in the steps before. Within a step the order is as given. A circle, which the service
 * refuses, would end up in the last step rather than nowhere.
 */
export function stepsOf(
  assemblies: readonly AssemblyStatus[],
  arrows: readonly Arrow[],
): readonly (readonly AssemblyStatus[])[] {
  const steps: AssemblyStatus[][] = [];
  const placed = new Set<string>();
  let left = assemblies;
  while (left.length > 0) {
    const waitsForNobody = left.filter(({ name }) =>
      arrows.every(({ from, to }) => to !== name || placed.has(from)),
    );
    const step = waitsForNobody.length === 0 ? left : waitsForNobody;
    steps.push([...step]);
    for (const { name } of step) placed.add(name);
    left = left.filter(({ name }) => !placed.has(name));
  }
  return steps;
}

export type Box = {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
};

/** The path of an arrow from one card to another, in the units of the boxes; it ends a little before its tip. */
export function arrowPath(from: Box, to: Box): string {
  const right = from.left + from.width;
  if (to.left >= right) {
    // Side by side.
    const [x1, y1] = [right, middle(from.top, from.height)];
    const [x2, y2] = [to.left - tipPx, middle(to.top, to.height)];
    const bend = Math.max(12, (x2 - x1) / 2);
    return `M${n(x1)} ${n(y1)} C${n(x1 + bend)} ${n(y1)} ${n(x2 - bend)} ${n(y2)} ${n(x2)} ${n(y2)}`;
  }
  const bottom = from.top + from.height;
  if (to.top - bottom < nearPx && to.top >= bottom) {
    // One below the other.
    const [x1, y1] = [middle(from.left, from.width), bottom];
    const [x2, y2] = [middle(to.left, to.width), to.top - tipPx];
    const bend = Math.max(6, (y2 - y1) / 2);
    return `M${n(x1)} ${n(y1)} C${n(x1)} ${n(y1 + bend)} ${n(x2)} ${n(y2 - bend)} ${n(x2)} ${n(y2)}`;
  }
  // Past others in one column: around them on the left.
  const [y1, y2] = [middle(from.top, from.height), middle(to.top, to.height)];
  const [x1, x2] = [from.left, to.left - tipPx];
  const aside = Math.min(from.left, to.left) - asidePx;
  return `M${n(x1)} ${n(y1)} C${n(aside)} ${n(y1)} ${n(aside)} ${n(y2)} ${n(x2)} ${n(y2)}`;
}

const tipPx = 2;
const asidePx = 18;
/** Farther below than this, something else lies between. */
const nearPx = 80;

function middle(start: number, length: number): number {
  return start + length / 2;
}
function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}
