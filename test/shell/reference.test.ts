/** The page docs/pcloudsh.md says what the command table says. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { commandTable } from '../../shell/command-table.ts';
import { renderReference } from '../../shell/reference.ts';

const page = new URL('../../docs/pcloudsh.md', import.meta.url);

test('the reference page is the one that the command table gives', async () => {
  const wanted = renderReference(commandTable);
  if (process.env['UPDATE_GOLDENS'] === '1') {
    assert.equal(process.env['CI'], undefined, 'goldens are not updated in CI');
    await writeFile(page, wanted);
  }
  assert.equal(
    await readFile(page, 'utf8'),
    wanted,
    'run this test with UPDATE_GOLDENS=1 and look at the diff',
  );
});
