import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeJobError, encodeJobError, parseJobData } from '../../builder/job.ts';
import { PcloudError } from '../../model/errors.ts';
import { recipeDigest } from '../../model/recipe.ts';
import { sampleJeosRecipe } from './sample-recipes.ts';

const digest = recipeDigest(sampleJeosRecipe);
const data = {
  recipe: sampleJeosRecipe,
  parentRecipe: null,
  name: 'jeos debian12 x86_64',
  requestedAt: '2026-01-01T00:00:00.000Z',
  parentRequested: false,
};

test('what a job carries is checked when it comes out of Redis', () => {
  assert.deepEqual(parseJobData(digest, JSON.parse(JSON.stringify(data))), data);
  assert.throws(() => parseJobData(digest, { ...data, recipe: { ...sampleJeosRecipe, kind: 'other' } }), {
    code: 'bad-job',
  });
  assert.throws(() => parseJobData('f'.repeat(64), data), { code: 'bad-job', message: /another digest/ });
  assert.throws(() => parseJobData(digest, 'nonsense'), { code: 'bad-job' });
});

test('an error goes through a failed job and back; the words of the queue itself become one of ours', () => {
  const error = new PcloudError({
    code: 'disk-full',
    category: 'failed',
    message: 'No room.',
    hint: 'Make some.',
    facts: { freeBytes: 5 },
  });
  const { code, category, message, hint, facts } = decodeJobError(encodeJobError(error));
  assert.deepEqual(
    [code, category, message, hint, facts],
    ['disk-full', 'failed', 'No room.', 'Make some.', { freeBytes: 5 }],
  );
  assert.match(decodeJobError('job stalled more than allowable limit').message, /job stalled/);
});
