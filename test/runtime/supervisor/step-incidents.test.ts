/** Each event of a recovery, its end too, says to which incident it belongs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assemblyPlan, deployablePlan, limits, resourcePlan, Stage } from './step-stage.ts';

/** What was told since the start, with its incident. */
function told(stage: Stage, from: number): readonly (readonly [string, string | null])[] {
  return stage.events.slice(from).map(({ kind, incident }) => [kind, incident]);
}

test('a resource that is active again says of which incident that is the end', () => {
  const stage = new Stage().up();
  const from = stage.events.length;
  assert.ok(stage.events.every(({ incident }) => incident === null));
  stage.pass(20_000, ['assy1']);
  stage.answer(7);
  stage.answer(0);
  stage.answer(0);
  assert.deepEqual(told(stage, from), [
    ['resource-failed', '1'],
    ['deployable-recovering', null],
    ['resource-active', '1'],
    ['deployable-active', null],
  ]);
  assert.equal(stage.incidents.get('1')?.outcome, 'recovered');
});

test('what starts in a machine that is recovered belongs to the incident of the machine', () => {
  const stage = new Stage().up();
  const from = stage.events.length;
  stage.domain('off', 'failed');
  stage.started();
  stage.hello('boot-2');
  stage.answer(0);
  assert.deepEqual(told(stage, from), [
    ['assembly-failed', '1'],
    ['assembly-starting', '1'],
    ['deployable-recovering', null],
    ['assembly-active', '1'],
    ['resource-active', '1'],
    ['assembly-active', '1'],
    ['deployable-active', null],
  ]);
});

test('a restart of the whole deployable, and giving it up, belong to the incident that led there', () => {
  const once = { failures: 1, periodMs: 3_600_000 };
  const plan = deployablePlan([{ ...assemblyPlan('assy1', [resourcePlan('web')]), escalation: once }]);
  const stage = new Stage().up(plan);
  for (const boot of ['boot-2', 'boot-3']) {
    stage.domain('off', 'failed');
    if (stage.deployable() === 'blocked') break;
    stage.pass(limits.backoff.capMs);
    stage.started();
    stage.hello(boot);
    stage.answer(0);
  }
  const escalations = stage.events.filter(({ kind }) => kind === 'escalation');
  assert.deepEqual(
    escalations.map(({ incident, facts }) => [facts['followedBy'], incident]),
    [
      ['restart', '1'],
      ['blocked', '2'],
    ],
  );
});
