/** Goldens of what is rendered, in test/golden/render/, or in another folder beside it. UPDATE_GOLDEN=1 writes them; CI does not. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export function matchesGolden(name: string, text: string, folder: 'render' | 'builder' = 'render'): void {
  const file = path.resolve(import.meta.dirname, '../../golden', folder, name);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    assert.equal(process.env['CI'], undefined, 'goldens are not updated in CI');
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, 'utf8'), 'run with UPDATE_GOLDEN=1 when the change is meant');
}
