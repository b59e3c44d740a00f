/** Which failures are tried again: each rule of the table, and what must never be. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { reasonToRetry, retryRules } from '../../builder/retry-policy.ts';
import { PcloudError } from '../../model/errors.ts';

const failed = (code: string, message = 'x'): PcloudError =>
  new PcloudError({ code, category: 'failed', message });

const worth: readonly (readonly [code: string, message?: string])[] = [
  ['archive-unreachable'],
  ['media-unreachable'],
  ['redis-unreachable'],
  ['step-failed', 'E: Failed to fetch http://a.example/x'],
  ['step-failed', 'Temporary failure resolving a.example'],
];

test('what a network or an absent service broke is tried again, each for a reason that is written down', () => {
  for (const [code, message] of worth) assert.ok(reasonToRetry(failed(code, message)), code);
  assert.deepEqual(
    [...new Set(worth.map(([code]) => code))].sort(),
    [...new Set(retryRules.map(({ code }) => code))].sort(),
    'a rule of the table is not tested',
  );
});

const hopeless: readonly (readonly [code: string, message?: string])[] = [
  ['step-failed', 'E: Unable to locate package x'],
  ['kickstart-refused', 'Failed to fetch'],
  ['media-checksum-wrong'],
  ['build-unproven'],
  ['step-timeout'],
  ['disk-full'],
  ['build-cancelled'],
  ['archive-changed'],
  ['bad-job'],
];

test('what would fail again in the same way is not tried again, whatever its message says', () => {
  for (const [code, message] of hopeless) assert.equal(reasonToRetry(failed(code, message)), undefined, code);
  assert.equal(reasonToRetry(new Error('Failed to fetch')), undefined);
  assert.equal(reasonToRetry('Failed to fetch'), undefined);
});
