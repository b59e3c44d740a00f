/** The step where evidence is doubtful: paused VMs, lost agents, libvirt away, answers out of order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assemblyPlan,
  deployablePlan,
  kinds,
  limits,
  resourcePlan,
  sent,
  Stage,
  usualPlan,
} from './step-stage.ts';

const failures = (stage: Stage): readonly string[] => stage.texts.filter((text) => text.includes('FAILED'));

test('nothing is held against a VM that somebody paused, however long', () => {
  const stage = new Stage().up();
  stage.pass(10_000, ['assy1']);
  stage.domain('paused', 'user');
  assert.equal(stage.assembly().name, 'suspect');
  stage.pass(600_000);
  assert.deepEqual(failures(stage), []);
  stage.domain('running', 'unpaused');
  assert.equal(stage.assembly().name, 'online');
  stage.pass(1000);
  stage.heartbeat();
  stage.answer(0);
  stage.pass(5000, ['assy1']);
  assert.deepEqual(failures(stage), []);
  assert.equal(stage.deployable(), 'active');
  assert.equal(stage.texts.filter((text) => text.includes('said nothing')).length, 0, stage.texts.join('\n'));
});

test('a word that was under way when the VM was paused does not call it active', () => {
  const stage = new Stage().up();
  stage.domain('paused', 'user');
  stage.heartbeat();
  stage.pass(1000);
  assert.equal(stage.assembly().name, 'suspect');
  assert.equal(stage.texts.filter((text) => text.includes('SUSPECT')).length, 1);
});

test('a VM that is paused while it boots is not given up for it', () => {
  const stage = new Stage();
  stage.connection('up');
  stage.feed({ kind: 'apply', plan: usualPlan });
  stage.domain('off', 'shutdown');
  stage.started();
  stage.domain('paused', 'user');
  stage.pass(limits.bootMs * 2);
  assert.deepEqual(failures(stage), []);
  stage.domain('running', 'unpaused');
  stage.pass(limits.bootMs - 1000);
  assert.deepEqual(failures(stage), []);
  stage.pass(2000);
  assert.equal(failures(stage).length, 1);
});

test('a service that comes up beside a VM that somebody paused leaves it as it is', () => {
  const stage = new Stage();
  stage.connection('up');
  stage.feed({ kind: 'apply', plan: usualPlan });
  const actions = stage.domain('paused', 'user');
  assert.ok(!kinds(actions).includes('fence'), stage.texts.join('\n'));
  stage.pass(limits.bootMs * 2);
  stage.domain('running', 'unpaused');
  stage.hello();
  stage.answer(0);
  assert.deepEqual(failures(stage), []);
  assert.equal(stage.deployable(), 'active');
});

test('a silent agent is not counted against the resources that it does not answer for', () => {
  const quick = resourcePlan('web', { monitorTimeoutMs: 1000 });
  const stage = new Stage().up(deployablePlan([assemblyPlan('assy1', [quick])]));
  stage.pass(10_000, ['assy1']);
  assert.equal(stage.resource().operation?.operation, 'monitor');
  // Silent, and its VM moves: for a while it gets the benefit of the doubt.
  stage.pass(3500);
  const progress = (cpuTimeMs: number): void => {
    const { attempt } = stage.assembly();
    stage.feed({ kind: 'progress', assembly: 'assy1', attempt, progress: { cpuTimeMs, blockOperations: 0 } });
  };
  progress(0);
  stage.pass(3500);
  progress(500);
  stage.pass(1000);
  assert.deepEqual(failures(stage), []);
  stage.heartbeat();
  stage.pass(4000, ['assy1']);
  stage.answer(0);
  assert.deepEqual(failures(stage), []);
});

test('an agent that answers nothing but heartbeats fails its resource, and in the end its VM', () => {
  const stage = new Stage().up();
  const actions = stage.pass(300_000, ['assy1']);
  assert.match(failures(stage)[0] ?? '', /did not answer its monitor in time/);
  assert.ok(kinds(actions).includes('fence'));
});

test('measurements that libvirt’s absence made are no evidence of a hang', () => {
  const stage = new Stage().up();
  stage.pass(3500);
  const first = stage.assembly().attempt;
  stage.feed({
    kind: 'progress',
    assembly: 'assy1',
    attempt: first,
    progress: { cpuTimeMs: 0, blockOperations: 0 },
  });
  stage.pass(3500);
  const second = stage.assembly().attempt;
  stage.connection('down');
  stage.feed({ kind: 'progress', assembly: 'assy1', attempt: second, progress: null });
  stage.pass(2000);
  stage.connection('up');
  stage.pass(500);
  assert.deepEqual(failures(stage), []);
  assert.equal(stage.assembly().name, 'suspect');
});

test('a libvirt that answers nothing at all is no evidence of a hang either', () => {
  const stage = new Stage().up();
  for (let sample = 0; sample < 4; sample += 1) {
    stage.pass(3500);
    const { attempt } = stage.assembly();
    stage.feed({ kind: 'progress', assembly: 'assy1', attempt, progress: 'unanswered' });
  }
  assert.deepEqual(failures(stage), []);
});

test('a start in which libvirt died, before that was heard, is no failure: the domain is looked at first', () => {
  const stage = new Stage();
  stage.connection('up');
  stage.feed({ kind: 'apply', plan: usualPlan });
  stage.domain('off', 'shutdown');
  const { attempt } = stage.assembly();
  const outcome = { ok: false, message: 'gone', hint: null, retryable: true, unavailable: true } as const;
  const actions = stage.feed({ kind: 'started', assembly: 'assy1', attempt, outcome });
  assert.deepEqual(kinds(actions), ['inspect']);
  assert.deepEqual(failures(stage), []);
  stage.domain('off', 'shutdown');
  assert.ok(kinds(stage.pass(1000)).includes('start'), stage.texts.join('\n'));
});

test('fencing that failed while libvirt was away is tried again as soon as it answers', () => {
  const stage = new Stage().up();
  stage.feed({ kind: 'stop', deployable: 'dep1' });
  stage.pass(600_000);
  assert.equal(stage.assembly().name, 'fencing');
  stage.connection('down');
  for (let minute = 0; minute < 60; minute += 1) {
    stage.fenced(false);
    stage.pass(60_000);
  }
  stage.fenced(false);
  stage.connection('up');
  assert.ok(kinds(stage.pass(3000)).includes('fence'));
});

test('a stop that was asked for while libvirt is away forces nothing off before it answers', () => {
  const stage = new Stage().up();
  stage.connection('down');
  stage.feed({ kind: 'stop', deployable: 'dep1' });
  assert.ok(!kinds(stage.pass(600_000)).includes('fence'));
  assert.equal(stage.assembly().name, 'stopping');
});

test('a long outage of libvirt does not make a stop that was asked for at its end take as long', () => {
  const stage = new Stage().up(deployablePlan([assemblyPlan('assy1', [])]));
  stage.connection('down');
  stage.pass(3_600_000, ['assy1']);
  stage.feed({ kind: 'stop', deployable: 'dep1' });
  stage.connection('up');
  assert.ok(kinds(stage.pass(120_000, ['assy1'])).includes('fence'));
});

test('a resource that waits for its restart is made known to an agent that has forgotten all', () => {
  const stage = new Stage().up();
  stage.say({ kind: 'death', name: 'web', pid: 7, signal: 9 });
  stage.answer(0);
  stage.answer(0);
  stage.say({ kind: 'death', name: 'web', pid: 8, signal: 9 });
  assert.equal(stage.resource().name, 'waiting');
  stage.feed({ kind: 'link', assembly: 'assy1', state: 'down', reason: 'test' });
  const told = sent(stage.hello());
  assert.deepEqual(
    told.map((message) => message.kind),
    ['watch'],
  );
});

test('a death that comes before the answer of an older monitor is not overheard', () => {
  const stage = new Stage().up();
  stage.say({ kind: 'death', name: 'web', pid: 7, signal: 9 });
  stage.answer(0);
  const monitor = stage.resource().operation;
  assert.equal(monitor?.operation, 'monitor');
  stage.say({ kind: 'death', name: 'web', pid: 8, signal: 9 });
  stage.say({
    kind: 'result',
    id: monitor?.id ?? 0,
    name: 'web',
    operation: 'monitor',
    code: 0,
    timedOut: false,
    durationMs: 10,
  });
  assert.equal(stage.resource().name, 'recovering');
  stage.answer(7);
  assert.equal(stage.resource().name, 'waiting');
});

test('an answer to what an earlier service asked under the same number is not taken for ours', () => {
  const stage = new Stage().up();
  stage.say({ kind: 'death', name: 'web', pid: 7, signal: 9 });
  const { operation } = stage.resource();
  assert.equal(operation?.operation, 'start');
  const id = operation?.id ?? 0;
  stage.say({
    kind: 'result',
    id,
    name: 'web',
    operation: 'monitor',
    code: 0,
    timedOut: false,
    durationMs: 1,
  });
  assert.equal(stage.resource().name, 'recovering');
});

for (const question of ['inventory', 'inspection'] as const) {
  test(`an ${question} that was asked for before our own start does not declare the started VM dead`, () => {
    const stage = new Stage();
    stage.connection('up');
    stage.feed({ kind: 'apply', plan: usualPlan });
    stage.domain('off', 'shutdown');
    const askedMs = stage.nowMs;
    stage.nowMs += 1000;
    stage.started();
    const report = { assembly: 'assy1', uuid: 'assy1', state: 'off', reason: 'shutdown' } as const;
    const answer = (at: number): void => {
      if (question === 'inventory') stage.feed({ kind: 'inventory', reports: [report], askedMs: at });
      else stage.feed({ kind: 'domain', source: 'inspection', report, askedMs: at });
    };
    answer(askedMs);
    assert.equal(stage.assembly().name, 'booting');
    assert.deepEqual(failures(stage), []);
    // The same answer to a later question is evidence.
    answer(stage.nowMs);
    assert.equal(failures(stage).length, 1);
  });
}
