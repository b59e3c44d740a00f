/** The simulator behaves as the port promises, so that what scenarios prove with it holds. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import type { Clock } from '../../runtime/ports.ts';
import { simulatedHypervisor } from '../../runtime/simulation/hypervisor.ts';
import { describeHypervisor, eventLog, isReport } from './hypervisor.ts';
import { conformanceSpecs } from './specs.ts';

/** Real time, because the suite awaits; short, because nothing in it depends on how long things take. */
const briefly = { startMs: 3, fenceMs: 2, eventMs: 1, deathNoticedMs: 2, shutdownMs: 3, callMs: 1 };

describeHypervisor('simulated hypervisor', true, async () => {
  const hypervisor = simulatedHypervisor(systemClock, 'conformance', briefly);
  const spec = conformanceSpecs('conformance', '/nonexistent');
  return {
    hypervisor,
    spec,
    network: 'default',
    killFromOutside: async ({ assembly }) => hypervisor.kill(assembly),
    addForeign: async (foreign) => hypervisor.addForeign({ ...foreign, owner: 'somebody-else' }),
    async interrupt(meanwhile) {
      hypervisor.disconnect('libvirtd was killed');
      await meanwhile();
      hypervisor.reconnect();
    },
    dispose: async () => assert.deepEqual(hypervisor.violations(), []),
  };
});

/** A simulator with its machine running, on a clock that only the test moves. */
async function running() {
  const clock = manualClock();
  const hypervisor = simulatedHypervisor(clock, 'o');
  const log = eventLog();
  const spec = { ...conformanceSpecs('o', '/nonexistent')('a'), uuid: randomUUID() };
  await clock.until(hypervisor.open(log.listener));
  await clock.until(hypervisor.start(spec));
  await clock.advance(10);
  return { clock, hypervisor, log, spec };
}

function manualClock(): Clock & {
  advance(ms: number): Promise<void>;
  until<T>(promise: Promise<T>): Promise<T>;
} {
  let nowMs = 0;
  const timers = new Set<{ atMs: number; callback: () => void }>();
  const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));
  async function advance(ms: number): Promise<void> {
    const endMs = nowMs + ms;
    for (;;) {
      await settle();
      const next = [...timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      timers.delete(next);
      nowMs = Math.max(nowMs, next.atMs);
      next.callback();
    }
    nowMs = endMs;
  }
  return {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    after(delayMs, callback) {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance,
    async until(promise) {
      await advance(10_000);
      return promise;
    },
  };
}

test('frozen progress stands still while the machine is said to run', async () => {
  const { clock, hypervisor, spec } = await running();
  hypervisor.freezeProgress('a');
  const earlier = await clock.until(hypervisor.progress(spec.uuid));
  const later = await clock.until(hypervisor.progress(spec.uuid));
  assert.deepEqual(later, earlier);
  hypervisor.thawProgress('a');
  assert.ok((await clock.until(hypervisor.progress(spec.uuid))).cpuTimeMs > later.cpuTimeMs);
});

test('a planned failure fails one start and no other', async () => {
  const { clock, hypervisor, spec } = await running();
  await clock.until(hypervisor.fence(spec.uuid));
  hypervisor.failNextStart('a', 'no such disk');
  const first = hypervisor.start(spec).catch((error: unknown) => error);
  assert.match(String(await clock.until(first)), /no such disk/);
  await clock.until(hypervisor.start(spec));
  assert.equal(hypervisor.stateOf('a'), 'running');
  assert.equal(hypervisor.startsOf('a'), 2);
});

test('a lost event is made up for by the list only', async () => {
  const { clock, hypervisor, log, spec } = await running();
  const from = log.mark();
  hypervisor.loseEvents(true);
  hypervisor.kill('a');
  await clock.advance(5000);
  assert.equal(log.mark(), from);
  assert.equal((await clock.until(hypervisor.list())).find(({ uuid }) => uuid === spec.uuid)?.state, 'off');
});

test('a panicked machine stays, crashed, until it is fenced', async () => {
  const { clock, hypervisor, log, spec } = await running();
  hypervisor.panic('a');
  await clock.advance(10);
  assert.ok(log.events.some(isReport('a', 'crashed')));
  await clock.until(hypervisor.fence(spec.uuid));
  assert.equal(hypervisor.stateOf('a'), 'off');
});

test('a machine whose fencing fails stays on and says so', async () => {
  const { clock, hypervisor, spec } = await running();
  hypervisor.failFencing('a', true);
  const failure = await clock.until(hypervisor.fence(spec.uuid).catch((error: unknown) => error));
  assert.ok(failure instanceof PcloudError && failure.code === 'fence-failed');
  assert.equal(hypervisor.stateOf('a'), 'running');
});

test('two running machines on one disk are a violation', async () => {
  const { clock, hypervisor, spec } = await running();
  const twin = { ...conformanceSpecs('o', '/nonexistent')('b'), diskPath: spec.diskPath };
  await clock.until(hypervisor.start(twin));
  assert.equal(hypervisor.violations().length, 1);
});

test('so are two on one data disk, whatever else they have', async () => {
  const { clock, hypervisor, spec } = await running();
  const twin = {
    ...conformanceSpecs('o', '/nonexistent')('b'),
    dataDisks: [{ serial: 'data', path: spec.diskPath }],
  };
  await clock.until(hypervisor.start(twin));
  assert.equal(hypervisor.violations().length, 1);
});

test('power is told at the moment it changes, before any event', async () => {
  const { clock, hypervisor, log } = await running();
  const seen: string[] = [];
  hypervisor.onPower((assembly, power) => seen.push(`${assembly} ${power} after ${log.mark()} events`));
  const from = log.mark();
  hypervisor.kill('a');
  assert.deepEqual(seen, [`a off after ${from} events`]);
  await clock.advance(1000);
  assert.equal(log.mark(), from + 1);
});
