/**
 * What a package depends on besides the sources: the last commit's time, the C library that the native parts were
 * compiled with, the processor. Asked of git, getconf and Node.
 */
import path from 'node:path';
import { execa } from 'execa';
import { PcloudError } from '../../model/errors.ts';
import { architectureOf } from './plan.ts';

const checkout = path.resolve(import.meta.dirname, '../..');

export type BuildFacts = {
  /** Of every file in the package: SOURCE_DATE_EPOCH, else the last commit's time. */
  readonly epochSeconds: number;
  /** Such as `2.36`: a machine with an older one cannot run what was compiled here. */
  readonly glibcVersion: string;
  readonly architecture: { readonly debian: string; readonly rpm: string };
};

/** @throws PcloudError where a fact is not to be had. */
export async function buildFacts(env: Readonly<Record<string, string | undefined>>): Promise<BuildFacts> {
  const architecture = architectureOf(process.arch);
  if (architecture === undefined) {
    throw new PcloudError({
      code: 'unknown-architecture',
      category: 'invalid',
      message: `No package is made for the processor ${process.arch}.`,
      hint: 'Add its names to tools/package/plan.ts.',
    });
  }
  const libc = await execa('getconf', ['GNU_LIBC_VERSION'], { timeout: 10_000 });
  return {
    epochSeconds: epochFrom(env['SOURCE_DATE_EPOCH']) ?? (await lastCommitSeconds()),
    glibcVersion: libc.stdout.replace('glibc ', ''),
    architecture,
  };
}

function epochFrom(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new PcloudError({
    code: 'bad-epoch',
    category: 'invalid',
    message: `SOURCE_DATE_EPOCH ${JSON.stringify(text.slice(0, 40))} is not a number of seconds since 1970.`,
    hint: 'Leave it out: the time of the last commit is used.',
  });
}

async function lastCommitSeconds(): Promise<number> {
  const result = await execa('git', ['log', '-1', '--format=%ct'], {
    cwd: checkout,
    reject: false,
    timeout: 10_000,
  });
  if (/^\d+$/.test(result.stdout)) return Number(result.stdout);
  throw new PcloudError({
    code: 'no-commit-time',
    category: 'failed',
    message: 'git does not tell the time of the last commit, which every file in the package gets.',
    hint: 'Outside of a git checkout, set SOURCE_DATE_EPOCH to a number of seconds since 1970.',
  });
}
