/** Recurring windows of maintenance: that each occurrence is begun once, and what it does to what a person set. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEvery } from '../../model/maintenance-window.ts';
import type { MaintenanceWindow } from '../../model/maintenance-window.ts';
import { deleteAssembly } from '../../runtime/definitions/assemblies.ts';
import { deleteDeployable, removeAssembly } from '../../runtime/definitions/deployables.ts';
import {
  applyStandingOrders,
  clearMaintenance,
  listMaintenance,
  maintenanceAt,
  setMaintenance,
} from '../../runtime/definitions/maintenance.ts';
import {
  addWindow,
  beginWindows,
  removeWindow,
  setWindows,
  windowsOfTarget,
} from '../../runtime/definitions/windows.ts';
import { createVirtualClock } from '../../runtime/simulation/clock.ts';
import { keepWindows } from '../../runtime/window-keeper.ts';
import { createLogger } from '../../service/logger.ts';
import { usualWorld } from './fixtures/usual-world.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** A sunday. */
const three = Date.parse('2026-11-29T03:00:00Z');

function window(every: string, at: string, forMs: number): MaintenanceWindow {
  return { every: parseEvery(every.split(',')) ?? [], at, forMs, timeZone: 'UTC' };
}
const sunday = window('sunday', '03:00', 2 * hour);
const dep1 = { kind: 'deployable', deployable: 'dep1' } as const;

/** A world at two o'clock of that sunday, what its supervisor is told, and time that passes there. */
async function earlySunday() {
  const { world, context } = await usualWorld();
  world.clock.nowMs = three - hour;
  world.supervisor.calls.length = 0;
  const at = (nowMs: number): readonly string[] => {
    world.clock.nowMs = nowMs;
    world.supervisor.calls.length = 0;
    beginWindows(context);
    return [...world.supervisor.calls];
  };
  return { world, context, at };
}

test('a window begins once, by itself, and is kept as a maintenance until its end', async () => {
  const { world, context, at } = await earlySunday();
  await using _ = world;
  setWindows(context, 'dep1', [sunday]);
  assert.deepEqual(at(three - 1), []);
  assert.deepEqual(at(three + 500), [`maintain deployable:dep1 ${three + 2 * hour}`]);
  assert.deepEqual(listMaintenance(context), [
    {
      target: dep1,
      untilMs: three + 2 * hour,
      setAtMs: three + 500,
      window: 'every sunday at 03:00 UTC for 2h',
    },
  ]);
  assert.deepEqual(maintenanceAt(context, { deployable: 'dep1', assembly: 'assy1' }), {
    untilMs: three + 2 * hour,
  });
  assert.deepEqual(at(three + 1000), []);
  assert.deepEqual(at(three + 2 * hour), []);
  assert.deepEqual(listMaintenance(context), []);
  assert.deepEqual(at(three + 7 * day + 1), [`maintain deployable:dep1 ${three + 7 * day + 2 * hour}`]);
});

test('cleared within its occurrence it stays so, also over a restart, and the next one comes', async () => {
  const { world, context, at } = await earlySunday();
  await using _ = world;
  setWindows(context, 'dep1', [sunday]);
  at(three);
  clearMaintenance(context, 'dep1');
  assert.deepEqual(at(three + minute), []);
  world.supervisor.calls.length = 0;
  applyStandingOrders(context);
  beginWindows(context);
  assert.deepEqual(world.supervisor.calls, []);
  assert.equal(at(three + 7 * day).length, 1);
});

test('a window that is under way is in force at once, also when the service was away at its beginning', async () => {
  const { world, context, at } = await earlySunday();
  await using _ = world;
  world.clock.nowMs = three + hour;
  setWindows(context, 'dep1', [sunday]);
  assert.deepEqual(world.supervisor.calls, [`maintain deployable:dep1 ${three + 2 * hour}`]);
  assert.deepEqual(at(three + 8 * day), []);
  // A week later the service comes back in the middle.
  assert.equal(at(three + 14 * day + hour).length, 1);
});

test('what a person set goes on where it is longer, and becomes the window’s where it is shorter', async () => {
  const { world, context, at } = await earlySunday();
  await using _ = world;
  setWindows(context, 'dep1', [sunday]);
  setMaintenance(context, 'dep1', 5 * hour);
  assert.deepEqual(at(three), []);
  assert.equal(listMaintenance(context)[0]?.untilMs, three + 4 * hour);
  world.clock.nowMs = three + 7 * day - minute;
  setMaintenance(context, 'dep1', 10 * minute);
  assert.equal(at(three + 7 * day).length, 1);
  assert.equal(listMaintenance(context)[0]?.untilMs, three + 7 * day + 2 * hour);
  // Within the window a person has the last word.
  setMaintenance(context, 'dep1', 10 * minute);
  assert.deepEqual(at(three + 7 * day + minute), []);
  assert.equal(listMaintenance(context)[0]?.untilMs, three + 7 * day + 10 * minute);
});

test('a clock that jumps neither loses nor doubles an occurrence', async () => {
  const { world, context, at } = await earlySunday();
  await using _ = world;
  setWindows(context, 'dep1', [sunday]);
  // Forwards, into it.
  assert.equal(at(three + 90 * minute).length, 1);
  // Back before its beginning, by less than an hour: it holds, and is not begun again.
  assert.deepEqual(at(three - 30 * minute), []);
  assert.equal(listMaintenance(context).length, 1);
  assert.deepEqual(at(three), []);
  // Over its end, and back into it.
  assert.deepEqual(at(three + 3 * hour), []);
  assert.deepEqual(at(three + hour), []);
  // Forwards over a whole one: that time never was. The one after it comes.
  assert.deepEqual(at(three + 10 * day), []);
  assert.equal(at(three + 14 * day).length, 1);
});

