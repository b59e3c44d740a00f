/** The step when the operator changes something at an awkward moment: reload, stop, recover, start by hand. */
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

test('recover while libvirt is away is not lost: it goes on when libvirt answers', () => {
  const stage = new Stage();
  stage.connection('up');
  stage.feed({ kind: 'apply', plan: usualPlan });
  stage.domain('off', 'shutdown');
  stage.startFailed(false);
  assert.equal(stage.assembly().name, 'blocked');
  stage.connection('down');
  stage.feed({ kind: 'recover', deployable: 'dep1' });
  stage.connection('up');
  const actions = stage.domain('off', 'shutdown');
  assert.ok(kinds(actions).includes('start'), stage.texts.join('\n'));
});

test('recover right after a start that could not be made asks libvirt, and starts with the answer', () => {
  const stage = new Stage();
  stage.connection('up');
  stage.feed({ kind: 'apply', plan: usualPlan });
  stage.domain('off', 'shutdown');
  stage.startFailed(false);
  assert.ok(kinds(stage.feed({ kind: 'recover', deployable: 'dep1' })).includes('inspect'));
  assert.ok(kinds(stage.domain('off', 'shutdown')).includes('start'), stage.texts.join('\n'));
});

test('recover reaches an unrecoverable resource also while its link is down', () => {
  const stage = new Stage().up();
  stage.pass(10_000, ['assy1']);
  stage.answer(5);
  assert.equal(stage.resource().name, 'unrecoverable');
  stage.feed({ kind: 'link', assembly: 'assy1', state: 'down', reason: 'test' });
  stage.feed({ kind: 'recover', deployable: 'dep1' });
  stage.hello();
  stage.answer(0);
  assert.equal(stage.deployable(), 'active');
});

test('recover also begins what was added while the deployable was blocked', () => {
  const stage = new Stage();
  const strict = deployablePlan(usualPlan.assemblies, { escalation: { failures: 1, periodMs: 1000 } });
  stage.up({
    ...strict,
    assemblies: [{ ...assemblyPlan('assy1', []), escalation: { failures: 1, periodMs: 1000 } }],
  });
  stage.domain('off', 'failed');
  assert.equal(stage.deployable(), 'blocked');
  stage.feed({
    kind: 'apply',
    plan: { ...strict, assemblies: [...strict.assemblies, assemblyPlan('assy2', [])] },
  });
  stage.domain('off', 'shutdown', 'assy2');
  stage.feed({ kind: 'recover', deployable: 'dep1' });
  assert.equal(stage.assembly('assy2').name, 'starting');
});

test('a VM that is given up shows none of its resources as running', () => {
  const stage = new Stage();
  const once = { failures: 1, periodMs: 1000 };
  stage.up(
    deployablePlan([{ ...assemblyPlan('assy1', [resourcePlan('web')]), escalation: once }], {
      escalation: once,
    }),
  );
  stage.domain('off', 'failed');
  assert.equal(stage.assembly().name, 'blocked');
  assert.equal(stage.resource().name, 'stopped');
});

test('stop does not call stopped what may run: a start whose answer was lost is looked at first', () => {
  const stage = new Stage();
  stage.connection('up');
  stage.feed({ kind: 'apply', plan: usualPlan });
  stage.domain('off', 'shutdown');
  stage.connection('down');
  stage.startFailed(true);
  assert.equal(stage.assembly().name, 'waiting');
  stage.feed({ kind: 'stop', deployable: 'dep1' });
  assert.equal(stage.deployable(), 'stopping');
  stage.connection('up');
  assert.ok(kinds(stage.domain('running', 'booted')).includes('shutdown'));
  stage.domain('off', 'shutdown');
  assert.equal(stage.deployable(), 'stopped');
});

test('stop of an assembly that waits, and whose VM somebody started meanwhile, powers it off', () => {
  const stage = new Stage().up();
  stage.domain('off', 'shutdown');
  stage.startFailed(true);
  stage.fenced(true);
  assert.equal(stage.assembly().name, 'waiting');
  stage.domain('running', 'booted');
  assert.ok(kinds(stage.feed({ kind: 'stop', deployable: 'dep1' })).includes('shutdown'));
  stage.domain('off', 'shutdown');
  assert.equal(stage.deployable(), 'stopped');
});

test('stop gives a resource the time to stop that its template says, before the VM is forced off', () => {
  const stage = new Stage().up(
    deployablePlan([assemblyPlan('assy1', [resourcePlan('db', { stopTimeoutMs: 120_000 })])]),
  );
  stage.feed({ kind: 'stop', deployable: 'dep1' });
  const actions = stage.pass(100_000, ['assy1']);
  assert.ok(!kinds(actions).includes('fence'), 'forced off while the database was still stopping');
  assert.ok(kinds(stage.answer(0, 'db')).includes('shutdown'));
  assert.ok(kinds(stage.pass(limits.shutdownMs + 1000, ['assy1'])).includes('fence'));
});

for (const state of ['suspect', 'adopted'] as const)
  test(`stop asks a ${state} VM to power off before it forces it off`, () => {
    const stage = new Stage();
    if (state === 'suspect') {
      stage.up();
      stage.pass(4000);
      assert.equal(stage.assembly().name, 'suspect');
    } else {
      stage.connection('up');
      stage.feed({ kind: 'apply', plan: usualPlan });
      stage.domain('running', 'booted');
    }
    const actions = kinds(stage.feed({ kind: 'stop', deployable: 'dep1' }));
    assert.ok(actions.includes('shutdown') && !actions.includes('fence'), actions.join());
    assert.ok(kinds(stage.pass(limits.shutdownMs + 1000)).includes('fence'));
  });

