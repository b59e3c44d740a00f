/**
 * The real agent and the death of real processes: what it says, and how soon. The kernel's proc connector
 * needs root and the first pid namespace; polling is tested everywhere.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { buildAgent, startAgent, watchOf } from './agent-harness.ts';
import type { AgentUnderTest } from './agent-harness.ts';

before(buildAgent);

async function running(t: TestContext, source: 'connector' | 'poll', mode = 'ok') {
  const agent = await startAgent(t, { arguments: ['--death-source', source] });
  const hello = await agent.next('hello');
  assert.equal(hello.deathSource, source === 'poll' ? 'poll' : 'proc-connector');
  await agent.unit('web', mode);
  agent.send(watchOf('web'));
  await agent.next('state');
  assert.equal((await agent.operate('web', 'start')).code, 0);
  return agent;
}

const mainPid = async (agent: AgentUnderTest) => Number(await agent.read('units/web.service/pid'));

/** Kills the service and brings it back, `rounds` times. ms from the kill to the host's event, sorted. */
async function deathLatencies(agent: AgentUnderTest, rounds: number): Promise<number[]> {
  const latenciesMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const pid = await mainPid(agent);
    const before = performance.now();
    process.kill(pid, 'SIGKILL');
    const death = await agent.next('death');
    latenciesMs.push(performance.now() - before);
    assert.equal(death.pid, pid);
    assert.equal((await agent.operate('web', 'start')).code, 0);
  }
  return latenciesMs.sort((a, b) => a - b);
}

function medianAndWorst(sorted: readonly number[]): { readonly medianMs: number; readonly worstMs: number } {
  return { medianMs: sorted[sorted.length >> 1] ?? Number.NaN, worstMs: sorted.at(-1) ?? Number.NaN };
}

test("the host knows of a killed service within milliseconds, by the kernel's word", async (t) => {
  const agent = await running(t, 'connector');
  const { medianMs, worstMs } = medianAndWorst(await deathLatencies(agent, 50));
  t.diagnostic(
    `kill -9 to the host's event, 50 times: median ${medianMs.toFixed(2)} ms, worst ${worstMs.toFixed(2)} ms`,
  );
  assert.ok(medianMs < 20, `median ${medianMs} ms`);
});

test('by polling the host knows within the polling period', async (t) => {
  const agent = await running(t, 'poll');
  const { medianMs, worstMs } = medianAndWorst(await deathLatencies(agent, 5));
  t.diagnostic(
    `kill -9 to the host's event by polling, 5 times: median ${medianMs.toFixed(0)} ms, worst ${worstMs.toFixed(0)} ms`,
  );
  assert.ok(worstMs < 600, `worst ${worstMs} ms`);
});

test('a death carries the signal or the exit code, and polling carries neither', async (t) => {
  const byTerm = 'trap "exit 3" TERM; while :; do sleep 0.05; done';
  const agent = await running(t, 'connector', byTerm);
  process.kill(await mainPid(agent), 'SIGTERM');
  const first = await agent.next('death');
  assert.deepEqual([first.exitCode, first.signal], [3, undefined]);
  await agent.operate('web', 'start');
  process.kill(await mainPid(agent), 'SIGSEGV');
  const second = await agent.next('death');
  assert.deepEqual([second.exitCode, second.signal], [undefined, 11]);
  assert.equal((await agent.operate('web', 'monitor')).code, 7);
  const polling = await running(t, 'poll');
  process.kill(await mainPid(polling), 'SIGKILL');
  const third = await polling.next('death');
  assert.deepEqual([third.exitCode, third.signal], [undefined, undefined]);
});

test('a listener that ends has ended once: one death, and the next start is a new process', async (t) => {
  const agent = await running(t, 'connector');
  const pid = await mainPid(agent);
  process.kill(pid, 'SIGKILL');
  await agent.next('death');
  await agent.operate('web', 'start');
  assert.notEqual(await mainPid(agent), pid);
  assert.equal((await agent.operate('web', 'monitor')).code, 0);
  const deaths = agent.events
    .all()
    .filter((event) => event.kind === 'message' && event.message.kind === 'death');
  assert.equal(deaths.length, 1);
});

test('a storm of other processes neither hides a death nor makes one up', async (t) => {
  const storm = 'i=0; while [ $i -lt 2000 ]; do /bin/true; i=$((i+1)); done; exec sleep 600';
  const agent = await running(t, 'connector', storm);
  await agent.unit('db');
  agent.send(watchOf('db'));
  await agent.next('state');
  await agent.operate('db', 'start');
  process.kill(Number(await agent.read('units/db.service/pid')), 'SIGKILL');
  assert.equal((await agent.next('death')).name, 'db');
  assert.equal((await agent.operate('web', 'monitor')).code, 0);
});

test('an idle agent uses hardly any CPU and memory', async (t) => {
  const agent = await startAgent(t, { heartbeatMs: 200 });
  await agent.unit('web');
  agent.send(watchOf('web'));
  await agent.operate('web', 'start');
  await agent.write('etc/ssh/ssh_host_ed25519_key.pub', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKp0Nl8bk1 x\n');
  await agent.next('hello', (hello) => hello.hostKey !== undefined);
  await agent.next('heartbeat');
  const cpuBeforeMs = await cpuMs(agent.pid());
  const before = performance.now();
  for (let beat = 0; beat < 10; beat++) await agent.next('heartbeat');
  const percent = (100 * ((await cpuMs(agent.pid())) - cpuBeforeMs)) / (performance.now() - before);
  const status = await readFile(`/proc/${agent.pid()}/status`, 'utf8');
  const rssKib = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  t.diagnostic(`resident memory of the agent: ${rssKib} KiB; ${percent.toFixed(3)} % of a core while idle`);
  // 0.1 % on a quiet machine. Whatever else ends on this one meanwhile wakes the agent, hence the room.
  assert.ok(percent < 2, `${percent} % of a core`);
  assert.ok(rssKib < 1024);
});

/** CPU time of a process: proc(5), schedstat, first field, in ns. */
async function cpuMs(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ')[0]) / 1e6;
}
