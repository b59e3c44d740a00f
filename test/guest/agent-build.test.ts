/**
 * The agent as a file: static, small, the same from the same sources; its units; and its parser under the
 * sanitizers.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { agentPath, buildAgent, makeGuest } from './agent-harness.ts';

const guest = path.resolve(import.meta.dirname, '../../guest');

before(buildAgent);

test('the agent is one small static file without any path of the machine that built it', async (t) => {
  const { size } = await stat(agentPath);
  const bytes = await readFile(agentPath);
  t.diagnostic(`size of the agent: ${size} bytes`);
  assert.ok(size < 150 * 1024, `${size} bytes`);
  // ELF with no PT_INTERP (3): no dynamic loader is asked for.
  const headers = Array.from({ length: bytes.readUInt16LE(56) }, (_, i) =>
    bytes.readUInt32LE(Number(bytes.readBigUInt64LE(32)) + i * bytes.readUInt16LE(54)),
  );
  assert.equal(headers.includes(3), false);
  assert.equal(bytes.includes(guest), false);
});

test('built in another directory, the agent is the same bytes', async (t) => {
  const directory = await mkdtemp('/tmp/pcloud-agent-build-');
  t.after(() => rm(directory, { recursive: true }));
  for (const part of ['src', 'Makefile']) {
    await cp(path.join(guest, part), path.join(directory, 'elsewhere', part), { recursive: true });
  }
  execFileSync('make', ['-s', '-C', path.join(directory, 'elsewhere')], { stdio: 'pipe' });
  const other = await readFile(path.join(directory, 'elsewhere/build/pcloud-agent'));
  assert.ok(other.equals(await readFile(agentPath)));
});

test('a million mutated host lines do no harm to the parser', (t) => {
  t.diagnostic(makeGuest('fuzz').trim());
});

test('the SysV script is a script that a POSIX shell reads, with the headers that chkconfig and LSB want', async () => {
  const script = path.join(guest, 'pcloud-agent.init');
  execFileSync('sh', ['-n', script]);
  const text = await readFile(script, 'utf8');
  assert.match(text, /^# chkconfig: 2345 \d\d \d\d$/m);
  assert.match(text, /^### BEGIN INIT INFO$/m);
});
