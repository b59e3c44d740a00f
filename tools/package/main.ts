/**
 * `make deb` and `make rpm`: makes a package in dist/, and says where it is. Nothing else changes.
 *
 * usage: tools/package/main.ts deb|rpm [--output DIR]
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PcloudError, exitCodeOf } from '../../model/errors.ts';
import { makeDeb } from './deb.ts';
import { buildFacts } from './facts.ts';
import { makeRpm } from './rpm.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const makers = { deb: makeDeb, rpm: makeRpm } as const;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { output: { type: 'string', default: path.join(checkout, 'dist') } },
  });
  const [kind] = positionals;
  if (positionals.length !== 1 || (kind !== 'deb' && kind !== 'rpm')) {
    throw new PcloudError({
      code: 'usage',
      category: 'invalid',
      message: 'usage: tools/package/main.ts deb|rpm [--output DIR]',
      hint: 'For example: make deb',
    });
  }
  mkdirSync(values.output, { recursive: true });
  const work = mkdtempSync(path.join(os.tmpdir(), 'pcloud-package-'));
  process.stderr.write(
    `package: collecting the files and packing them (${kind}); half a minute on two cores\n`,
  );
  try {
    console.log(await makers[kind](await buildFacts(process.env), work, path.resolve(values.output)));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof PcloudError)) throw error;
  process.stderr.write(`package: ${error.message}\n${error.hint ?? ''}\n`);
  process.exitCode = exitCodeOf(error.category);
}
