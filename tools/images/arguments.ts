/**
 * What `make images` was told: which releases, how many at a time, from where. Pure; whether a release exists
 * is the builder's to say.
 */
import { parseArgs } from 'node:util';
import { PcloudError } from '../../model/errors.ts';
import { quoteForMessage } from '../../model/names.ts';

export const usage = `usage: make images [RELEASES="F14 F16"] [JOBS=2]
       node tools/images/main.ts [--releases LIST] [--jobs N] [--archive]
Builds the JEOS of every release of the catalogue (templates/releases/), or of those in RELEASES or
PCLOUD_RELEASES. Images that are there already are used as they are. Ctrl-C cancels what was asked for.
  --releases LIST  names, separated by blanks or commas
  --jobs N         builds at a time, 1 to 16 (2 unless given)
  --archive        from the public archives alone: a private stack of its own, with no media of yours, and
                   only releases that have an installer (make images-archive)
The builder is the one that PCLOUD_RUNTIME_DIR names; without it, the one of this checkout's private stack.`;

export type ImagesArguments = {
  readonly help: boolean;
  /** Empty: every release. */
  readonly releases: readonly string[];
  readonly jobs: number;
  readonly archive: boolean;
};

const maxJobs = 16;
const maxReleases = 100;

/** @throws PcloudError `bad-usage`. */
export function readArguments(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ImagesArguments {
  const { help, releases, jobs, archive } = parseWords(words);
  const given = releases === undefined || releases.trim() === '' ? environment['PCLOUD_RELEASES'] : releases;
  const names = (given ?? '').split(/[\s,]+/).filter((name) => name !== '');
  if (names.length > maxReleases) throw badUsage(`${names.length} releases are more than ${maxReleases}.`);
  return { help, archive, releases: [...new Set(names)], jobs: readJobs(jobs) };
}

function parseWords(words: readonly string[]): {
  readonly help: boolean;
  readonly releases: string | undefined;
  readonly jobs: string | undefined;
  readonly archive: boolean;
} {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        help: { type: 'boolean', default: false },
        releases: { type: 'string' },
        jobs: { type: 'string' },
        archive: { type: 'boolean', default: false },
      },
    });
    return { help: values.help, releases: values.releases, jobs: values.jobs, archive: values.archive };
  } catch (error) {
    throw badUsage(error instanceof Error ? error.message : String(error));
  }
}

function readJobs(text: string | undefined): number {
  if (text === undefined || text === '') return 2;
  const jobs = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs >= 1 && jobs <= maxJobs) return jobs;
  throw badUsage(`--jobs must be a number from 1 to ${maxJobs}, not ${quoteForMessage(text)}.`);
}

function badUsage(message: string): PcloudError {
  return new PcloudError({ code: 'bad-usage', category: 'invalid', message, hint: usage });
}
