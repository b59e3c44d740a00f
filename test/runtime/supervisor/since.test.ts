/** Since when something is in its state: kept as it begins, and taken over by a later service that finds the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeptSince } from '../../../runtime/ports.ts';
import { viewDeployable } from '../../../runtime/supervisor/view.ts';
import { assemblyPlan, deployablePlan, resourcePlan, Stage, usualPlan } from './step-stage.ts';

const dayMs = 86_400_000;

/** What a service keeps, on top of what was kept before it. */
function keptBy(stage: Stage, before: ReadonlyMap<string, KeptSince> = new Map()): Map<string, KeptSince> {
  const kept = new Map(before);
  for (const action of stage.actions) {
    if (action.kind !== 'save-since') continue;
    if (action.since === null) kept.delete(action.key);
    else kept.set(action.key, action.since);
  }
  return kept;
}

/** The next service, twelve days later, with what was kept. */
function nextService(kept: ReadonlyMap<string, KeptSince>, ran: readonly string[] = []): Stage {
  const stage = new Stage([], { sinces: kept, running: new Set(ran) });
  stage.nowMs += 12 * dayMs;
  stage.connection('up');
  return stage;
}

/** It finds assy1 running, and the guest says what it has to say; then its resource's answers. */
function adopt(stage: Stage, bootId: string, dead: readonly string[], ...codes: readonly number[]): Stage {
  stage.feed({ kind: 'apply', plan: usualPlan });
  stage.domain('running', 'booted');
  stage.hello(bootId, 'assy1', dead);
  for (const code of codes) stage.answer(code);
  assert.equal(stage.deployable(), 'active');
  return stage;
}

/** Ages in ms: of the deployable, of assy1, and of its first resource. */
function ages(stage: Stage): readonly (number | undefined)[] {
  const nowMs = stage.nowMs + 1e12;
  const view = viewDeployable(stage.state, 'dep1', nowMs);
  const [assembly] = view?.assemblies ?? [];
  return [view, assembly, assembly?.resources[0]].map((one) => one && nowMs - one.sinceMs);
}

test('what is adopted as it was left is so since it became so, and nothing is written again', () => {
  const kept = keptBy(new Stage().up());
  assert.deepEqual([...kept.keys()].toSorted(), ['assembly/assy1', 'deployable/dep1', 'resource/assy1/web']);
  const stage = nextService(kept, ['assy1']);
  adopt(stage, 'boot-1', [], 0);
  assert.deepEqual(ages(stage), [12 * dayMs, 12 * dayMs, 12 * dayMs]);
  assert.deepEqual(
    stage.actions.filter(({ kind }) => kind === 'save-since'),
    [],
  );
});

test('a service that ends in the middle of its adoptions leaves what it had from the one before', () => {
  const kept = keptBy(new Stage().up());
  const second = nextService(kept, ['assy1']);
  second.feed({ kind: 'apply', plan: usualPlan });
  second.domain('running', 'booted');
  const third = nextService(keptBy(second, kept), ['assy1']);
  adopt(third, 'boot-1', [], 0);
  assert.deepEqual(ages(third), [12 * dayMs, 12 * dayMs, 12 * dayMs]);
});

test('another boot of the guest is another beginning, of all that is in it', () => {
  const stage = nextService(keptBy(new Stage().up()), ['assy1']);
  adopt(stage, 'boot-2', [], 0);
  assert.deepEqual(ages(stage), [0, 0, 0]);
});

test('a resource that has to be started begins anew, and so does its deployable, but not its machine', () => {
  const stage = nextService(keptBy(new Stage().up()), ['assy1']);
  adopt(stage, 'boot-1', [], 7, 0, 0);
  assert.deepEqual(ages(stage), [0, 12 * dayMs, 0]);
});

test('what died while nobody listened begins anew', () => {
  const stage = nextService(keptBy(new Stage().up()), ['assy1']);
  adopt(stage, 'boot-1', ['web'], 0, 0);
  assert.deepEqual(ages(stage), [0, 12 * dayMs, 0]);
});

test('a machine that was found off and started has its beginning then', () => {
  const stage = nextService(keptBy(new Stage().up()), ['assy1']);
  stage.feed({ kind: 'apply', plan: usualPlan });
  stage.domain('off', 'destroyed');
  stage.started();
  stage.hello('boot-2');
  stage.answer(0);
  assert.equal(stage.deployable(), 'active');
  assert.deepEqual(ages(stage), [0, 0, 0]);
});

test('what has failed and come back since then is as old as its last beginning, for the next service too', () => {
  const first = new Stage().up();
  first.pass(20_000, ['assy1']);
  first.answer(7);
  first.answer(0);
  first.answer(0);
  const stage = nextService(keptBy(first), ['assy1']);
  adopt(stage, 'boot-1', [], 0);
  const sinceBackMs = 12 * dayMs - 20_000;
  assert.deepEqual(ages(stage), [sinceBackMs, 12 * dayMs, sinceBackMs]);
});

test('a machine that is added while there was no service makes its deployable active anew, and no other machine', () => {
  const stage = nextService(keptBy(new Stage().up()), ['assy1']);
  stage.feed({
    kind: 'apply',
    plan: deployablePlan([assemblyPlan('assy1', [resourcePlan('web')]), assemblyPlan('assy2', [])]),
  });
  stage.domain('running', 'booted');
  stage.hello();
  stage.answer(0);
  stage.domain('off', 'shutdown', 'assy2');
  stage.started('assy2');
  stage.hello('boot-9', 'assy2');
  assert.equal(stage.deployable(), 'active');
  assert.deepEqual(ages(stage), [0, 12 * dayMs, 12 * dayMs]);
});

test('one that is given up is so since it was, also for the next service', () => {
  const plan = deployablePlan(
    [{ ...assemblyPlan('assy1', []), escalation: { failures: 1, periodMs: 1000 } }],
    {
      escalation: { failures: 1, periodMs: 1000 },
    },
  );
  const first = new Stage().up(plan);
  first.domain('off', 'failed');
  assert.equal(first.deployable(), 'blocked');
  const stage = new Stage([], { sinces: keptBy(first), blocked: new Map([['dep1', 'it failed']]) });
  stage.nowMs += dayMs;
  stage.connection('up');
  stage.feed({ kind: 'apply', plan });
  stage.domain('off', 'failed');
  assert.equal(stage.deployable(), 'blocked');
  assert.deepEqual(ages(stage).slice(0, 2), [dayMs, dayMs]);
});

test('what is left and not begun anew is not kept', () => {
  const stage = new Stage().up();
  stage.feed({ kind: 'stop', deployable: 'dep1' });
  assert.deepEqual([...keptBy(stage).keys()], []);
  stage.answer(0);
  stage.domain('off', 'shutdown');
  assert.equal(stage.deployable(), 'stopped');
  const kept = keptBy(stage);
  assert.deepEqual(
    [...kept].map(([key, { state }]) => [key, state]),
    [
      ['assembly/assy1', 'stopped'],
      ['deployable/dep1', 'stopped'],
    ],
  );
  stage.feed({ kind: 'forget', deployable: 'dep1' });
  assert.deepEqual([...keptBy(stage).keys()], ['assembly/assy1']);
});

test('a clock that was set back makes nothing begin in the future', () => {
  const stage = new Stage([], { sinces: keptBy(new Stage().up()) });
  stage.nowMs -= 500_000;
  stage.connection('up');
  adopt(stage, 'boot-1', [], 0);
  assert.deepEqual(ages(stage), [0, 0, 0]);
});
