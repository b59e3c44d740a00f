/**
 * Changes and ends that come at an awkward moment: a new address while its dependant cannot be restarted, our own
 * standstill in the middle of a question, an earlier service's fencing that ends late. Each went wrong once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckPlan } from '../../../runtime/control.ts';
import { step } from '../../../runtime/supervisor/step.ts';
import { assemblyPlan, deployablePlan, kinds, resourcePlan, sent, Stage, usualPlan } from './step-stage.ts';

const failures = (stage: Stage): readonly string[] => stage.texts.filter((text) => text.includes('FAILED'));
const fences = (stage: Stage) => stage.actions.filter((action) => action.kind === 'fence');

const references = [{ parameter: 'ip', assembly: 'db', value: 'address' }];
const pair = deployablePlan([
  assemblyPlan('db', [resourcePlan('pg')]),
  assemblyPlan('web', [resourcePlan('httpd', { references })]),
]);
const death = (name: string) => ({ kind: 'death', name, pid: 1, signal: 9 }) as const;

function tellAddress(stage: Stage, address: string): void {
  stage.feed({ kind: 'values', assembly: 'db', values: { address } });
}

/** The parameter that httpd's guest was told last. */
function told(stage: Stage, name = 'httpd'): string | undefined {
  const watch = sent(stage.actions).findLast((message) => message.kind === 'watch' && message.name === name);
  return watch?.kind === 'watch' ? watch.parameters['ip'] : undefined;
}

/** Both up, with the first address. */
function pairUp(): Stage {
  const stage = new Stage();
  stage.connection('up');
  stage.feed({ kind: 'apply', plan: pair });
  for (const name of ['db', 'web']) stage.domain('off', 'shutdown', name);
  stage.started('db');
  stage.hello('boot-1', 'db');
  stage.answer(0, 'pg', 'db');
  tellAddress(stage, '10.0.0.1');
  stage.started('web');
  stage.hello('boot-1', 'web');
  stage.answer(0, 'httpd', 'web');
  assert.equal(told(stage), '10.0.0.1');
  return stage;
}

/** Dies, is up again, dies again: it waits for its backoff. */
function dieTwice(stage: Stage, name: string, assembly: string): void {
  stage.say(death(name), assembly);
  stage.answer(0, name, assembly);
  stage.answer(0, name, assembly);
  stage.say(death(name), assembly);
  assert.equal(stage.resource(name, assembly).name, 'waiting');
}

test('an address that is first known while its dependant is asked whether it runs is told before the start', () => {
  const stage = new Stage();
  stage.connection('up');
  stage.feed({ kind: 'apply', plan: pair });
  for (const name of ['db', 'web']) stage.domain('off', 'shutdown', name);
  stage.started('web');
  stage.hello('boot-1', 'web');
  assert.equal(told(stage), undefined, 'nothing is known yet');
  stage.started('db');
  stage.hello('boot-1', 'db');
  tellAddress(stage, '10.0.0.1');
  // It does not run: nothing is missing now, so it is started, and with the address.
  stage.answer(7, 'httpd', 'web');
  assert.equal(stage.resource('httpd', 'web').operation?.operation, 'start');
  assert.equal(told(stage), '10.0.0.1');
});

test('an address that changes while its dependant waits for a backoff is told before the start', () => {
  const stage = pairUp();
  dieTwice(stage, 'httpd', 'web');
  tellAddress(stage, '10.0.0.2');
  stage.pass(2000, ['db', 'web']);
  assert.equal(stage.resource('httpd', 'web').operation?.operation, 'start');
  assert.equal(told(stage), '10.0.0.2');
});

test('parameters that a reload changes while the resource waits for a backoff are told before the start', () => {
  const plan = (ip: string) =>
    deployablePlan([assemblyPlan('assy1', [resourcePlan('web', { parameters: { ip } })])]);
  const stage = new Stage().up(plan('1'));
  dieTwice(stage, 'web', 'assy1');
  stage.feed({ kind: 'apply', plan: plan('2') });
  stage.pass(2000, ['assy1']);
  assert.equal(stage.resource().operation?.operation, 'start');
  assert.equal(told(stage, 'web'), '2');
});

