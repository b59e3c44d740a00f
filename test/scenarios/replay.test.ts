/** `make scenario` as somebody reads it: the list, and a reader who has seen enough of it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

test('a list whose reader has gone ends quietly, as of a broken pipe', async () => {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'replay.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  const [complaint] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  assert.equal(complaint, '');
  assert.equal(child.exitCode, 141);
});
