/**
 * Install media, their verdicts and how far work on them is, for people. Pure.
 */
import type { MediaInfo, MediaProgress, MediaVerdict } from '../model/media-api.ts';
import { formatBytes, formatElapsed } from './duration.ts';
import { renderTable } from './render-table.ts';
import type { View } from './render-status.ts';

export function renderMedia(media: readonly MediaInfo[], view: View): readonly string[] {
  return renderTable(
    {
      header: ['RELEASE', 'ARCH', 'KIND', 'STATE', 'SIZE', 'WHAT'],
      rows: media.map((medium) => [
        medium.release,
        medium.architecture,
        medium.location === '' ? '-' : medium.kind,
        medium.state,
        medium.sizeBytes === null ? '-' : formatBytes(medium.sizeBytes),
        whatOf(medium),
      ]),
    },
    view.columns,
  );
}

export function renderVerdicts(verdicts: readonly MediaVerdict[], view: View): readonly string[] {
  return renderTable(
    {
      header: ['RELEASE', 'ARCH', 'VERDICT', 'SHA256', 'WHY'],
      rows: verdicts.map((one) => [
        one.release,
        one.architecture,
        one.verdict,
        one.sha256?.slice(0, 12) ?? '-',
        [one.location, one.detail].filter((part) => part !== '').join(': '),
      ]),
    },
    view.columns,
  );
}

/** `stage` is the same for all of one phase of one file. */
export function mediaStep(progress: MediaProgress): {
  readonly percent: number | null;
  readonly step: string;
  readonly stage: string;
} {
  const { phase, what, doneBytes, totalBytes, bytesPerSecond } = progress;
  const percent =
    totalBytes === null || totalBytes === 0 ? null : Math.min(100, (doneBytes / totalBytes) * 100);
  const total = totalBytes === null ? '' : ` of ${formatBytes(totalBytes)}`;
  const rate = bytesPerSecond === null ? '' : `, ${formatBytes(bytesPerSecond)}/s`;
  const leftBytes = (totalBytes ?? 0) - doneBytes;
  const left =
    bytesPerSecond === null || bytesPerSecond === 0 || leftBytes <= 0
      ? ''
      : `, ${formatElapsed((leftBytes / bytesPerSecond) * 1000)} left`;
  const step = `${verbs[phase]} ${formatBytes(doneBytes)}${total}${rate}${left}`;
  return { percent, step, stage: `${phase} ${what}` };
}

const verbs: Readonly<Record<MediaProgress['phase'], string>> = {
  download: 'downloading',
  verify: 'taking the checksum:',
  check: 'checking a tree:',
};

function whatOf(medium: MediaInfo): string {
  const { title, location, origin, standIn, synthetic, problem } = medium;
  const named = title === null || title === location ? location : `${title}: ${location}`;
  const notes = [
    ...(origin === 'operator' ? ['given by media_add'] : []),
    ...(standIn === null ? [] : [`${standIn} stands in`]),
    ...(synthetic ? ['calls itself synthetic'] : []),
    ...(problem === null ? [] : [problem]),
  ].join('; ');
  if (named === '') return notes;
  return notes === '' ? named : `${named} (${notes})`;
}