test('an address that changes in a maintenance is taken over when it is over', () => {
  const stage = pairUp();
  const target = { kind: 'assembly', assembly: 'web' } as const;
  stage.feed({ kind: 'maintain', maintenance: { target, untilMs: null } });
  tellAddress(stage, '10.0.0.2');
  stage.pass(1000, ['db', 'web']);
  assert.equal(stage.resource('httpd', 'web').name, 'active');
  stage.feed({ kind: 'end-maintenance', target });
  stage.pass(1000, ['db', 'web']);
  assert.equal(stage.resource('httpd', 'web').operation?.operation, 'stop');
  stage.answer(0, 'httpd', 'web');
  stage.pass(500, ['db', 'web']);
  assert.equal(told(stage), '10.0.0.2');
});

test('an address that changes while the link of its dependant is down is taken over when it is back', () => {
  const stage = pairUp();
  stage.feed({ kind: 'link', assembly: 'web', state: 'down', reason: 'test' });
  tellAddress(stage, '10.0.0.2');
  stage.hello('boot-1', 'web');
  stage.pass(1000, ['db', 'web']);
  assert.equal(told(stage), '10.0.0.2');
  assert.equal(stage.resource('httpd', 'web').operation?.operation, 'stop');
});

test('a dependant that is adopted before what it refers to keeps the address that it had', () => {
  const values = new Map([['db', { address: '10.0.0.1' }]]);
  const stage = new Stage([], { values });
  stage.connection('up');
  stage.feed({ kind: 'apply', plan: pair });
  for (const name of ['db', 'web']) stage.domain('running', 'booted', name);
  stage.hello('boot-1', 'web');
  assert.equal(told(stage), '10.0.0.1');
});

test('a wall clock that is set forward does not end the start grace of a check', () => {
  const check: CheckPlan = {
    name: 'page',
    probe: { kind: 'http', guestPort: 80, path: '/', statusFrom: 200, statusTo: 399 },
    intervalMs: 1000,
    timeoutMs: 500,
    failuresNeeded: 1,
    startGraceMs: 60_000,
  };
  const stage = new Stage().up(
    deployablePlan([assemblyPlan('assy1', [resourcePlan('web', { checks: [check] })])]),
  );
  stage.pass(1000, ['assy1']);
  const asked = stage.actions.findLast((action) => action.kind === 'check');
  assert.ok(asked?.kind === 'check');
  const { assembly, resource, id } = asked;
  const bad = {
    kind: 'checked',
    assembly,
    resource,
    check: 'page',
    id,
    verdict: 'bad',
    detail: 'HTTP 503',
  } as const;
  const now = { monotonicMs: stage.nowMs, wallMs: stage.nowMs + 1e12 + 3_600_000 };
  assert.deepEqual(step(stage.state, bad, now).events, []);
});

test('an answer of the second transport whose limit passed while we stood still is not believed', () => {
  const stage = new Stage().up();
  let cpuTimeMs = 0;
  const work = (durationMs: number): void => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 500)
      for (const action of stage.pass(500))
        if (action.kind === 'measure-progress') {
          cpuTimeMs += 1000;
          const progress = { cpuTimeMs, blockOperations: 0 };
          stage.feed({ kind: 'progress', assembly: 'assy1', attempt: action.attempt, progress });
        }
  };
  while (!kinds(stage.actions).includes('ask-second')) work(500);
  stage.nowMs += 60_000;
  stage.feed({ kind: 'stalled', stalledMs: 60_000 });
  const asked = stage.actions.findLast((action) => action.kind === 'ask-second');
  assert.ok(asked?.kind === 'ask-second');
  stage.feed({ kind: 'second-answer', assembly: 'assy1', attempt: asked.attempt, answer: 'silent' });
  assert.deepEqual(failures(stage), []);
});

test('our own standstill does not use up the time that a stalled VM is given', () => {
  const stage = new Stage().up();
  stage.domain('paused', 'ioerror');
  stage.pass(1000);
  stage.nowMs += 600_000;
  stage.feed({ kind: 'stalled', stalledMs: 600_000 });
  stage.pass(1000);
  assert.deepEqual(fences(stage), []);
});

