import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { readConfig } from '../../builder/config.ts';
import { loadRootAccess } from '../../builder/root-access.ts';
import { PcloudError } from '../../model/errors.ts';
import { sampleHash, sampleKey } from './render/samples.ts';

test('root is locked unless a key or a hash is set, and never gets both', async () => {
  assert.deepEqual(await loadRootAccess(readConfig({})), { kind: 'locked' });
  assert.deepEqual(await loadRootAccess(readConfig({ PCLOUD_ROOT_PASSWORD_HASH: sampleHash })), {
    kind: 'hash',
    cryptHash: sampleHash,
  });
  assert.throws(() => readConfig({ PCLOUD_ROOT_PASSWORD_HASH: sampleHash, PCLOUD_ROOT_KEY_FILE: '/k' }), {
    code: 'bad-configuration',
    message: /PCLOUD_ROOT_PASSWORD_HASH.*PCLOUD_ROOT_KEY_FILE/,
  });
});

test('no message shows a hash or a key that was refused', () => {
  const secret = '$9$secret$secret';
  assert.throws(
    () => readConfig({ PCLOUD_ROOT_PASSWORD_HASH: secret }),
    (error) =>
      error instanceof PcloudError &&
      !JSON.stringify([error.message, error.hint, error.cause]).includes('secret'),
  );
});

test('the file of a key holds one public key, or it is refused without being shown', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'pcloud-key-'));
  try {
    const file = path.join(directory, 'id.pub');
    const config = readConfig({ PCLOUD_ROOT_KEY_FILE: file });
    await assert.rejects(loadRootAccess(config), { code: 'root-key-unusable', message: /id\.pub/ });
    writeFileSync(file, `${sampleKey}\n`);
    assert.deepEqual(await loadRootAccess(config), { kind: 'key', authorizedKey: sampleKey });
    for (const text of [
      `${sampleKey}\n${sampleKey}\n`,
      `command="x" ${sampleKey}\n`,
      '-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n',
      `${sampleKey} and more\n`,
      '',
    ]) {
      writeFileSync(file, text);
      await assert.rejects(
        loadRootAccess(config),
        (error) =>
          error instanceof PcloudError &&
          error.code === 'root-key-unusable' &&
          !error.message.includes('secret'),
      );
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
