/** Running a program on the shell's own terminal: its exit code, however it ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import { runProgram } from '../../shell/run-program.ts';

test('the exit code is passed on, and a signal counts as in a shell', async () => {
  assert.equal(await runProgram('sh', ['-c', 'exit 0'], 'ignore'), 0);
  assert.equal(await runProgram('sh', ['-c', 'exit 42'], 'ignore'), 42);
  assert.equal(await runProgram('sh', ['-c', 'kill -TERM $$'], 'ignore'), 128 + 15);
});

test('arguments reach the program as they are', async () => {
  assert.equal(await runProgram('test', ['a b; exit 1', '=', 'a b; exit 1'], 'ignore'), 0);
});

test('a script on standard input is not eaten by the program', async () => {
  assert.equal(await runProgram('sh', ['-c', 'read line; test -z "$line"'], 'ignore'), 0);
});

test('a program that is not installed is an error of its own', async () => {
  await assert.rejects(
    runProgram('no-such-program-here', [], 'ignore'),
    (error) => error instanceof PcloudError && error.code === 'program-missing',
  );
});
