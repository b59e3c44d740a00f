/**
 * The real agent running programs on the host's word, as a build asks it to: their output and end, their limit,
 * a program that talks without end, and a link that drops in the middle.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { watch } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { agentCan } from '../../model/guest-protocol.ts';
import { buildAgent, isAlive, startAgent } from './agent-harness.ts';
import type { AgentUnderTest, Message } from './agent-harness.ts';

before(buildAgent);

type Run = { readonly id?: number; readonly timeoutMs?: number; readonly env?: Record<string, string> };

function sendRun(agent: AgentUnderTest, words: readonly string[], run: Run = {}): number {
  const { id = 1, timeoutMs = 20_000, env = {} } = run;
  agent.send({ kind: 'run', id, timeoutMs, arguments: words, environment: env });
  return id;
}

function outputOf(agent: AgentUnderTest, id: number, stream: 'stdout' | 'stderr'): string {
  return agent.events
    .all()
    .map((event) => (event.kind === 'message' ? event.message : undefined))
    .filter((said): said is Message<'output'> => said?.kind === 'output')
    .filter((said) => said.id === id && said.stream === stream)
    .map((said) => said.text)
    .join('');
}

async function run(agent: AgentUnderTest, words: readonly string[], options: Run = {}) {
  const id = sendRun(agent, words, options);
  const result = await agent.next('run-result', (said) => said.id === id);
  return { ...result, stdout: outputOf(agent, id, 'stdout'), stderr: outputOf(agent, id, 'stderr') };
}

const sh = (script: string, ...words: string[]): readonly string[] => [
  '/bin/sh',
  '-c',
  script,
  'sh',
  ...words,
];

/** Resolves with the file's text once it is there and ends in a newline. */
async function written(directory: string, name: string): Promise<string> {
  const seen = new AbortController();
  const watcher = watch(directory, { signal: seen.signal });
  try {
    const look = async (): Promise<string | undefined> => {
      const text = await readFile(path.join(directory, name), 'utf8').catch(() => '');
      return text.endsWith('\n') ? text.trim() : undefined;
    };
    return await new Promise((resolve, reject) => {
      const check = (): void => {
        look().then((text) => text !== undefined && resolve(text), reject);
      };
      watcher.on('change', check);
      watcher.on('error', reject);
      check();
    });
  } finally {
    seen.abort();
  }
}

test('the agent says that it can run programs', async (t) => {
  const agent = await startAgent(t);
  assert.equal(agentCan(await agent.next('hello'), 'run'), true);
});

test('a program gets its arguments and environment as they are, and its output and code come back', async (t) => {
  const agent = await startAgent(t);
  const odd = ['', ' ', '%=;$(id)`', 'zwei\nZeilen', 'ü'];
  const script = 'for word; do printf "[%s]" "$word"; done; printf "%s" "$LC_ALL|$A|$HOME|$PWD" >&2; exit 3';
  const env = { A: 'b = %c', LC_ALL: 'C.UTF-8' };
  const ended = await run(agent, sh(script, ...odd), { env });
  assert.equal(ended.stdout, odd.map((word) => `[${word}]`).join(''));
  assert.equal(ended.stderr, 'C.UTF-8|b = %c|/|/');
  assert.deepEqual([ended.code, ended.signal, ended.timedOut], [3, undefined, false]);
});

test('a program reads nothing and leads a session of its own', async (t) => {
  const agent = await startAgent(t);
  const { stdout } = await run(agent, sh('cat; cut -d" " -f1,6 /proc/$$/stat'));
  const [pid, session] = stdout.trim().split(' ');
  assert.ok(pid !== undefined && pid !== '');
  assert.equal(pid, session);
});

test('a program that a signal ends, or that is not there, is told as such', async (t) => {
  const agent = await startAgent(t);
  const killed = await run(agent, sh('kill -9 $$'));
  assert.deepEqual([killed.code, killed.signal, killed.timedOut], [undefined, 9, false]);
  const missing = await run(agent, ['/no/such/program'], { id: 2 });
  assert.deepEqual([missing.code, missing.stderr], [127, '/no/such/program: No such file or directory']);
});

