/**
 * The files that were kept as evidence of an incident, for whoever asks by HTTP. It trusts neither the names in a
 * request nor the paths in the journal: a file is one of the few that are ever kept, in a directory right below the
 * assembly's own place for evidence. Keeping them is `launcher-evidence.ts`.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import type { EvidenceFile } from '../model/cped-answers.ts';
import { PcloudError } from '../model/errors.ts';
import type { Incident } from '../model/event.ts';
import { quoteForMessage } from '../model/names.ts';
import { errorCodeOf } from '../service/error-code.ts';

/** Every name that evidence has, with what it is. */
export const evidenceTypes: Readonly<Record<string, string>> = {
  'screen.png': 'image/png',
  'screen.ppm': 'image/x-portable-pixmap',
  'console-tail.txt': 'text/plain; charset=utf-8',
};

/** A screen of 4096 × 2160 has 26 MB as PPM. */
const maxFileBytes = 32 * 1024 * 1024;

export type EvidencePlace = {
  readonly incident: Incident;
  /** The place of all evidence of its assembly. */
  readonly directory: string;
};

/** The files that are there now. Of a name that was kept more than once, the newest. */
export async function listEvidence(place: EvidencePlace): Promise<EvidenceFile[]> {
  const files: EvidenceFile[] = [];
  for (const [name, contentType] of Object.entries(evidenceTypes)) {
    const file = await openNewest(place, name);
    if (file === undefined) continue;
    try {
      const { size, mtimeMs } = await file.stat();
      files.push({ name, contentType, sizeBytes: size, takenAtMs: Math.round(mtimeMs) });
    } finally {
      await file.close();
    }
  }
  return files;
}

/** @throws PcloudError `unknown-evidence`. */
export async function readEvidence(
  place: EvidencePlace,
  name: string,
): Promise<{ readonly contentType: string; readonly bytes: Buffer }> {
  const contentType = Object.hasOwn(evidenceTypes, name) ? evidenceTypes[name] : undefined;
  if (contentType === undefined) throw noSuchEvidence(place, name);
  const file = await openNewest(place, name);
  if (file === undefined) throw noSuchEvidence(place, name);
  try {
    const { size } = await file.stat();
    if (size > maxFileBytes) throw noSuchEvidence(place, name);
    return { contentType, bytes: await file.readFile() };
  } finally {
    await file.close();
  }
}

/**
 * An incident whose restarts fail is kept more than once, and a later time may have less to keep: a machine that
 * never started has no screen. What an earlier time kept stays to be had.
 */
async function openNewest(place: EvidencePlace, name: string) {
  for (const directory of keptIn(place).toReversed()) {
    const file = await openFile(path.join(directory, name));
    if (file !== undefined) return file;
  }
  return undefined;
}

/** Where evidence of the incident was kept, oldest first: its lines that name such a directory. */
function keptIn({ incident, directory }: EvidencePlace): string[] {
  return incident.evidence.flatMap((line) => {
    const kept = /^(?:screen and console|console): (\/.+)$/.exec(line)?.[1];
    return kept !== undefined && path.dirname(path.normalize(kept)) === directory
      ? [path.normalize(kept)]
      : [];
  });
}

/** Undefined for what is not there, and for what is no plain file. */
async function openFile(file: string) {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCodeOf(error) ?? '')) return undefined;
      throw error;
    },
  );
  if (handle === undefined || (await handle.stat()).isFile()) return handle;
  await handle.close();
  return undefined;
}

function noSuchEvidence({ incident }: EvidencePlace, name: string): PcloudError {
  return new PcloudError({
    code: 'unknown-evidence',
    category: 'not-found',
    message: `There is no evidence ${quoteForMessage(name)} of incident ${incident.id}.`,
    hint: `GET /v1/incidents/${incident.id}/evidence lists what was kept; only the newest incidents of an assembly keep theirs.`,
    facts: { id: incident.id },
  });
}
