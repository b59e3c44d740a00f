/** Following a build: its progress goes forward, whoever tells of it, and its end is told last. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import { followBuild } from '../../builder/follow.ts';
import { createHistory } from '../../builder/history.ts';
import { createProgressOrder } from '../../builder/progress-order.ts';
import type { QueueNews, QueuedBuild } from '../../builder/queue-port.ts';
import type { RequestContext } from '../../builder/requests.ts';
import type { BuildEvent, BuildProgress } from '../../model/builder-api.ts';
import { recipeDigest } from '../../model/recipe.ts';
import { sampleJeosRecipe } from './sample-recipes.ts';

const digest = recipeDigest(sampleJeosRecipe);
const progressAt = (percent: number): BuildProgress => ({
  percent,
  step: 'install',
  stepTitle: 'Installing',
  elapsedMs: percent * 1000,
});

/** A queue whose answers are given by hand, and what was told of the build. */
async function following(t: TestContext) {
  const directory = await mkdtemp('/tmp/pcf-');
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  const history = createHistory(path.join(directory, 'images'));
  const looks: PromiseWithResolvers<QueuedBuild | undefined>[] = [];
  let say: (news: QueueNews) => void = () => undefined;
  const queue = {
    find: async () => {
      const asked = Promise.withResolvers<QueuedBuild | undefined>();
      looks.push(asked);
      return await asked.promise;
    },
    listen: (_digest: string, onNews: (news: QueueNews) => void) => {
      say = onNews;
      return () => undefined;
    },
  };
  const context = { history, queue, now: () => Date.now() } as unknown as RequestContext;
  const told: BuildEvent[] = [];
  let onTold: () => void = () => undefined;
  const stop = followBuild(
    context,
    digest,
    (event) => {
      told.push(event);
      onTold();
    },
    (error) => assert.fail(error as Error),
  );
  t.after(stop);
  const data = { recipe: sampleJeosRecipe, parentRecipe: null, name: null, parentRequested: false } as const;
  return {
    hear: (percent: number) => say({ kind: 'progress', progress: progressAt(percent) }),
    answer: (look: number, percent: number) =>
      looks[look]?.resolve({
        digest,
        state: 'active',
        data: { ...data, requestedAt: new Date().toISOString() },
        progress: progressAt(percent),
      }),
    lookAgain: () => say({ kind: 'completed' }),
    until: async (count: number) => {
      while (told.length < count) await new Promise<void>((resolve) => (onTold = resolve));
    },
    percents: () => told.map((event) => (event.kind === 'progress' ? event.progress.percent : 'done')),
  };
}

test('a look that was overtaken by news tells nothing old', async (t) => {
  const { hear, answer, lookAgain, until, percents } = await following(t);
  hear(20);
  answer(0, 10);
  // The next look has the same way to go as the first one, and begins later.
  lookAgain();
  answer(1, 30);
  await until(2);
  assert.deepEqual(percents(), [20, 30]);
});

test('news that a look was ahead of is not told after it', async (t) => {
  const { hear, answer, until, percents } = await following(t);
  answer(0, 20);
  await until(1);
  hear(10);
  hear(20);
  hear(30);
  assert.deepEqual(percents(), [20, 20, 30]);
});

test('an attempt that begins anew is told from the next look on', () => {
  const order = createProgressOrder();
  assert.ok(order.beginLook()(60_000));
  assert.ok(!order.news(0), 'it may be old');
  const look = order.beginLook();
  assert.ok(order.news(100));
  assert.ok(!look(50));
  assert.ok(order.news(200));
});

test('whatever comes first, what is told never goes back', () => {
  type Move = 'advance' | 'deliver' | 'look' | 'answer';
  const moves = fc.array(fc.constantFrom<Move>('advance', 'deliver', 'look', 'answer'), { maxLength: 60 });
  fc.assert(
    fc.property(moves, (all) => {
      const order = createProgressOrder();
      let stateMs = 0;
      const waiting: number[] = [];
      const told: number[] = [];
      let look: { readonly sawMs: number; readonly mayTell: (elapsedMs: number) => boolean } | undefined;
      const deliver = (): void => {
        const next = waiting.shift();
        if (next !== undefined && order.news(next)) told.push(next);
      };
      for (const move of all) {
        if (move === 'advance') waiting.push((stateMs += 1));
        else if (move === 'deliver') deliver();
        else if (move === 'look' && look === undefined) {
          // From one look to the next all news of before has come.
          while (waiting.length > 0) deliver();
          look = { sawMs: stateMs, mayTell: order.beginLook() };
        } else if (move === 'answer' && look !== undefined) {
          if (look.mayTell(look.sawMs)) told.push(look.sawMs);
          look = undefined;
        }
      }
      assert.deepEqual(
        told,
        told.toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 2000 },
  );
});
