/**
 * The files of the page as a browser gets them: read once, when the first of them is asked for, TypeScript with
 * its types taken away. Only what lies in the page's directory is ever served, by a list that was made from it,
 * so that no path of a request reaches the file system.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { PcloudError } from '../model/errors.ts';
import { errorTextOf } from '../service/error-code.ts';

export type PageFile = {
  readonly contentType: string;
  readonly body: Buffer;
  /** A strong entity tag, with its quotes (RFC 9110 §8.8.3). */
  readonly etag: string;
};

/** What a browser is told that a file is, by its ending; other endings are not served. */
const contentTypes: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.ts', 'text/javascript; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
]);

/** Stripping takes milliseconds; this is for a machine that stands still. */
const stripLimitMs = 20_000;

export type PageFiles = {
  /**
   * The file of this name, such as `main.ts`; undefined for any other.
   * @throws PcloudError `page-not-readable` when the directory is not there or cannot be read
   */
  file(name: string): Promise<PageFile | undefined>;
};

/** @param directory where the page's sources lie; it is read at the first question, and then no more */
export function openPageFiles(directory: string): PageFiles {
  let read: Promise<ReadonlyMap<string, PageFile>> | undefined;
  return {
    async file(name) {
      read ??= readPage(directory);
      try {
        return (await read).get(name);
      } catch (error) {
        // It may be there the next time.
        read = undefined;
        throw notReadable(directory, error);
      }
    },
  };
}

async function readPage(directory: string): Promise<ReadonlyMap<string, PageFile>> {
  const names = (await readdir(directory)).filter((name) => contentTypes.has(path.extname(name))).sort();
  const sources = await Promise.all(names.map((name) => readFile(path.join(directory, name))));
  const typed = names.flatMap((name, index) => (name.endsWith('.ts') ? [index] : []));
  const stripped = await stripAll(typed.map((index) => sources[index]?.toString('utf8') ?? ''));
  return new Map(
    names.map((name, index) => {
      const script = stripped[typed.indexOf(index)];
      const body = script === undefined ? (sources[index] ?? Buffer.alloc(0)) : Buffer.from(script);
      return [name, pageFile(name, body)];
    }),
  );
}

function pageFile(name: string, body: Buffer): PageFile {
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  return { contentType: contentTypes.get(path.extname(name)) ?? '', body, etag: `"${digest}"` };
}

/** JavaScript for each of these texts of TypeScript, in the same order. */
async function stripAll(texts: readonly string[]): Promise<readonly string[]> {
  const worker = new Worker(new URL('./page-strip-worker.ts', import.meta.url), {
    workerData: texts,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('taking the types away took too long')), stripLimitMs);
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread ended without an answer')));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

function notReadable(directory: string, cause: unknown): PcloudError {
  return new PcloudError({
    code: 'page-not-readable',
    category: 'failed',
    message: `The page cannot be made from ${directory}: ${errorTextOf(cause)}.`,
    hint: 'It is part of the installation: install the package again. pcloudsh works without it.',
    facts: { directory },
    cause,
  });
}
