/** The benchmark's fleet is what it says: all of it up, and fed with what a fleet says in its everyday life. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFleet } from '../../bench/figures/supervisor-steps.ts';

test('ten seconds of 1,000 assemblies are their heartbeats, their monitors and the ticks, and all stays up', () => {
  const fleet = createFleet();
  const { steps } = fleet.play(10_000);
  assert.ok(steps >= 13_000 && steps <= 13_200, `${steps} steps`);
  // A minute later it is still up: play() refuses a fleet that is not.
  fleet.play(60_000);
});