test('what the operator stops ends its incidents as stopped, not as escalated', () => {
  const stage = new Stage().up();
  stage.say({ kind: 'death', name: 'web', pid: 7, signal: 9 });
  stage.pass(4000);
  stage.feed({ kind: 'stop', deployable: 'dep1' });
  assert.deepEqual(
    [...stage.incidents.values()].map(({ outcome }) => outcome),
    ['stopped'],
  );
});

test('a VM that the operator started by hand is adopted, not taken for a reboot', () => {
  const stage = new Stage().up();
  stage.domain('off', 'shutdown');
  stage.started();
  stage.hello('boot-2');
  stage.answer(0);
  stage.domain('off', 'shutdown');
  // The second restart waits; meanwhile somebody starts it in virt-manager.
  assert.equal(stage.assembly().name, 'waiting');
  stage.domain('running', 'booted');
  stage.pass(2000);
  const failed = stage.texts.filter((text) => text.includes('FAILED')).length;
  stage.hello('boot-3');
  stage.answer(0);
  assert.equal(stage.texts.filter((text) => text.includes('FAILED')).length, failed, stage.texts.join('\n'));
  assert.equal(stage.deployable(), 'active');
});

test('a reload under passive monitoring leaves a new resource to the guest', () => {
  const plan = (names: readonly string[]) =>
    deployablePlan(
      [
        assemblyPlan(
          'assy1',
          names.map((name) => resourcePlan(name)),
        ),
      ],
      { monitoring: 'pm' },
    );
  const stage = new Stage().up(plan(['web']));
  stage.feed({ kind: 'apply', plan: plan(['web', 'db']) });
  assert.equal(stage.deployable(), 'active');
  assert.equal(stage.resource('db').name, 'unmonitored');
});

test('a resource that a reload adds to a suspect assembly is begun', () => {
  const stage = new Stage().up();
  stage.pass(4000);
  stage.feed({
    kind: 'apply',
    plan: deployablePlan([assemblyPlan('assy1', [resourcePlan('web'), resourcePlan('db')])]),
  });
  stage.heartbeat();
  stage.answer(0, 'db');
  assert.equal(stage.deployable(), 'active');
});

test('a resource that is another service now is watched anew under its old name', () => {
  const stage = new Stage().up();
  const changed = deployablePlan([assemblyPlan('assy1', [resourcePlan('web', { service: 'mysql' })])]);
  const told = sent(stage.feed({ kind: 'apply', plan: changed }));
  assert.deepEqual(
    told.map((message) => message.kind),
    ['unwatch', 'watch', 'operation'],
  );
  assert.equal(stage.resource().name, 'probing');
});

test('an incident ends also when the last of its troubles is removed by a reload', () => {
  const two = deployablePlan([assemblyPlan('assy1', [resourcePlan('web'), resourcePlan('db')])]);
  const stage = new Stage().up(two);
  stage.domain('off', 'failed');
  stage.started();
  stage.hello('boot-2');
  stage.answer(0, 'web');
  stage.feed({ kind: 'apply', plan: usualPlan });
  stage.pass(500, ['assy1']);
  assert.equal(stage.deployable(), 'active');
  assert.deepEqual(
    [...stage.incidents.values()].map(({ outcome }) => outcome),
    ['recovered'],
  );
});

test('a reload that adds an assembly is a start, not a recovery', () => {
  const stage = new Stage().up();
  stage.feed({
    kind: 'apply',
    plan: deployablePlan([...usualPlan.assemblies, assemblyPlan('assy2', [])]),
  });
  assert.equal(stage.deployable(), 'starting');
});

test('what is forgotten leaves no failures behind for the next of the same name', () => {
  const stage = new Stage().up();
  stage.domain('off', 'failed');
  stage.feed({ kind: 'stop', deployable: 'dep1' });
  stage.startFailed(true);
  stage.fenced(true);
  stage.feed({ kind: 'forget', deployable: 'dep1' });
  assert.equal(stage.state.assemblies.size, 0);
  assert.equal([...stage.state.windows.values()].flat().length, 0);
});

test('a deployable of which a part could not be taken in is never called active', () => {
  const stage = new Stage().up({ ...usualPlan, incomplete: true });
  assert.equal(stage.deployable(), 'blocked');
  assert.match(stage.texts.join('\n'), /deployable_reload dep1/);
  stage.feed({ kind: 'apply', plan: usualPlan });
  assert.equal(stage.deployable(), 'active');
});

test('an incident that was open when the service ended is ended by the recovery', () => {
  const open = {
    id: '7',
    deployable: 'dep1',
    assembly: 'assy1',
    resource: null,
    rung: 'assembly',
    verdict: null,
    cause: 'its virtual machine is off (failed)',
    evidence: [],
    actions: [],
    outcome: 'open',
    noticedAtMs: 1e12,
    endedAtMs: null,
  } as const;
  const stage = new Stage([{ ...open, evidence: [], actions: [] }]);
  stage.up();
  assert.equal(stage.incidents.get('7')?.outcome, 'recovered');
  assert.equal(stage.assembly().incident, null);
});
