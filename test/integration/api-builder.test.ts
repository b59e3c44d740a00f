/**
 * A real pcloud-builder with its own Redis: what it answers to every look is what its document says, it measures, and
 * cped's forwarding reaches all of it.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { builderDocument } from '../../builder/http-openapi.ts';
import { guardSocket } from '../../runtime/access/guard.ts';
import { registerBuilderRoutes } from '../../runtime/http-builder.ts';
import { createServiceServer } from '../../service/http-server.ts';
import { createLogger } from '../../service/logger.ts';
import { fitsDocument } from '../docs/fits-document.ts';
import type { Document } from '../docs/fits-document.ts';
import { hasPromtool } from '../monitoring/promtool.ts';
import { builderProcess } from './builder-process.ts';

test('every look at a real builder is answered as its document says, through cped as well', async (t) => {
  const builder = await builderProcess();
  t.after(async () => await builder.dispose());
  await builder.start();
  const app = createServiceServer({ log: createLogger({ service: 'test', level: 'silent' }) });
  guardSocket(app);
  registerBuilderRoutes(app, path.join(builder.runtimeDirectory, 'builder.sock'));
  t.after(async () => await app.close());
  const get = async (url: string) => await app.inject({ method: 'GET', url: `/builder${url}` });

  const { digest } = await builder.client.ensureJeos('debian12', 'x86_64');
  await builder.client.cancel(digest);
  for (const deadlineMs = Date.now() + 60_000; ;) {
    if (['cancelled', 'failed'].includes((await builder.client.build(digest)).state)) break;
    assert.ok(Date.now() < deadlineMs, 'the build does not end');
  }
  const document = builderDocument() as Document;
  const { check, checked } = fitsDocument(document);
  for (const [url, operations] of Object.entries(document.paths)) {
    const content = operations['get']?.responses['200']?.content ?? {};
    // There is no image here: its route refuses.
    if (!('application/json' in content) || url.startsWith('/v1/images/')) continue;
    const asked = url.replace('{digest}', digest);
    const answer = await get(asked);
    assert.equal(answer.statusCode, 200, `${asked}: ${answer.body}`);
    check('GET', asked, answer.json());
  }
  assert.ok(checked.has('GET /v1/builds/{digest}') && checked.size >= 6, [...checked].join(', '));
  assert.equal((await get('/v1/images/jeos/debian12/x86_64')).json().error.code, 'jeos-not-built');

  const log = await get(`/v1/builds/${digest}/log`);
  assert.match(log.body, /"kind":"end"/);
  const { body: metrics } = await get('/metrics');
  assert.match(metrics, /^pcloud_queue_up 1$/m);
  assert.match(metrics, /^pcloud_images_requested_total\{result="build"\} 1$/m);
  assert.match(metrics, /^pcloud_builds_total\{result="(?:cancelled|failed)",engine="bootstrap"\} 1$/m);
  if (hasPromtool) {
    const judged = await execa('promtool', ['check', 'metrics'], {
      input: metrics,
      reject: false,
      timeout: 20_000,
    });
    assert.deepEqual([judged.exitCode, judged.stdout], [0, ''], judged.stderr);
  }
});
