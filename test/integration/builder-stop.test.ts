/** SIGTERM while the builder waits for a package archive that never answers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { socketAnswers } from '../../service/unix-socket.ts';
import { builderProcess } from './builder-process.ts';

test(
  'the builder stops in good order while it asks an archive that is silent, and takes its Redis with it',
  { timeout: 60_000 },
  async () => {
    const connections: Socket[] = [];
    const archive = createServer((socket) => connections.push(socket.on('error', () => undefined)));
    archive.listen(0, '127.0.0.1');
    await once(archive, 'listening');
    const builder = await builderProcess();
    try {
      const sources = path.join(builder.stateDirectory, 'silent.list');
      const { port } = archive.address() as AddressInfo;
      await writeFile(sources, `deb [trusted=yes] http://127.0.0.1:${port}/debian bookworm main\n`);
      await builder.start({ PCLOUD_DEBIAN_SOURCES: sources });
      const asked = assert.rejects(builder.client.ensureJeos('debian12', 'x86_64'));
      await once(archive, 'connection');
      const startedMs = performance.now();
      assert.equal(await builder.end('SIGTERM'), 0);
      assert.ok(performance.now() - startedMs < 10_000);
      assert.equal(await socketAnswers(path.join(builder.runtimeDirectory, 'redis.sock')), false);
      await asked;
    } finally {
      await builder.dispose();
      for (const socket of connections) socket.destroy();
      archive.close();
    }
  },
);
