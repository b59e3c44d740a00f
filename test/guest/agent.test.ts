/**
 * The real agent, its conversation: hello, the state after a reconnect, identity, a host that talks nonsense.
 * Operations are in agent-systemd.test.ts and agent-classes.test.ts, deaths in agent-death.test.ts.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import path from 'node:path';
import { before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { agentPath, buildAgent, startAgent, watchOf } from './agent-harness.ts';
import { eventLog } from './event-log.ts';

before(buildAgent);

const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKp0Nl8bk1';

/** A connection of the test's own, in place of the host's link. */
async function rawHost(t: TestContext, socketPath: string) {
  const lines = eventLog<string>();
  const socket = await new Promise<Socket>((resolve, reject) => {
    const connecting = connect(socketPath, () => resolve(connecting));
    connecting.once('error', reject);
  });
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    const whole = text.split('\n');
    text = whole.pop() ?? '';
    for (const line of whole) lines.add(line);
  });
  return { socket, next: (start: string) => lines.next((line) => line.startsWith(start), start) };
}

test('the agent says its version and refuses options that it does not know', () => {
  assert.match(execFileSync(agentPath, ['--version']).toString(), /^pcloud-agent \d+\.\d+\.\d+\n$/);
  assert.throws(() => execFileSync(agentPath, ['--frobnicate', '1'], { stdio: 'pipe' }), { status: 2 });
});

test('the agent answers the host with hello, its state and heartbeats', async (t) => {
  const agent = await startAgent(t, { heartbeatMs: 100 });
  const hello = await agent.next('hello');
  assert.equal(hello.protocol, 1);
  assert.equal(hello.init, 'systemd');
  assert.equal(hello.cause, 'answer');
  assert.equal(hello.hostKey, undefined);
  assert.match(hello.agentVersion, /^\d/);
  await agent.next('state-end');
  const first = await agent.next('heartbeat');
  const second = await agent.next('heartbeat');
  assert.equal(second.sequence, first.sequence + 1);
  assert.ok(second.uptimeMs - first.uptimeMs >= 100 && second.uptimeMs - first.uptimeMs < 400);
});

test('an ssh host key that is made later reaches the host in a hello of its own', async (t) => {
  const agent = await startAgent(t);
  await agent.next('hello');
  await agent.write('etc/ssh/ssh_host_ed25519_key.pub', `${hostKey} root@assy1\n`);
  const update = await agent.next('hello');
  assert.equal(update.cause, 'update');
  assert.equal(update.hostKey, hostKey);
});

test('a guest whose sshd is too old for Ed25519 tells its RSA key', async (t) => {
  const agent = await startAgent(t);
  await agent.next('hello');
  const rsa = `ssh-rsa ${'AAAAB3NzaC1yc2E'.padEnd(372, 'x')}`;
  await agent.write('etc/ssh/ssh_host_rsa_key.pub', `${rsa} root@old\n`);
  // The agent's uptime is this host's, which has been up for longer than the minute that a first boot is given.
  assert.equal((await agent.next('hello')).hostKey, rsa);
});

test('after a reconnect the agent tells the whole state, with what happened meanwhile', async (t) => {
  const agent = await startAgent(t);
  await agent.unit('web');
  await agent.unit('db');
  for (const name of ['web', 'db']) {
    agent.send(watchOf(name));
    await agent.next('state');
    assert.equal((await agent.operate(name, 'start')).code, 0);
  }
  agent.links.close('assy1');
  process.kill(Number(await agent.read('units/web.service/pid')), 'SIGKILL');
  agent.links.open('assy1', agent.socketPath);
  await agent.link('up');
  const states = [await agent.next('state'), await agent.next('state')];
  await agent.next('state-end');
  const db = Number(await agent.read('units/db.service/pid'));
  assert.deepEqual(
    states.map(({ name, state, pid }) => ({ name, state, pid })),
    [
      { name: 'web', state: 'dead', pid: undefined },
      { name: 'db', state: 'running', pid: db },
    ],
  );
});

