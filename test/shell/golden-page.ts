/** A file that is made from the command table, compared with what the table gives now. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';

/** Asserts that the file, relative to the checkout, holds this text; with UPDATE_GOLDENS=1 writes it first. */
export async function assertIsCurrent(file: string, wanted: string): Promise<void> {
  const page = new URL(`../../${file}`, import.meta.url);
  if (process.env['UPDATE_GOLDENS'] === '1') {
    assert.equal(process.env['CI'], undefined, 'goldens are not updated in CI');
    await writeFile(page, wanted);
  }
  assert.equal(
    await readFile(page, 'utf8'),
    wanted,
    'run this test with UPDATE_GOLDENS=1 and look at the diff',
  );
}
