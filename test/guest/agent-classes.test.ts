/**
 * The real agent with SysV scripts and OCF agents. The scripts are ours (fixtures/); the daemons are real.
 */
import assert from 'node:assert/strict';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { buildAgent, isAlive, startAgent } from './agent-harness.ts';

before(buildAgent);

const fixtures = path.join(import.meta.dirname, 'fixtures');

async function sysv(t: TestContext) {
  const agent = await startAgent(t, { arguments: ['--init', 'sysv'] });
  assert.equal((await agent.next('hello')).init, 'sysv');
  await copyFile(path.join(fixtures, 'init-script.sh'), path.join(agent.root, 'etc/init.d/odd'));
  agent.send({ kind: 'watch', name: 'odd', class: 'lsb', service: 'odd', parameters: {} });
  assert.equal((await agent.next('state')).state, 'dead');
  return agent;
}

test('a SysV service is started, followed by the pid file of its header, and its death is told', async (t) => {
  const agent = await sysv(t);
  assert.equal((await agent.operate('odd', 'monitor')).code, 7);
  assert.equal((await agent.operate('odd', 'start')).code, 0);
  assert.equal((await agent.operate('odd', 'monitor')).code, 0);
  const pid = Number(await agent.read('var/run/odd/place.pid'));
  process.kill(pid, 'SIGKILL');
  const death = await agent.next('death');
  assert.deepEqual([death.name, death.pid, death.signal], ['odd', pid, 9]);
  assert.equal((await agent.operate('odd', 'monitor')).code, 7, 'LSB status 1 is not running');
  assert.equal((await agent.operate('odd', 'start')).code, 0);
  assert.equal((await agent.operate('odd', 'stop')).code, 0);
  assert.equal((await agent.operate('odd', 'monitor')).code, 7);
});

test('kill of a SysV service takes its workers along, also when the main process is gone', async (t) => {
  const agent = await sysv(t);
  await agent.operate('odd', 'start');
  const worker = Number(await agent.read('worker'));
  assert.equal((await agent.operate('odd', 'kill')).code, 0);
  assert.equal(await isAlive(worker), false);
  await agent.operate('odd', 'start');
  const orphan = Number(await agent.read('worker'));
  process.kill(Number(await agent.read('var/run/odd/place.pid')), 'SIGKILL');
  await agent.next('death', (death) => death.signal === 9);
  assert.equal((await agent.operate('odd', 'kill')).code, 0);
  assert.equal(await isAlive(orphan), false);
});

test('kill of a SysV service ends a worker that does not heed TERM after its main process has', async (t) => {
  const agent = await sysv(t);
  await agent.write('stubborn', '');
  await agent.operate('odd', 'start');
  const worker = Number(await agent.read('worker'));
  assert.equal((await agent.operate('odd', 'kill')).code, 0);
  assert.equal(await isAlive(worker), false);
});

test('a SysV script that is not there is an error with its path', async (t) => {
  const agent = await startAgent(t, { arguments: ['--init', 'sysv'] });
  agent.send({ kind: 'watch', name: 'gone', class: 'lsb', service: 'gone', parameters: {} });
  assert.equal((await agent.next('state')).state, 'unknown');
  const result = await agent.operate('gone', 'start');
  assert.equal(result.code, 1);
  assert.match(result.output ?? '', /etc\/init\.d\/gone/);
});

test('an OCF agent gets its parameters and its environment, and its codes are passed on', async (t) => {
  const agent = await startAgent(t);
  const directory = path.join(agent.root, 'usr/lib/ocf/resource.d/test');
  await mkdir(directory, { recursive: true });
  await copyFile(path.join(fixtures, 'ocf-agent.sh'), path.join(directory, 'Odd'));
  const record = path.join(agent.root, 'record');
  const parameters = { record, start_code: '6', monitor_code: '7', odd_value: 'a b=c%d "é"\n2' };
  agent.send({ kind: 'watch', name: 'o', class: 'ocf', service: 'test:Odd', parameters });
  assert.equal((await agent.next('state')).state, 'dead');
  assert.equal((await agent.operate('o', 'monitor')).code, 7);
  assert.equal((await agent.operate('o', 'start', 5000)).code, 6, 'a hard error stays one');
  const text = await agent.read('record');
  assert.match(text, /^action=start$/m);
  assert.match(text, /^OCF_RESKEY_CRM_meta_timeout=5000$/m);
  assert.match(text, /^OCF_RESOURCE_INSTANCE=o$/m);
  assert.match(text, /^OCF_RESOURCE_PROVIDER=test$/m);
  assert.match(text, /^OCF_RESOURCE_TYPE=Odd$/m);
  assert.ok(text.includes('OCF_RESKEY_odd_value=a b=c%d "é"\n'));
  assert.match(text, /^OCF_ROOT=.*\/usr\/lib\/ocf$/m);
  agent.send({ kind: 'watch', name: 'p', class: 'ocf', service: 'test:Missing', parameters: {} });
  await agent.next('state');
  assert.equal((await agent.operate('p', 'start')).code, 5);
});

test('an OCF resource that sets a pidfile parameter is followed by it', async (t) => {
  const agent = await startAgent(t);
  const directory = path.join(agent.root, 'usr/lib/ocf/resource.d/test');
  await mkdir(directory, { recursive: true });
  await copyFile(path.join(fixtures, 'ocf-agent.sh'), path.join(directory, 'Odd'));
  await agent.unit('daemon');
  agent.send({ kind: 'watch', name: 'daemon', class: 'systemd', service: 'daemon', parameters: {} });
  await agent.operate('daemon', 'start');
  const pid = Number(await agent.read('units/daemon.service/pid'));
  const parameters = {
    record: path.join(agent.root, 'record'),
    monitor_code: '0',
    pidfile: '/units/daemon.service/pid',
  };
  agent.send({ kind: 'watch', name: 'o', class: 'ocf', service: 'test:Odd', parameters });
  const state = await agent.next('state', ({ name }) => name === 'o');
  assert.deepEqual([state.state, state.pid], ['running', pid]);
  process.kill(pid, 'SIGKILL');
  await agent.next('death', ({ name }) => name === 'o');
});
