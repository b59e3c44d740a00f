/**
 * The real agent and units: the drop-in, the operations, their limits. systemctl is a small script of ours
 * (fixtures/systemctl.sh); what it starts are real processes.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { buildAgent, isAlive, startAgent, watchOf } from './agent-harness.ts';

before(buildAgent);

const dropIn = 'run/systemd/system/web.service.d/90-pcloud.conf';

async function watched(t: TestContext, mode = 'ok') {
  const agent = await startAgent(t);
  await agent.unit('web', mode);
  agent.send(watchOf('web'));
  await agent.next('state');
  return agent;
}

test('a burst of watches writes each drop-in and reloads systemd once; again, it does nothing', async (t) => {
  const agent = await startAgent(t);
  await agent.unit('web');
  await agent.unit('db');
  agent.send(watchOf('web'));
  agent.send(watchOf('db'));
  assert.equal((await agent.next('state')).state, 'dead');
  assert.equal((await agent.next('state')).state, 'dead');
  assert.equal((await agent.operate('web', 'start')).code, 0);
  const text = await agent.read(dropIn);
  assert.match(text, /^\[Unit\]\nStartLimitIntervalSec=0$/m);
  assert.match(text, /^\[Service\]\nRestart=no$/m);
  const calls = await agent.calls();
  assert.equal(calls.filter((call) => call === 'daemon-reload').length, 1);
  assert.ok(calls.indexOf('daemon-reload') < calls.indexOf('start web.service'), 'reloaded before the start');
  agent.send(watchOf('web'));
  const state = await agent.next('state');
  assert.equal(state.state, 'running');
  assert.deepEqual(await agent.calls(), [], 'said again, it runs nothing');
  agent.send({ kind: 'unwatch', name: 'web' });
  await agent.operate('db', 'monitor');
  assert.equal(existsSync(path.join(agent.root, path.dirname(dropIn))), false);
  assert.ok(await isAlive(Number(await agent.read('units/web.service/pid'))), 'the service is left as it is');
});

test('a resource is started, monitored, stopped and started again', async (t) => {
  const agent = await watched(t);
  assert.equal((await agent.operate('web', 'monitor')).code, 7);
  const started = await agent.operate('web', 'start');
  assert.deepEqual([started.code, started.timedOut], [0, false]);
  const pid = Number(await agent.read('units/web.service/pid'));
  assert.equal((await agent.operate('web', 'monitor')).code, 0);
  await agent.calls();
  assert.equal((await agent.operate('web', 'monitor')).code, 0);
  assert.deepEqual(await agent.calls(), [], 'a followed process needs no systemctl');
  assert.equal((await agent.operate('web', 'stop')).code, 0);
  assert.equal(await isAlive(pid), false);
  assert.equal((await agent.operate('web', 'monitor')).code, 7);
  assert.equal((await agent.operate('web', 'stop')).code, 0, 'what is stopped can be stopped');
  assert.equal((await agent.operate('web', 'start')).code, 0);
});

test('a stop tells of the death before its result', async (t) => {
  const agent = await watched(t);
  await agent.operate('web', 'start');
  await agent.operate('web', 'stop');
  const kinds = agent.events
    .all()
    .map((event) => (event.kind === 'message' ? event.message.kind : event.kind));
  assert.ok(kinds.includes('death'));
  assert.ok(kinds.indexOf('death') < kinds.lastIndexOf('result'));
});

test('kill asks a service to end, and forgets its failure', async (t) => {
  const agent = await watched(t, 'exec sleep 600');
  await agent.operate('web', 'start');
  const pid = Number(await agent.read('units/web.service/pid'));
  await agent.calls();
  assert.equal((await agent.operate('web', 'kill')).code, 0);
  assert.equal(await isAlive(pid), false);
  assert.deepEqual(await agent.calls(), ['kill -s TERM web.service', 'reset-failed web.service']);
});

test('kill ends a service that does not heed, two seconds later', async (t) => {
  const agent = await watched(t, 'trap "" TERM; while :; do sleep 0.2; done');
  await agent.operate('web', 'start');
  const pid = Number(await agent.read('units/web.service/pid'));
  await agent.calls();
  assert.equal((await agent.operate('web', 'kill')).code, 0);
  assert.equal(await isAlive(pid), false);
  assert.deepEqual(await agent.calls(), [
    'kill -s TERM web.service',
    'kill -s KILL web.service',
    'reset-failed web.service',
  ]);
});

test('a start whose main process is gone at once is an error that says so', async (t) => {
  const agent = await watched(t, 'vanish');
  const result = await agent.operate('web', 'start');
  assert.equal(result.code, 1);
  assert.match(result.output ?? '', /main process is gone/);
});

test('a start that fails carries the last words of systemctl', async (t) => {
  const agent = await watched(t, 'fail');
  const result = await agent.operate('web', 'start');
  assert.equal(result.code, 1);
  assert.equal(result.output, 'Job for web.service failed.\n');
});

test('a unit that is not there is not installed, by start and by monitor', async (t) => {
  const agent = await startAgent(t);
  agent.send(watchOf('ghost'));
  await agent.next('state');
  assert.equal((await agent.operate('ghost', 'start')).code, 5);
  assert.equal((await agent.operate('ghost', 'monitor')).code, 5);
  assert.equal((await agent.operate('ghost', 'stop')).code, 0);
});

test('a unit that is activating is waited for within the time of the operation', async (t) => {
  const agent = await watched(t);
  await agent.write('units/web.service/idle', 'activating');
  const result = await agent.operate('web', 'monitor', 600);
  assert.equal(result.timedOut, true);
  assert.ok(result.durationMs >= 600 && result.durationMs < 1500);
  await agent.write('units/web.service/idle', 'failed');
  assert.equal((await agent.operate('web', 'monitor')).code, 7);
});

test('an operation whose time is up is ended with its whole group, though it ignores TERM', async (t) => {
  const agent = await watched(t, 'hang');
  const result = await agent.operate('web', 'start', 300);
  assert.equal(result.timedOut, true);
  assert.ok(result.durationMs >= 2300 && result.durationMs < 4000, `after ${result.durationMs} ms`);
  const [shell, child] = (await agent.read('units/web.service/hanging')).split(/\s+/).map(Number);
  assert.equal(await isAlive(shell ?? 0), false);
  assert.equal(await isAlive(child ?? 0), false);
});

test('operations run side by side, at most sixteen, and the next is refused with a reason', async (t) => {
  const agent = await watched(t, 'hang');
  await agent.unit('db');
  agent.send(watchOf('db'));
  await agent.next('state');
  for (let id = 1001; id <= 1015; id++) {
    agent.send({ kind: 'operation', id, name: 'web', operation: 'start', timeoutMs: 20_000 });
  }
  const beside = await agent.operate('db', 'start');
  assert.equal(beside.code, 0);
  agent.send({ kind: 'operation', id: 1016, name: 'web', operation: 'start', timeoutMs: 20_000 });
  const refused = await agent.operate('db', 'monitor');
  assert.equal(refused.code, 1);
  assert.match(refused.output ?? '', /too many/);
});