test('what a wrong clock began ends when the clock is right again, and the true occurrence comes', async () => {
  const { world, context, at } = await earlySunday();
  await using _ = world;
  setWindows(context, 'dep1', [sunday]);
  assert.equal(at(three + 70 * day).length, 1);
  assert.deepEqual(at(three - hour), [`maintain deployable:dep1 ${three - hour}`]);
  assert.deepEqual(listMaintenance(context), []);
  assert.equal(at(three).length, 1);
  // Right again in the middle of the true one: that goes on at once.
  at(three + 70 * day);
  assert.deepEqual(at(three + hour), [`maintain deployable:dep1 ${three + 2 * hour}`]);
  // What a person set is nobody's to end.
  at(three + 70 * day);
  setMaintenance(context, 'dep1', null);
  assert.deepEqual(at(three - hour), []);
  assert.equal(listMaintenance(context)[0]?.untilMs, null);
});

test('of windows that overlap the longest end counts, and a later beginning shortens nothing', async () => {
  const { world, context, at } = await earlySunday();
  await using _ = world;
  setWindows(context, 'dep1', [sunday, window('day', '04:00', 2 * hour), window('day', '04:30', minute)]);
  at(three);
  assert.deepEqual(at(three + hour), [`maintain deployable:dep1 ${three + 3 * hour}`]);
  assert.deepEqual(at(three + 90 * minute), []);
  assert.equal(listMaintenance(context)[0]?.untilMs, three + 3 * hour);
});

test('added, it replaces the one of the same days and time; removed, what is under way goes on to its end', async () => {
  const { world, context, at } = await earlySunday();
  await using _ = world;
  addWindow(context, 'assembly:assy1', sunday);
  addWindow(context, 'assy1', window('day', '12:00', hour));
  addWindow(context, 'assy1', { ...sunday, forMs: hour });
  assert.deepEqual(windowsOfTarget(context, { kind: 'assembly', assembly: 'assy1' }), [
    window('day', '12:00', hour),
    { ...sunday, forMs: hour },
  ]);
  assert.equal(at(three).length, 1);
  removeWindow(context, 'assy1', { every: ['sunday'], at: '03:00' });
  assert.equal(listMaintenance(context).length, 1);
  assert.throws(() => removeWindow(context, 'assy1', { every: ['sunday'], at: '03:00' }), {
    code: 'unknown-window',
    hint: 'It has: every day at 12:00 UTC for 1h.',
  });
  assert.throws(() => removeWindow(context, 'dep1', sunday), { code: 'unknown-window' });
});

test('what no window can be of is refused, and so is one too many', async () => {
  const { world, context } = await earlySunday();
  await using _ = world;
  assert.throws(() => addWindow(context, 'assy1/httpdone', sunday), { code: 'bad-target' });
  assert.throws(() => addWindow(context, 'nobody', sunday), { code: 'unknown-target' });
  assert.throws(() => addWindow(context, 'host:a', sunday), { code: 'bad-target' });
  for (let count = 0; count < 20; count += 1)
    addWindow(context, 'dep1', window('day', `${String(count).padStart(2, '0')}:00`, minute));
  assert.throws(() => addWindow(context, 'dep1', sunday), { code: 'too-many-windows' });
});

test('what is deleted takes its windows along', async () => {
  const { world, context } = await earlySunday();
  await using _ = world;
  setWindows(context, 'dep1', [sunday]);
  setWindows(context, 'assy1', [sunday]);
  setWindows(context, 'assy10', [sunday]);
  for (const assembly of world.store.deployable('dep1')?.assemblies ?? [])
    removeAssembly(context, 'dep1', assembly);
  await deleteAssembly(context, 'assy1');
  deleteDeployable(context, 'dep1');
  assert.deepEqual(
    world.store.maintenanceWindows().map(({ target }) => target),
    [{ kind: 'assembly', assembly: 'assy10' }],
  );
});

test('the keeper looks at once and every second, and goes on after the database could not be written', async () => {
  const { world, context } = await earlySunday();
  await using _ = world;
  const time = createVirtualClock(three - 10_000);
  const logged: string[] = [];
  const log = createLogger({
    service: 'test',
    level: 'info',
    destination: { write: (line: string) => void logged.push(line) },
  });
  setWindows(context, 'dep1', [sunday]);
  let broken = false;
  const store = {
    ...context.store,
    transaction<T>(work: () => T): T {
      if (broken) throw new Error('the disk is full');
      return context.store.transaction(work);
    },
  };
  const keeper = keepWindows({ ...context, store, nowMs: () => time.clock.wallMs() }, time.clock, log);
  broken = true;
  await time.advance(12_500);
  assert.deepEqual(world.supervisor.calls, []);
  assert.equal(logged.filter((line) => line.includes('cannot be begun')).length, 1);
  broken = false;
  await time.advance(1000);
  assert.deepEqual(world.supervisor.calls, [`maintain deployable:dep1 ${three + 2 * hour}`]);
  keeper.close();
  await time.advance(7 * day);
  assert.equal(world.supervisor.calls.length, 1);
});
