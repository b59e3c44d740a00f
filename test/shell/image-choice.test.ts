/** How an operator says how an image is to be made. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ensureRequestSchema } from '../../model/builder-api.ts';
import { engineNames } from '../../model/release.ts';
import { installChoice } from '../../shell/image-choice.ts';

test('what is left out is left to the builder', () => {
  assert.deepEqual(installChoice({ engine: undefined, medium: undefined }), {});
});

test('each engine and kind of medium can be asked for, in the form that the builder takes', () => {
  for (const engine of engineNames)
    for (const medium of ['iso', 'tree'] as const) {
      const choice = installChoice({ engine, medium });
      assert.deepEqual(choice, { engine, medium });
      const request = { kind: 'jeos', release: 'F14', architecture: 'x86_64', ...choice };
      assert.deepEqual(ensureRequestSchema.parse(request), request);
    }
});

test('a word that is none of them is refused with those that are', () => {
  for (const engine of ['', 'OZ', 'oz ', 'constructor', 'oz\n--x'])
    assert.throws(() => installChoice({ engine, medium: undefined }), {
      code: 'bad-option',
      category: 'invalid',
      message: /^--engine cannot be [^\n]*\.$/,
      hint: /oz, virt-install/,
    });
  assert.throws(() => installChoice({ engine: undefined, medium: 'dvd' }), {
    code: 'bad-option',
    message: /^--medium cannot be/,
    hint: /iso, tree/,
  });
});
