/**
 * The agent's word on its guest's address, in a network namespace of the test's own: told with the hello, and
 * again when it comes, changes or goes; and nothing that costs an idle guest anything.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { buildAgent, startAgent } from './agent-harness.ts';

before(buildAgent);

/** An agent in a network of its own, and `ip` there. */
async function isolated(t: TestContext) {
  const agent = await startAgent(t, { wrapper: ['unshare', '--user', '--map-root-user', '--net'] });
  const ip = (...words: readonly string[]): void => {
    const inside = ['--target', String(agent.pid()), '--user', '--net', '--preserve-credentials'];
    execFileSync('nsenter', [...inside, 'ip', ...words], { stdio: 'pipe' });
  };
  return { agent, ip };
}

test('without a default route there is no address; the one of its interface is told when it comes', async (t) => {
  const { agent, ip } = await isolated(t);
  assert.equal((await agent.next('hello')).address, undefined);
  ip('link', 'set', 'lo', 'up');
  ip('address', 'add', '192.0.2.7/24', 'dev', 'lo');
  ip('route', 'add', 'default', 'dev', 'lo');
  const update = await agent.next('hello');
  assert.deepEqual([update.cause, update.address], ['update', '192.0.2.7'], 'and not 127.0.0.1');
});

test('an address that changes or goes is told, at most every 2.5 s, and the last word is what is true', async (t) => {
  const { agent, ip } = await isolated(t);
  await agent.next('hello');
  ip('link', 'set', 'lo', 'up');
  ip('address', 'add', '169.254.3.4/16', 'dev', 'lo');
  ip('address', 'add', '192.0.2.7/24', 'dev', 'lo');
  ip('route', 'add', 'default', 'dev', 'lo');
  assert.equal((await agent.next('hello')).address, '192.0.2.7', 'a link-local address is nobody else’s');
  for (let round = 0; round < 40; round += 1) {
    ip('address', 'add', `198.51.100.${round + 1}/24`, 'dev', 'lo');
    ip('address', 'delete', `198.51.100.${round + 1}/24`, 'dev', 'lo');
  }
  ip('address', 'delete', '192.0.2.7/24', 'dev', 'lo');
  ip('address', 'add', '203.0.113.9/24', 'dev', 'lo');
  await agent.next('hello', ({ address }) => address === '203.0.113.9');
  ip('route', 'delete', 'default');
  const last = await agent.next('hello', ({ address }) => address === undefined);
  assert.equal(last.cause, 'update');
  const hellos = agent.events.all().filter((e) => e.kind === 'message' && e.message.kind === 'hello');
  assert.ok(hellos.length <= 5, `${hellos.length} hellos`);
});

test('an agent that knows its address is not woken by time', async (t) => {
  const { agent, ip } = await isolated(t);
  await agent.next('hello');
  await agent.write('etc/ssh/ssh_host_ed25519_key.pub', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKp0Nl8bk1 x\n');
  ip('link', 'set', 'lo', 'up');
  ip('address', 'add', '192.0.2.7/24', 'dev', 'lo');
  ip('route', 'add', 'default', 'dev', 'lo');
  await agent.next('hello', ({ address, hostKey }) => address !== undefined && hostKey !== undefined);
  const switches = (): number => {
    const status = readFileSync(`/proc/${agent.pid()}/status`, 'utf8');
    return Number(/^voluntary_ctxt_switches:\t(\d+)$/m.exec(status)?.[1]);
  };
  const before = switches();
  // The passing of time is what is measured: without a connector deaths are polled four times a second, and
  // the port is looked at once a second.
  await delay(2000);
  assert.ok(switches() - before <= 14, `${switches() - before} wake-ups in 2 s`);
});