test('an agent that is killed comes back to a link that was down, and watches nothing', async (t) => {
  const agent = await startAgent(t);
  await agent.unit('web');
  agent.send(watchOf('web'));
  await agent.operate('web', 'start');
  const pid = Number(await agent.read('units/web.service/pid'));
  await agent.restart();
  await agent.link('down');
  await agent.link('up');
  await agent.next('state-end');
  agent.send(watchOf('web'));
  const state = await agent.next('state');
  assert.deepEqual(
    [state.state, state.pid],
    ['running', pid],
    'the service was left alone and is found again',
  );
});

test('an agent that comes up on a link whose hello is gone says so itself', async (t) => {
  const agent = await startAgent(t);
  await agent.links.closeAll();
  const host = await rawHost(t, agent.socketPath);
  assert.match(await host.next('hello'), / cause=start/);
  host.socket.write('hello protocol=1 heartbeat-ms=10000\n');
  assert.match(await host.next('hello'), / cause=answer/);
});

test('a host that talks nonsense is ignored and one of another version is told ours', async (t) => {
  const agent = await startAgent(t);
  await agent.links.closeAll();
  const host = await rawHost(t, agent.socketPath);
  host.socket.write('operation id=1 name=web operation=start timeout-ms=1\n');
  host.socket.write(`${'x'.repeat(100_000)}\nfrobnicate\n\0\xff\nhello protocol=1\n\n\n`);
  host.socket.write(
    'hello protocol=2 heartbeat-ms=10000\noperation id=2 name=web operation=start timeout-ms=9\n',
  );
  assert.match(await host.next('hello'), /protocol=1 .*cause=answer/);
  host.socket.write(`hello protocol=1 heartbeat-ms=10000\n${'nonsense here\n'.repeat(20_000)}`);
  await host.next('state-end');
  host.socket.write('operation id=3 name=web operation=start timeout-ms=1000\n');
  assert.match(await host.next('result'), /^result id=3 .*output=the%20resource%20is%20not%20watched/);
});

test('identity sets the host name and our key, and leaves every other line as it was', async (t) => {
  const agent = await startAgent(t);
  await agent.write('etc/hosts', '127.0.0.1 localhost\n127.0.1.1 old # pcloud-supervisor\n::1 localhost');
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGx pcloud';
  const identity = { kind: 'identity', hostname: 'assy1', authorizedKey: key } as const;
  const file = path.join(agent.root, 'root/.ssh/authorized_keys');
  async function say(message: typeof identity): Promise<string> {
    agent.send(message);
    // Lines are taken in order: an answer to the next one means that this one is done.
    await agent.operate('nobody', 'monitor');
    return agent.read('root/.ssh/authorized_keys');
  }
  assert.equal(await say(identity), `${key} pcloud-supervisor\n`);
  assert.equal((await stat(file)).mode & 0o7777, 0o600);
  assert.equal((await stat(path.dirname(file))).mode & 0o7777, 0o700);
  assert.equal(await agent.read('etc/hostname'), 'assy1\n');
  assert.equal(
    await agent.read('etc/hosts'),
    '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 assy1 # pcloud-supervisor\n',
  );
  const { ino } = await stat(file);
  await say(identity);
  assert.equal((await stat(file)).ino, ino, 'said again, it writes nothing');
  await agent.write('root/.ssh/authorized_keys', `ssh-rsa AAAA operator\n${key} pcloud-supervisor\n`);
  const next = 'ssh-ed25519 AAAANEW';
  assert.equal(
    await say({ ...identity, authorizedKey: next as typeof key }),
    `ssh-rsa AAAA operator\n${next} pcloud-supervisor\n`,
  );
});

test("poweroff is asked of the guest's own init", async (t) => {
  const agent = await startAgent(t);
  agent.send({ kind: 'poweroff' });
  // The agent tells nothing of it: ask it other things until systemctl has been there.
  for (let tries = 0; tries < 1000; tries++) {
    await agent.operate('nobody', 'monitor');
    if ((await agent.calls()).includes('poweroff')) return;
  }
  assert.fail('systemctl poweroff was not called');
});
