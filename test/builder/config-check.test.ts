/** `pcloud-builder --check-config` as an operator runs it. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';

const checkout = path.resolve(import.meta.dirname, '../..');

async function check(t: TestContext, env: Readonly<Record<string, string>>, settings = '') {
  const directory = await mkdtemp(path.join(tmpdir(), 'pcc-'));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'builder.env');
  await mkdir(path.join(directory, 'resources.d'));
  await writeFile(path.join(directory, 'resources.d/mine.yml'), 'x: 1\n');
  await writeFile(file, settings, { mode: 0o640 });
  const result = await execa(process.execPath, [path.join(checkout, 'builder/main.ts'), '--check-config'], {
    env: {
      PCLOUD_STATE_DIR: path.join(directory, 'state'),
      PCLOUD_RUNTIME_DIR: path.join(directory, 'run'),
      PCLOUD_RESOURCE_TEMPLATES_DIR: path.join(directory, 'resources.d'),
      PCLOUD_SETTINGS_FILE: file,
      // Any file that is there: the agent is compiled by tests that run it.
      PCLOUD_GUEST_AGENT: file,
      ...env,
    },
    reject: false,
    timeout: 30_000,
  });
  return { code: result.exitCode, shown: result.stdout, said: result.stderr };
}

test('the effective settings are shown without what is secret', async (t) => {
  const settings =
    'PCLOUD_REDIS_URL=redis://me:pathsecret@queue.example:6379/3\nPCLOUD_BUILD_CONCURRENCY=3\n';
  const { code, shown, said } = await check(
    t,
    { PCLOUD_ROOT_PASSWORD_HASH: `$6$saltsalt$${'x'.repeat(86)}` },
    settings,
  );
  assert.equal(code, 0, said);
  assert.match(
    said,
    /warning: A resource template cannot be used: .*ends in \.yaml[^]*good, with 1 warning\.$/,
  );
  const { concurrency, redisUrl, rootPasswordHash } = JSON.parse(shown) as Record<string, unknown>;
  assert.deepEqual(
    [concurrency, redisUrl, rootPasswordHash],
    [3, 'redis://queue.example:6379/3', 'set, not shown'],
  );
  assert.doesNotMatch(shown + said, /pathsecret|xxxx/);
});

test('what is wrong is told with exit code 2', async (t) => {
  const missing = await check(t, {
    PCLOUD_ROOT_KEY_FILE: '/nowhere/root.pub',
    PCLOUD_MEDIA_DIR: '/etc/hostname',
  });
  assert.equal(missing.code, 2);
  assert.match(missing.said, /error: PCLOUD_ROOT_KEY_FILE: \/nowhere\/root\.pub cannot be read/);
  assert.match(
    missing.said,
    /error: The directory \/etc\/hostname \(PCLOUD_MEDIA_DIR\) cannot be used: .* not a directory/,
  );
  const concurrency = await check(t, {}, '\nPCLOUD_BUILD_CONCURRENCY=99\n');
  assert.equal(concurrency.code, 2);
  assert.match(concurrency.said, /builder\.env, line 2: The setting PCLOUD_BUILD_CONCURRENCY cannot be used/);
});
