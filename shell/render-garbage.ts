/** Images that can go, for people. Pure. */
import type { GcEntry } from '../model/image-gc.ts';
import { formatBytes, formatElapsed } from './duration.ts';
import { shortDigest } from './render-images.ts';
import type { View } from './render-status.ts';
import { renderTable } from './render-table.ts';

/** Images as `image_gc` shows them, with the sum below. */
export function renderGarbage(entries: readonly GcEntry[], view: View): readonly string[] {
  const sum = entries.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  return [
    ...renderTable(
      {
        header: ['IMAGE', 'WHAT', 'SIZE', 'AGE', 'WHY'],
        rows: entries.map((entry) => [
          shortId(entry),
          entry.title,
          formatBytes(entry.sizeBytes),
          formatElapsed(view.nowMs - Date.parse(entry.createdAt)),
          entry.why,
        ]),
      },
      view.columns,
    ),
    `${imagesInWords(entries.length)}, ${formatBytes(sum)}`,
  ];
}

/** As much of an entry's name as people compare. */
export function shortId({ id }: Pick<GcEntry, 'id'>): string {
  return shortDigest(id.replace(/^removed-/, ''));
}

export function imagesInWords(count: number): string {
  return count === 1 ? '1 image' : `${count} images`;
}