test('a second program is refused while the first runs, and taken after it', async (t) => {
  const agent = await startAgent(t);
  const gate = path.join(agent.root, 'gate');
  execFileSync('mkfifo', [gate]);
  const first = sendRun(agent, sh('read word < "$1"; echo "$word"', gate), { id: 1 });
  const second = await run(agent, ['/bin/true'], { id: 2 });
  assert.equal(second.refused, 'another run is not over yet');
  await writeFile(gate, 'open\n');
  assert.equal((await agent.next('run-result', ({ id }) => id === first)).code, 0);
  assert.equal(outputOf(agent, first, 'stdout'), 'open\n');
  assert.equal((await run(agent, ['/bin/true'], { id: 3 })).code, 0);
});

test('a program is ended with its group when its time is up, also one that does not listen to TERM', async (t) => {
  const agent = await startAgent(t);
  // Long enough for a shell to come so far on a busy machine.
  const timeoutMs = 1500;
  const obedient = await run(agent, sh('sleep 1000 & echo $!; wait'), { timeoutMs });
  assert.deepEqual([obedient.signal, obedient.timedOut], [15, true]);
  assert.ok(obedient.durationMs >= timeoutMs, `${obedient.durationMs} ms`);
  const other = Number(obedient.stdout);
  assert.ok(other > 0);
  // It was killed with its group; the kernel may be some moments behind.
  for (let id = 10; await isAlive(other); id++) {
    assert.ok(id < 200, 'the rest of the group lives on');
    await run(agent, ['/bin/true'], { id });
  }
  const deaf = await run(agent, sh('trap "" TERM; echo on; while :; do sleep 1; done'), {
    id: 2,
    timeoutMs,
  });
  assert.deepEqual([deaf.signal, deaf.timedOut, deaf.stdout], [9, true, 'on\n']);
});

test('all that a program says arrives, in order, though it says more than the link may carry in a second', async (t) => {
  const agent = await startAgent(t);
  const begin = performance.now();
  const { stdout, code } = await run(agent, ['/usr/bin/seq', '1', '30000']);
  const seconds = (performance.now() - begin) / 1000;
  assert.equal(code, 0);
  assert.equal(stdout, Array.from({ length: 30_000 }, (_, at) => `${at + 1}\n`).join(''));
  t.diagnostic(`${stdout.length} bytes in ${seconds.toFixed(1)} s`);
  assert.equal(agent.events.all().filter((event) => event.kind === 'link').length, 1);
});

test('a program that talks without end neither floods the link nor keeps the agent from its work', async (t) => {
  const agent = await startAgent(t, { heartbeatMs: 100 });
  sendRun(agent, ['/usr/bin/yes', '%%%'], { timeoutMs: 5000 });
  for (let beats = 0; beats < 10; beats++) await agent.next('heartbeat');
  assert.equal((await agent.operate('nobody', 'monitor')).code, 1);
  const result = await agent.next('run-result');
  assert.deepEqual([result.timedOut, result.signal], [true, 15]);
  assert.equal(
    agent.events.all().filter((event) => event.kind === 'link').length,
    1,
    'the link never dropped',
  );
});

test('a daemon that keeps the output open does not keep the result', async (t) => {
  const agent = await startAgent(t);
  const { code, stdout } = await run(agent, sh('sleep 1000 & echo $!; exit 0'));
  t.after(() => process.kill(Number(stdout), 'SIGKILL'));
  assert.equal(code, 0);
  assert.equal(await isAlive(Number(stdout)), true);
});

for (const how of ['the link drops', 'the host says hello anew'] as const) {
  test(`a program ends when ${how}, and the next one is taken`, async (t) => {
    const agent = await startAgent(t);
    sendRun(agent, sh('echo $$ > "$1"; exec sleep 1000', path.join(agent.root, 'running')));
    const pid = Number(await written(agent.root, 'running'));
    assert.equal(await isAlive(pid), true);
    if (how === 'the link drops') {
      agent.links.close('assy1');
      agent.links.open('assy1', agent.socketPath);
      await agent.link('up');
    } else {
      agent.send({ kind: 'hello', protocol: 1, heartbeatMs: 10_000 });
      await agent.next('state-end');
    }
    let id = 2;
    // Refused until the one before has really ended.
    while ((await run(agent, ['/bin/true'], { id })).refused !== undefined) id += 1;
    assert.equal(await isAlive(pid), false);
  });
}
