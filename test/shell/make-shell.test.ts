/**
 * The shell as the README opens it, by make: what is typed there must reach pcloudsh alone. The stack around it is
 * left out; the recipe and the shell are the real ones.
 */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { builderRoutes, cpedRoutes } from './canned.ts';
import { eventRoute, fakeServices } from './fake-services.ts';
import { openShell } from './pty-session.ts';
import { shellProgram } from './run-shell.ts';

const makefile = path.resolve(import.meta.dirname, '../../Makefile');

function program(file: string, line: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${line}\n`);
  chmodSync(file, 0o755);
}

/** A checkout of which only the Makefile and the shell are there. */
function smallCheckout(t: TestContext): string {
  const directory = mkdtempSync('/tmp/pcloud-make-');
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  copyFileSync(makefile, path.join(directory, 'Makefile'));
  program(path.join(directory, 'tools/bootstrap'), 'exit 0');
  mkdirSync(path.join(directory, 'tools/stack'));
  writeFileSync(path.join(directory, 'tools/stack/main.ts'), '');
  program(path.join(directory, 'bin/pcloudsh'), `exec ${process.execPath} ${shellProgram}`);
  mkdirSync(path.join(directory, '.toolchain/bin'), { recursive: true });
  symlinkSync(process.execPath, path.join(directory, '.toolchain/bin/node'));
  return directory;
}

test('Ctrl-C in a shell that make opened ends the waiting, and neither the shell nor make', async (t) => {
  const services = await fakeServices({
    cped: { ...cpedRoutes, 'GET /v1/events': eventRoute([]).route },
    builder: builderRoutes,
  });
  t.after(async () => await services.close());
  const session = openShell(services.runtimeDirectory, {
    program: `make --no-print-directory -C ${smallCheckout(t)} shell`,
    environment: { MAKEFLAGS: '', MAKELEVEL: '' },
  });
  t.after(() => session.close());
  const isAtPrompt = (lines: readonly string[]): boolean => lines.at(-1) === 'pcloudsh#';
  await session.shows('the prompt', isAtPrompt);
  session.type('deployable_delete dep1\r');
  await session.shows('the question', (lines) => lines.at(-1)?.includes('[y/N]') === true);
  session.type('\u0003');
  await session.shows(
    'that nothing was done',
    (lines) => lines.includes('nothing was removed') && isAtPrompt(lines),
  );
  session.type('help quit\r');
  const lines = await session.shows(
    'the next command',
    (shown) => shown.some((line) => line.includes('Leave the shell')) && isAtPrompt(shown),
  );
  assert.ok(!lines.some((line) => line.startsWith('make:')), lines.join('\n'));
  session.type('\u0004');
  assert.equal(await session.ended(), 0);
});
