/** Checks by commands in guests: one at a time, within their time, and what each answer of the agent means. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GuestMessage, HostMessage } from '../../../model/guest-protocol.ts';
import { encodeHostMessage } from '../../../model/guest-codec.ts';
import { createChecks } from '../../../runtime/adapters/checks.ts';
import type { CheckResult } from '../../../runtime/ports.ts';
import { createVirtualClock } from '../../../runtime/simulation/clock.ts';

type Run = Extract<HostMessage, { kind: 'run' }>;

const hello = (can: string | undefined): GuestMessage => ({
  kind: 'hello',
  protocol: 1,
  agentVersion: '0.2.0',
  bootId: 'b',
  init: 'systemd',
  deathSource: 'poll',
  can,
});

function guest(can: string | null = 'run') {
  const { clock, advance } = createVirtualClock(0);
  const sent: Run[] = [];
  const link = { up: true };
  const checks = createChecks({
    clock,
    endpointOf: () => null,
    send(_, message) {
      if (link.up && message.kind === 'run') sent.push(message);
      // As the real links do: what cannot be encoded throws.
      encodeHostMessage(message);
      return link.up;
    },
  });
  checks.heard('assy1', hello(can ?? undefined));
  const run = async (timeoutMs = 5000, words: readonly string[] = ['/bin/check']): Promise<CheckResult> =>
    await checks.run('assy1', { kind: 'command', arguments: words }, timeoutMs);
  const say = (message: GuestMessage): void => checks.heard('assy1', message);
  const ended = (
    fields: Partial<Extract<GuestMessage, { kind: 'run-result' }>>,
    id = sent.at(-1)?.id ?? 0,
  ): void => say({ kind: 'run-result', id, timedOut: false, durationMs: 1, ...fields });
  const output = (text: string, stream: 'stdout' | 'stderr' = 'stdout', id = sent.at(-1)?.id ?? 0): void =>
    say({ kind: 'output', id, stream, text });
  return { advance, sent, link, checks, run, say, ended, output };
}

test('a command is sent as it is, with its time; exit code 0 is well', async () => {
  const { sent, run, ended } = guest();
  const result = run(5000, ['/bin/check', 'a b']);
  assert.deepEqual(sent, [
    { kind: 'run', id: sent[0]?.id, timeoutMs: 5000, arguments: ['/bin/check', 'a b'], environment: {} },
  ]);
  ended({ code: 0 });
  assert.deepEqual(await result, { verdict: 'well', detail: 'exit code 0' });
});

test('another exit code is bad, with the last words, of stderr before stdout', async () => {
  const { run, ended, output } = guest();
  const first = run();
  output('thinking\n');
  output('no such table\n\n', 'stderr');
  ended({ code: 3 });
  assert.deepEqual(await first, { verdict: 'bad', detail: 'exit code 3 (no such table)' });
  const second = run();
  output('one\ntwo \u001b[31mred');
  ended({ code: 1 });
  assert.deepEqual(await second, { verdict: 'bad', detail: 'exit code 1 (two [31mred)' });
  const third = run();
  ended({ code: undefined, signal: 11 });
  assert.deepEqual(await third, { verdict: 'bad', detail: 'ended by signal 11' });
});

test('a program that floods leaves only its last words, cut', async () => {
  const { run, ended, output } = guest();
  const result = run();
  for (let index = 0; index < 1000; index += 1) output('x'.repeat(1200));
  ended({ code: 1 });
  assert.ok((await result).detail.length < 230);
});

test('what had to be killed when its time was up is bad; what could not be run says nothing', async () => {
  const { run, ended } = guest();
  const late = run(2500);
  ended({ timedOut: true, signal: 15 });
  assert.deepEqual(await late, { verdict: 'bad', detail: 'no answer within 2.5 s' });
  for (const code of [126, 127]) {
    const missing = run();
    ended({ code });
    assert.deepEqual(await missing, { verdict: 'unknown', detail: '/bin/check cannot be run in the guest' });
  }
  const refused = run();
  ended({ refused: 'another run is not over yet' });
  assert.deepEqual(await refused, {
    verdict: 'unknown',
    detail: 'the guest’s agent refused: another run is not over yet',
  });
});

test('one runs at a time in a guest; the next gets what is left of its own time', async () => {
  const { advance, sent, run, ended } = guest();
  const first = run(5000, ['/bin/one']);
  const second = run(5000, ['/bin/two']);
  assert.equal(sent.length, 1);
  await advance(2000);
  ended({ code: 0 });
  assert.deepEqual(
    sent.map(({ timeoutMs, arguments: words }) => [words[0], timeoutMs]),
    [
      ['/bin/one', 5000],
      ['/bin/two', 3000],
    ],
  );
  ended({ code: 1 });
  assert.deepEqual([(await first).verdict, (await second).verdict], ['well', 'bad']);
});

test('who waits past his time is told so, and is never sent', async () => {
  const { advance, sent, run, ended } = guest();
  const first = run(10_000);
  const second = run(3000);
  await advance(3000);
  assert.deepEqual(await second, { verdict: 'unknown', detail: 'other commands took its time in the guest' });
  ended({ code: 0 });
  assert.equal((await first).verdict, 'well');
  assert.equal(sent.length, 1);
});

test('two guests do not wait for each other', () => {
  const { checks, sent, run } = guest();
  checks.heard('assy2', hello('run'));
  void run();
  void checks.run('assy2', { kind: 'command', arguments: ['/bin/other'] }, 1000);
  assert.equal(sent.length, 2);
  assert.notEqual(sent[0]?.id, sent[1]?.id);
});

test('a program that ignores its end is bad, while the agent beats', async () => {
  const { advance, run, say, sent, ended } = guest();
  const asked = run(1000);
  await advance(1800);
  say({ kind: 'heartbeat', sequence: 1, uptimeMs: 1 });
  await advance(800);
  assert.deepEqual(await asked, { verdict: 'bad', detail: 'no answer within 1.0 s' });
  // Its end comes when the agent kills it, and means nothing any more.
  const next = run(1000);
  ended({ timedOut: true, signal: 9 }, sent[0]?.id);
  ended({ code: 0 });
  assert.equal((await next).verdict, 'well');
});

test('an agent that says nothing any more leaves it open, a second and a half after the time', async () => {
  const { advance, run } = guest();
  let result: CheckResult | undefined;
  const asked = run(1000).then((answer) => (result = answer));
  await advance(2400);
  assert.equal(result, undefined);
  await advance(200);
  await asked;
  assert.deepEqual(result, { verdict: 'unknown', detail: 'the guest’s agent did not say how it ended' });
});

test('a link that is down, goes down, or an agent that begins anew says nothing of the application', async () => {
  const { link, checks, say, run } = guest();
  const both = [run(), run()];
  checks.lost('assy1');
  for (const result of both)
    assert.deepEqual(await result, { verdict: 'unknown', detail: 'the guest link went down' });
  assert.deepEqual(await run(), { verdict: 'unknown', detail: 'the guest link is down' });
  say(hello('run'));
  const begun = run();
  say(hello('run'));
  assert.deepEqual(await begun, { verdict: 'unknown', detail: 'the guest’s agent began anew' });
  link.up = false;
  assert.deepEqual(await run(), { verdict: 'unknown', detail: 'the guest link is down' });
});

test('an update of the hello is no new beginning', async () => {
  const { say, run, ended } = guest();
  const result = run();
  say({ ...hello('run'), cause: 'update' } as GuestMessage);
  ended({ code: 0 });
  assert.equal((await result).verdict, 'well');
});

test('an agent of before `run` is not asked', async () => {
  for (const can of [null, 'watchdog']) {
    const { sent, run } = guest(can);
    assert.match((await run()).detail, /too old to run commands/);
    assert.equal(sent.length, 0);
  }
});

test('what a guest says of a run that nobody asked for is ignored', async () => {
  const { sent, say, run, ended, output } = guest();
  ended({ code: 0 }, 7);
  output('nonsense', 'stdout', 7);
  const result = run();
  const id = sent[0]?.id ?? 0;
  ended({ code: 0 }, id + 1);
  say({ kind: 'output', id: id + 1, stream: 'stderr', text: 'nonsense' });
  ended({ code: 1 }, id);
  assert.deepEqual(await result, { verdict: 'bad', detail: 'exit code 1' });
  ended({ code: 0 }, id);
});

test('a command that does not fit the line is our fault, and the next one runs', async () => {
  const { run, ended } = guest();
  const result = await run(1000, ['/bin/echo', 'x'.repeat(5000)]);
  assert.equal(result.verdict, 'unknown');
  const next = run();
  ended({ code: 0 });
  assert.equal((await next).verdict, 'well');
});

test('closing ends what runs and what waits', async () => {
  const { checks, run } = guest();
  const both = [run(), run()];
  checks.close();
  for (const result of both) assert.equal((await result).detail, 'the service is being stopped');
});
