/** When waiting for a deployable ends: reached, hopeless, too late, or stopped by the operator. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import type { DeployableStatus } from '../../model/cped-api.ts';
import type { JournalEvent } from '../../model/event.ts';
import { judge, waitForDeployable } from '../../shell/wait-deployable.ts';
import { recorder, serviceAway } from './ports-fake.ts';
import { assemblyStatus, cpedStatus, deployableStatus, journalEvent, resourceStatus } from './samples.ts';

const starting = deployableStatus({
  state: 'starting',
  assemblies: [assemblyStatus({ state: 'booting', resources: [resourceStatus({ state: 'stopped' })] })],
});

test('a status is judged by what the operator waits for', () => {
  const stopping = deployableStatus({ intent: 'down', state: 'stopping' });
  const table: readonly (readonly [DeployableStatus, 'active' | 'stopped', string])[] = [
    [deployableStatus(), 'active', 'reached'],
    [starting, 'active', 'waiting'],
    [deployableStatus({ state: 'recovering' }), 'active', 'waiting'],
    [deployableStatus({ state: 'stopped' }), 'active', 'waiting'],
    [deployableStatus({ state: 'blocked' }), 'active', 'hopeless'],
    [deployableStatus({ intent: 'down', state: 'stopping' }), 'active', 'hopeless'],
    [
      deployableStatus({ state: 'recovering', assemblies: [assemblyStatus({ state: 'blocked' })] }),
      'active',
      'hopeless',
    ],
    [
      deployableStatus({
        state: 'starting',
        assemblies: [assemblyStatus({ resources: [resourceStatus({ state: 'unrecoverable' })] })],
      }),
      'active',
      'hopeless',
    ],
    [stopping, 'stopped', 'waiting'],
    [deployableStatus({ intent: 'down', state: 'stopped' }), 'stopped', 'reached'],
    [deployableStatus({ intent: 'up', state: 'starting' }), 'stopped', 'hopeless'],
    [deployableStatus({ intent: 'down', state: 'blocked' }), 'stopped', 'waiting'],
  ];
  for (const [status, goal, kind] of table)
    assert.equal(judge(status, goal).kind, kind, `${status.intent} ${status.state} → ${goal}`);
});

test('what is still missing is named', () => {
  const judgement = judge(starting, 'active');
  assert.deepEqual(judgement, { kind: 'waiting', missing: 'assy1 is booting' });
  const resource = resourceStatus({ state: 'starting' });
  assert.deepEqual(
    judge({ ...starting, assemblies: [assemblyStatus({ resources: [resource] })] }, 'active'),
    {
      kind: 'waiting',
      missing: 'httpdone is starting',
    },
  );
});

/** A stream that gives these events and then stays open until it is aborted. */
async function* openStream(
  events: readonly JournalEvent[],
  signal: AbortSignal,
): AsyncGenerator<JournalEvent> {
  yield* events;
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}

const options = { name: 'dep1', goal: 'active', timeoutMs: 60_000, afterSeq: 4 } as const;

test('an event ends the waiting at once, and only events of this deployable are shown', async () => {
  const mine = journalEvent({ seq: 5, text: 'mine' });
  const other = journalEvent({ seq: 6, deployable: 'dep2', text: 'not mine' });
  let reads = 0;
  const { context, printed } = recorder({});
  const cped = recorder({
    cped: {
      status: () => Promise.resolve(cpedStatus({ lastSeq: 6 })),
      events: (_, signal) => openStream([mine, other], signal),
      deployable: () => Promise.resolve((reads += 1) === 1 ? starting : deployableStatus()),
    },
  }).context.services;
  const startedMs = performance.now();
  await waitForDeployable(options, await cped.cped(), context);
  assert.ok(performance.now() - startedMs < 1500, 'the event, not the poll, woke it up');
  assert.equal(printed.length, 1);
  assert.match(printed[0] ?? '', /mine$/);
});

test('inside the interactive shell, which shows every event itself, none is shown twice', async () => {
  const { context, printed } = recorder({ showsEvents: true });
  const cped = recorder({
    cped: {
      status: () => Promise.resolve(cpedStatus({ lastSeq: 5 })),
      events: (_, signal) => openStream([journalEvent({ seq: 5 })], signal),
      deployable: () => Promise.resolve(deployableStatus()),
    },
  }).context.services;
  await waitForDeployable(options, await cped.cped(), context);
  assert.deepEqual(printed, []);
});

async function outcome(
  status: () => Promise<DeployableStatus>,
  timeoutMs: number,
  interruptAfterMs?: number,
): Promise<PcloudError> {
  const { context, interrupt } = recorder({});
  const services = recorder({
    cped: {
      status: () => Promise.reject(serviceAway),
      deployable: status,
    },
  }).context.services;
  if (interruptAfterMs !== undefined) setTimeout(interrupt, interruptAfterMs);
  try {
    await waitForDeployable({ ...options, timeoutMs }, await services.cped(), context);
  } catch (error) {
    assert.ok(error instanceof PcloudError);
    return error;
  }
  return assert.fail('the waiting should not have succeeded');
}

test('a blocked assembly ends the waiting with its note and the way to go on', async () => {
  const blocked = assemblyStatus({ state: 'blocked', note: 'no disk' });
  const error = await outcome(
    () => Promise.resolve(deployableStatus({ state: 'recovering', assemblies: [blocked] })),
    60_000,
  );
  assert.equal(error.code, 'deployable-hopeless');
  assert.match(error.message, /assembly assy1 is blocked: no disk/);
  assert.match(error.hint ?? '', /deployable_recover dep1/);
});

test('the limit ends the waiting and names what is missing, also while the service is away', async () => {
  const late = await outcome(() => Promise.resolve(starting), 60);
  assert.equal(late.code, 'deployable-timeout');
  assert.match(late.message, /assy1 is booting/);
  const away = await outcome(() => Promise.reject(serviceAway), 60);
  assert.equal(away.code, 'deployable-timeout');
});

test('Ctrl-C ends the waiting at once and says that the service goes on', async () => {
  const error = await outcome(() => Promise.resolve(starting), 60_000, 20);
  assert.equal(error.code, 'stopped-waiting');
  assert.match(error.message, /the service goes on with dep1/);
});
