/**
 * Images and releases as tables. Pure.
 */
import { formatBytes, formatElapsed } from './duration.ts';
import type { ImageView, ReleaseView } from './ports.ts';
import type { View } from './render-status.ts';
import { renderTable } from './render-table.ts';

/** As much of a digest as people compare. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}

export function renderImages(images: readonly ImageView[], view: View): readonly string[] {
  return renderTable(
    {
      header: ['RELEASE', 'ARCH', 'IMAGE', 'SIZE', 'AGE', 'ENGINE', ''],
      rows: images.map((image) => [
        image.release,
        image.architecture,
        shortDigest(image.digest),
        formatBytes(image.sizeBytes),
        formatElapsed(view.nowMs - image.createdAtMs),
        `${image.engine} ${image.engineVersion ?? ''}`.trimEnd(),
        [
          ...(image.synthetic ? ['SYNTHETIC: made from a test medium'] : []),
          ...(image.names.length === 0 ? ['replaced by a newer one'] : []),
        ].join('; '),
      ]),
    },
    view.columns,
  );
}

export function renderReleases(releases: readonly ReleaseView[], view: View): readonly string[] {
  return renderTable(
    {
      header: ['NAME', 'ALSO', 'ARCH', 'ENGINES', 'WHAT'],
      rows: releases.map((release) => [
        release.name,
        release.aliases.join(' ') || '-',
        release.architectures.join(' '),
        [release.engine, ...release.engines.filter((one) => one !== release.engine)].join(' '),
        release.summary,
      ]),
    },
    view.columns,
  );
}
