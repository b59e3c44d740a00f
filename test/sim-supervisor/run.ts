/**
 * One simulated run from its seed: faults in storms and in calm weather, then an end to all of them, after which
 * every story must have an end too. A run that fails says its seed and how to see it again.
 */
import assert from 'node:assert/strict';
import type { Core } from './core.ts';
import { assertEnded, isSettled } from './end.ts';
import { cease, disturb, endMaintenance } from './faults.ts';
import { World } from './world.ts';

export type RunResult = {
  readonly faults: number;
  readonly steps: number;
  readonly restarts: number;
  readonly escalations: number;
  readonly virtualMs: number;
};

const disturbances = 250;
/** Mean time between two faults: storms, in which nothing comes to rest, and weather in which all of it does. */
const spacingsMs = [100, 500, 2000, 6000, 20_000] as const;
/** The longest chain of limits: a boot given up at 120 s, a backoff of 60 s, a slow boot again, three rungs of it. */
const endLimitMs = 1_800_000;
/** The longest until something is noticed: the next monitor of a resource whose death was not heard, and its answer. */
const noticedMs = 45_000;
const quietMs = 20_000;

/** @throws Error whose message begins with the seed and the command that plays it again. */
export function runSeed(seed: number, core: Core): RunResult {
  const world = play(seed, core);
  const { restarts, escalations } = world.oracle.policies.counts;
  return {
    faults: world.host.faults,
    steps: world.steps,
    restarts,
    escalations,
    virtualMs: world.host.nowMs,
  };
}

function play(seed: number, core: Core): World {
  try {
    const world = new World(seed, core);
    live(world);
    return world;
  } catch (error) {
    throw new Error(
      `seed ${seed}: ${error instanceof Error ? error.message : String(error)}\nTo see it: node test/sim-supervisor/soak.ts --seed ${seed}`,
      { cause: error },
    );
  }
}

/** The story of a seed, and why it failed (undefined when it did not). */
export function tellSeed(
  seed: number,
  core: Core,
): { readonly story: readonly string[]; readonly error: unknown } {
  const world = new World(seed, core, true);
  let error: unknown;
  try {
    live(world);
  } catch (thrown) {
    error = thrown;
  }
  return { story: world.story ?? [], error };
}

function live(world: World): void {
  const { random, host } = world;
  world.run(500);
  world.command({ ...world.full, intent: 'up' }, { kind: 'apply', plan: { ...world.full, intent: 'up' } });
  world.run(random.chance(0.5) ? 20_000 : 0);
  let spacingMs: number = random.pick(spacingsMs);
  for (let fault = 0; fault < disturbances; fault += 1) {
    if (random.chance(0.05)) spacingMs = random.pick(spacingsMs);
    // Two at once are the ones that nobody thought of.
    if (!random.chance(0.1)) world.run(2 * spacingMs * random.next());
    disturb(world);
  }
  cease(world);
  // What stands still is not known to until then.
  while (!world.isListening()) world.run(1000);
  // Some of it stays as it is until a person ends it.
  for (const { untilMs } of world.maintenances.values())
    if (untilMs !== null || random.chance(0.7)) endMaintenance(world, true);
  world.run(noticedMs);
  const limitMs = host.nowMs + endLimitMs;
  while (!isSettled(world)) {
    assert.ok(host.nowMs < limitMs, `no end after ${endLimitMs / 1000} s without faults`);
    world.run(2000);
  }
  const told = world.journal.length;
  world.run(quietMs);
  const late = world.journal.slice(told).map(({ text }) => text);
  assert.deepEqual(late, [], 'more is told after everything has come to rest');
  assertEnded(world);
}
