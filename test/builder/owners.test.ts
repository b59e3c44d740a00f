/**
 * Whose work is whose: owners on this host and on others, their signs of life, and the sweep after the dead.
 * Builders that really die are `test/integration/builder-death.test.ts`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { createOwnerWatch, startHeartbeat } from '../../builder/heartbeat.ts';
import { ownOwner, ownerText, parseOwner } from '../../builder/owner.ts';
import { sweepSilenceMs, sweepWorkspaces } from '../../builder/sweeper.ts';
import {
  createWorkspace,
  listWorkspaces,
  parseWorkspaceName,
  workspaceName,
} from '../../builder/workspace.ts';
import { createLogger } from '../../service/logger.ts';

const digest = 'a'.repeat(64);
const other = 'b'.repeat(64);
const log = createLogger({ service: 'test', level: 'fatal' });
const elsewhere = { host: 'feedfeedfeed', pid: 7, startTicks: '99' };

async function withDirectory(act: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp('/tmp/pco-');
  try {
    await act(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test('the name of a workspace tells digest, host and process', () => {
  const name = workspaceName(digest, elsewhere);
  assert.equal(name, `${digest}.feedfeedfeed.7.99`);
  assert.deepEqual(parseWorkspaceName(name), { digest, owner: elsewhere });
  for (const bad of ['', 'x', `${digest}.7.99`, `${digest}.feedfeedfeed.0.1`, `../${name}`, `${name}.1`])
    assert.equal(parseWorkspaceName(bad), undefined, bad);
  assert.deepEqual(parseOwner(ownerText(elsewhere)), elsewhere);
});

test('on this host the dead are known at once, also where their number was given again', async () => {
  await withDirectory(async (directory) => {
    const own = await ownOwner();
    const watch = createOwnerWatch(directory, own.host, () => 0);
    const mine = await createWorkspace(directory, digest, own);
    const dead = await createWorkspace(directory, other, { ...own, startTicks: '1' });
    const foreign = path.join(directory, '.tmp', 'not-a-workspace');
    await mkdir(foreign);
    assert.deepEqual(await sweepWorkspaces(directory, watch, false), [other]);
    await access(mine);
    await access(foreign);
    await assert.rejects(access(dead));
  });
});

test('a builder of another host is dead when its sign of life stands still while we watch, and not before', async () => {
  await withDirectory(async (directory) => {
    const own = await ownOwner();
    let nowMs = 1_000_000;
    const watch = createOwnerWatch(directory, own.host, () => nowMs);
    await createWorkspace(directory, digest, elsewhere);
    const beat = path.join(directory, '.builders', ownerText(elsewhere));
    await mkdir(path.dirname(beat));
    await writeFile(beat, '1\n');
    await watch.look();
    nowMs += sweepSilenceMs - 1;
    assert.deepEqual(await sweepWorkspaces(directory, watch, false), []);
    await writeFile(beat, '2\n');
    // We stood still for an hour ourselves: what changed meanwhile counts as a sign of now.
    nowMs += 3_600_000;
    assert.deepEqual(await sweepWorkspaces(directory, watch, false), []);
    nowMs += sweepSilenceMs;
    assert.deepEqual(await sweepWorkspaces(directory, watch, false), [digest]);
    assert.deepEqual(await listWorkspaces(directory), []);
    await watch.look();
    assert.deepEqual(await readdir(path.dirname(beat)), []);
  });
});

test('a workspace of another host without any sign of life is watched as long before it goes', async () => {
  await withDirectory(async (directory) => {
    const own = await ownOwner();
    let nowMs = 5;
    const watch = createOwnerWatch(directory, own.host, () => nowMs);
    await createWorkspace(directory, digest, elsewhere);
    assert.deepEqual(await sweepWorkspaces(directory, watch, false), []);
    nowMs += sweepSilenceMs;
    assert.deepEqual(await sweepWorkspaces(directory, watch, false), [digest]);
  });
});

test('a running builder shows that it lives, and takes the sign away when it stops', async () => {
  await withDirectory(async (directory) => {
    const own = await ownOwner();
    const heartbeat = await startHeartbeat(directory, own, log);
    assert.deepEqual(await readdir(path.join(directory, '.builders')), [ownerText(own)]);
    await heartbeat.stop();
    assert.deepEqual(await readdir(path.join(directory, '.builders')), []);
  });
});

test('programs of a dead builder are ended even where its directory is gone already', async () => {
  await withDirectory(async (directory) => {
    const own = await ownOwner();
    const work = path.join(directory, '.tmp', workspaceName(digest, { ...own, startTicks: '1' }));
    const child = spawn('sleep', ['60'], {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'] ?? '', PCLOUD_BUILD_WORK: work },
    });
    const ended = once(child, 'exit');
    await once(child, 'spawn');
    await sweepWorkspaces(
      directory,
      createOwnerWatch(directory, own.host, () => 0),
      true,
    );
    assert.deepEqual(await ended, [null, 'SIGKILL']);
  });
});
