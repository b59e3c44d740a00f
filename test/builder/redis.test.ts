/** How trouble with Redis is told: not there, or there with something else in it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redisUnreachable } from '../../builder/redis.ts';

const target = { kind: 'private', socketPath: '/run/x/redis.sock', directory: '/var/lib/x/redis' } as const;

test('a Redis that does not answer is unreachable, and the hint says what to restart', () => {
  const error = redisUnreachable(target, new Error('connect ECONNREFUSED'));
  assert.deepEqual([error.code, error.category], ['redis-unreachable', 'unavailable']);
  assert.match(error.hint ?? '', /systemctl restart pcloud-builder\.service/);
});

test('a Redis that answers with an error of its own is not called silent', () => {
  const reply = Object.assign(
    new Error('WRONGTYPE Operation against a key holding the wrong kind of value'),
    {
      name: 'ReplyError',
    },
  );
  const error = redisUnreachable(target, reply);
  assert.deepEqual([error.code, error.category], ['redis-data-damaged', 'failed']);
  assert.match(error.message, /answers WRONGTYPE/);
  assert.match(error.hint ?? '', /move the directory `redis`/);
});

test('the password of a shared Redis is in no message', () => {
  const error = redisUnreachable(
    { kind: 'shared', url: 'redis://me:secret@127.0.0.1:6379/2' },
    new Error('timeout'),
  );
  assert.doesNotMatch(error.message + (error.hint ?? ''), /secret/);
});