test('nor does an outage of libvirt', () => {
  const stage = new Stage().up();
  stage.domain('paused', 'ioerror');
  stage.pass(1000);
  stage.connection('down');
  stage.pass(600_000);
  stage.connection('up');
  stage.domain('paused', 'ioerror');
  stage.pass(1000);
  assert.deepEqual(fences(stage), []);
});

test('the evidence of a VM that is given up is kept with its incident, which ends with the fencing', () => {
  const once = { failures: 1, periodMs: 3_600_000 };
  const assembly = { ...assemblyPlan('assy1', [resourcePlan('web')]), escalation: once };
  const stage = new Stage().up(deployablePlan([assembly], { escalation: once }));
  stage.domain('crashed', 'panicked');
  const [fence] = fences(stage);
  assert.ok(fence?.kind === 'fence' && fence.evidence);
  assert.equal(fence.incident, '1');
  stage.feed({ kind: 'evidence', assembly: 'assy1', incident: '1', lines: ['screen and console: x'] });
  stage.fenced(true);
  const incident = stage.incidents.get('1');
  assert.equal(incident?.outcome, 'blocked');
  assert.ok(incident.evidence.includes('screen and console: x'));
});

test('a fencing that is tried again takes no evidence again, and none is tried while libvirt is away', () => {
  const stage = new Stage().up();
  stage.domain('crashed', 'panicked');
  stage.fenced(false);
  stage.pass(3000);
  assert.deepEqual(
    fences(stage).map((action) => action.kind === 'fence' && action.evidence),
    [true, false],
  );
  stage.connection('down');
  stage.fenced(false);
  stage.pass(10_000);
  assert.equal(fences(stage).length, 2);
});

test('the end of a maintenance is warned of once, also when the service is restarted between the two', () => {
  const untilMs = 1e12 + 1_000_000 + 900_000;
  const target = { kind: 'assembly', assembly: 'assy1' } as const;
  const warnings = (stage: Stage) => stage.texts.filter((text) => text.includes('leaves maintenance')).length;
  const first = new Stage().up();
  first.feed({ kind: 'maintain', maintenance: { target, untilMs } });
  first.pass(620_000, ['assy1']);
  assert.equal(warnings(first), 1);
  const next = new Stage();
  next.nowMs = first.nowMs;
  next.feed({ kind: 'maintain', maintenance: { target, untilMs, setAtMs: 1e12 + 1_000_000, known: true } });
  next.up();
  next.pass(250_000, ['assy1']);
  assert.equal(warnings(next), 0);
});

test('a stop long ago is not the reason for a fencing after a start that failed', () => {
  const stage = new Stage().up();
  stage.feed({ kind: 'stop', deployable: 'dep1' });
  stage.answer(0);
  stage.domain('off', 'shutdown');
  stage.feed({ kind: 'apply', plan: usualPlan });
  stage.startFailed(true);
  stage.fenced(true);
  assert.ok(!stage.texts.some((text) => text.includes('did not power off')), stage.texts.join('\n'));
});

test('a VM that is found powering off has not crashed: what it comes to is awaited', () => {
  const stage = new Stage();
  stage.connection('up');
  stage.feed({ kind: 'apply', plan: usualPlan });
  stage.domain('stopping', 'shutdown');
  assert.deepEqual(failures(stage), []);
  stage.nowMs += 1000;
  assert.ok(kinds([...stage.domain('off', 'shutdown'), ...stage.pass(1000)]).includes('start'));
});

for (const lateMs of [0, 4000])
  test(`a fencing that the service before us began, and that ends ${lateMs} ms after we came, is no second failure`, () => {
    const open = {
      id: '7',
      deployable: 'dep1',
      assembly: 'assy1',
      resource: null,
      rung: 'assembly',
      verdict: 'hung',
      cause: 'it hangs',
      evidence: [],
      actions: [],
      outcome: 'open',
      noticedAtMs: 1,
      endedAtMs: null,
    } as const;
    const stage = new Stage([{ ...open, evidence: [], actions: [] }]);
    stage.connection('up');
    stage.feed({ kind: 'apply', plan: usualPlan });
    stage.domain('running', 'booted');
    stage.pass(lateMs);
    stage.nowMs += 1;
    stage.domain('off', 'destroyed');
    assert.deepEqual(failures(stage), []);
  });
