import assert from 'node:assert/strict';
import test from 'node:test';
import { readConfig } from '../../builder/config.ts';
import { redisOptions, redisTitle } from '../../builder/redis.ts';

test('without settings the system directories and a private Redis are used', () => {
  const config = readConfig({ PCLOUD_REDIS_URL: '' });
  assert.equal(config.imageDirectory, '/var/lib/pacemaker-cloud/images');
  assert.equal(config.mediaDirectory, '/var/lib/pacemaker-cloud/media');
  assert.equal(config.socketPath, '/run/pacemaker-cloud/builder.sock');
  assert.equal(config.redisUrl, undefined);
  const shared = readConfig({ PCLOUD_STATE_DIR: '/srv/one', PCLOUD_IMAGE_DIR: '/srv/images' });
  assert.equal(shared.imageDirectory, '/srv/images');
  assert.equal(config.concurrency, 2);
});

test('a wrong setting is named', () => {
  const wrong = {
    PCLOUD_STATE_DIR: 'relative',
    PCLOUD_RUNTIME_DIR: '/proc/1/x',
    PCLOUD_MEDIA_DIR: 'media',
    PCLOUD_IMAGE_DIR: 'images',
    PCLOUD_REDIS_URL: 'http://x',
    PCLOUD_BUILD_CONCURRENCY: '0',
    PCLOUD_LOG_LEVEL: 'loud',
    PCLOUD_KICKSTARTS_DIR: 'kickstarts',
    PCLOUD_ROOT_KEY_FILE: 'key.pub',
    PCLOUD_ROOT_PASSWORD_HASH: 'password',
  };
  for (const [name, value] of Object.entries(wrong))
    assert.throws(() => readConfig({ [name]: value }), {
      code: 'bad-configuration',
      message: new RegExp(name),
    });
});

test('the address of a shared Redis is understood, and shown without its password', () => {
  const target = { kind: 'shared', url: 'rediss://me:s%40cret@queue.example:7000/3' } as const;
  const { host, port, username, password, db, tls } = redisOptions(target, true);
  assert.deepEqual([host, port, username, password, db, tls], ['queue.example', 7000, 'me', 's@cret', 3, {}]);
  assert.equal(redisTitle(target), 'rediss://queue.example:7000/3');
});
