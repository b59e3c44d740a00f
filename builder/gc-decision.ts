/**
 * Which images can go: those that nothing refers to, directly or through an image that stands on them. Pure.
 * What refers to what, `image-gc.ts` finds out.
 */

export type GcImage = {
  readonly digest: string;
  /** `newer`: of a later version of ours, so that what it says is not understood. */
  readonly state: 'usable' | 'damaged' | 'newer';
  /** What its disk stands on, by manifest and by the disk itself. */
  readonly parents: readonly string[];
  /** When it was built; when its directory was made where its manifest does not tell. */
  readonly bornAtMs: number;
  /** Why it can go, should nothing refer to it. */
  readonly whyFree: string;
};

export type GcFacts = {
  readonly images: readonly GcImage[];
  /** Who needs which image, in words. */
  readonly references: readonly { readonly digest: string; readonly who: string }[];
  readonly nowMs: number;
  /** What is younger is kept. */
  readonly graceMs: number;
};

export type GcDecision = {
  readonly digest: string;
  readonly free: boolean;
  readonly why: string;
};

/** One decision for each image; what stands on another comes before it. */
export function decideGc(facts: GcFacts): GcDecision[] {
  const byDigest = new Map(facts.images.map((image) => [image.digest, image]));
  const reasons = new Map<string, string>();
  const keep = (digest: string, why: string): void => {
    if (reasons.has(digest)) return;
    reasons.set(digest, why);
    for (const parent of byDigest.get(digest)?.parents ?? [])
      keep(parent, `the image ${digest.slice(0, 12)} stands on it`);
  };
  for (const { digest, who } of facts.references) keep(digest, who);
  for (const image of facts.images) {
    const why = ownReason(image, facts);
    if (why !== undefined) keep(image.digest, why);
  }
  return topDown(byDigest).map(({ digest, whyFree }) => {
    const why = reasons.get(digest);
    return { digest, free: why === undefined, why: why ?? whyFree };
  });
}

function ownReason(image: GcImage, { nowMs, graceMs }: GcFacts): string | undefined {
  if (image.state === 'newer') return 'it is of a later version of Pacemaker Cloud';
  // Also what seems to be of the future: a clock that is wrong removes nothing.
  if (nowMs - image.bornAtMs < graceMs) return 'it is new: somebody may be about to start on it';
  return undefined;
}

/** Images before those that they stand on. */
function topDown(byDigest: ReadonlyMap<string, GcImage>): GcImage[] {
  const placed = new Set<string>();
  const bottomUp: GcImage[] = [];
  const place = (image: GcImage): void => {
    if (placed.has(image.digest)) return;
    placed.add(image.digest);
    for (const parent of image.parents) {
      const found = byDigest.get(parent);
      if (found !== undefined) place(found);
    }
    bottomUp.push(image);
  };
  for (const image of byDigest.values()) place(image);
  return bottomUp.reverse();
}
