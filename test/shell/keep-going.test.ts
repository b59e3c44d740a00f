/** A script that is told to keep going, through the real program. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builderRoutes, cpedRoutes } from './canned.ts';
import { fakeServices } from './fake-services.ts';
import { runShell } from './run-shell.ts';

test('a script stops at its first error, and with --keep-going runs to its end and exits as that error', async (t) => {
  const made = await fakeServices({ cped: cpedRoutes, builder: builderRoutes });
  t.after(async () => await made.close());
  const script = 'no_such_command\nassembly_show\nassembly_list\n';
  const stopped = await runShell(made.runtimeDirectory, ['-f', '-'], script);
  assert.equal(stopped.code, 2);
  assert.match(stopped.stderr, /standard input, line 1: stopped here: no_such_command/);
  assert.equal(stopped.stdout, '');
  const went = await runShell(made.runtimeDirectory, ['-f', '-', '--keep-going'], script);
  assert.equal(went.code, 2);
  assert.match(went.stderr, /line 1: not done: no_such_command[^]*line 2: not done: assembly_show/);
  assert.match(went.stdout, /^assy1 /m);
  const wrong = await runShell(made.runtimeDirectory, ['-f', '-', '--keep-going', 'more']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /Nothing may follow/);
});
