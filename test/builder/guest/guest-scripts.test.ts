import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import {
  bareScript,
  guestScriptNames,
  guestScriptsDirectory,
  loadGuestScripts,
  scriptCommand,
} from '../../../builder/guest/guest-scripts.ts';
import { inBatches, packageEnvironment } from '../../../builder/guest/package-managers.ts';
import { encodeHostMessage } from '../../../model/guest-codec.ts';

const templates = path.resolve(import.meta.dirname, '../../../templates');

test("a script's comments and indentation are not sent, and its lines are", () => {
  assert.equal(
    bareScript('#!/bin/sh\n# why\n\nif a; then\n\tb "# not one"\nfi\n'),
    'if a; then\nb "# not one"\nfi',
  );
});

test('every script of the directory is known, is read by a POSIX shell, and fits into a line with its values', async () => {
  const scripts = await loadGuestScripts(templates);
  const files = await readdir(path.join(templates, guestScriptsDirectory));
  assert.deepEqual(files.sort(), guestScriptNames.map((name) => `${name}.sh`).sort());
  const [services = []] = inBatches(Array.from({ length: 100 }, () => 's'.repeat(128)));
  for (const name of guestScriptNames) {
    execFileSync('sh', ['-n', '-c', scripts[name]]);
    const values = name === 'disable-services' ? services : ['b'.repeat(64)];
    const argv = scriptCommand(scripts, name, values);
    assert.deepEqual(argv.slice(4), values, 'values are arguments, not text');
    encodeHostMessage({
      kind: 'run',
      id: 1,
      timeoutMs: 3_600_000,
      arguments: argv,
      environment: packageEnvironment,
    });
  }
});
