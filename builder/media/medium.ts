/**
 * What the rest of the builder knows of an install medium: which one a build would use, and what an installer
 * on this host is handed. How it is found, fetched and checked is the other files'.
 */
import type { Architecture } from '../../model/definition.ts';
import type { DownloadLimits } from './download.ts';
import type { HashOptions } from './hash-file.ts';
import type { SharedWork } from './shared-work.ts';

export type MediumKind = 'iso' | 'tree';

export type Medium = {
  readonly release: string;
  readonly architecture: Architecture;
  readonly kind: MediumKind;
  /** Absolute path on this host, or address (without its query, which may be secret). */
  readonly location: string;
  readonly origin: 'operator' | 'catalogue';
  /** What it really is where it stands in for the release's own, such as `CentOS 6.10`; else null. */
  readonly standIn: string | null;
  /** For manifest and people: the volume's label, what a tree calls itself, or the location. */
  readonly title: string;
  /** Of the ISO, or of the tree's .treeinfo. */
  readonly sha256: string;
  /** The medium says of itself that it is synthetic. Of an ISO that is not here yet, false. */
  readonly synthetic: boolean;
};

/** A finished download that is an install image. */
export type DownloadedIso = {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly label: string;
  readonly synthetic: boolean;
};

/** `medium`: as it turned out to be; title and synthetic are certain now. */
export type UsableMedium =
  | { readonly kind: 'iso'; readonly path: string; readonly medium: Medium }
  /** `url` ends with `/`. */
  | { readonly kind: 'tree'; readonly url: string; readonly medium: Medium }
  /** An install tree on this host. */
  | { readonly kind: 'directory'; readonly path: string; readonly medium: Medium };

/** A piece of work that takes long. */
export type MediaWork = Pick<HashOptions, 'onProgress' | 'signal'>;

/** What all parts of the store work with. */
export type MediaContext = {
  /** The records of what operators gave. */
  readonly directory: string;
  /** Downloads. */
  readonly cacheDirectory: string;
  /** This builder among those that share the directory; the same after a restart. */
  readonly owner: string;
  readonly limits: DownloadLimits;
  /** Downloads under way in this process, by address: two at once would write the same part. */
  readonly flights: SharedWork<DownloadedIso>;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
  /** Wall clock, milliseconds. */
  readonly wallMs: () => number;
};
