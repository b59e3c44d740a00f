/** The evidence of an incident over HTTP: what was kept is given as it is, and nothing else ever. */
import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { registerRoutes } from '../../runtime/http.ts';
import { createServiceServer } from '../../service/http-server.ts';
import { cpedHttpOf } from './fixtures/cped-http.ts';
import { log, makeWorld } from './fixtures/world.ts';
import { incident } from './telling/samples.ts';

async function serve(t: TestContext) {
  const world = await makeWorld();
  const app = createServiceServer({ log });
  const cped = cpedHttpOf(world);
  registerRoutes(app, cped);
  t.after(async () => {
    await app.close();
    await world[Symbol.asyncDispose]();
  });
  const place = cped.evidenceDirectory('assy1');
  await mkdir(path.join(place, 'one'), { recursive: true });
  return {
    place,
    save: (evidence: readonly string[]) =>
      world.memory.saveIncident(incident({ id: '7', assembly: 'assy1', evidence: [...evidence] })),
    get: async (url: string) => await app.inject({ method: 'GET', url }),
  };
}

test('the screen and the console of an incident are listed and given as they were kept', async (t) => {
  const { place, save, get } = await serve(t);
  const screen = Buffer.from('P6\n1 1\n255\n\0\0\0', 'latin1');
  await writeFile(path.join(place, 'one', 'screen.ppm'), screen);
  await writeFile(path.join(place, 'one', 'console-tail.txt'), '<script>alert(1)</script>\n');
  save(['libvirt says: off', `screen and console: ${path.join(place, 'one')}`]);
  const { files } = (await get('/v1/incidents/7/evidence')).json();
  assert.deepEqual(
    files.map(({ name, sizeBytes }: { name: string; sizeBytes: number }) => [name, sizeBytes]),
    [
      ['screen.ppm', screen.length],
      ['console-tail.txt', 26],
    ],
  );
  const shown = await get('/v1/incidents/7/evidence/screen.ppm');
  assert.equal(shown.headers['content-type'], 'image/x-portable-pixmap');
  assert.ok(shown.rawPayload.equals(screen));
  const console = await get('/v1/incidents/7/evidence/console-tail.txt');
  // A guest wrote it: a browser must show it as text and not try to be clever.
  assert.equal(console.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(console.headers['x-content-type-options'], 'nosniff');
});

test('what was kept when a machine failed stays to be had when its restart fails with nothing to show', async (t) => {
  const { place, save, get } = await serve(t);
  await mkdir(path.join(place, 'two'));
  await writeFile(path.join(place, 'one', 'screen.png'), 'the panic');
  await writeFile(path.join(place, 'one', 'console-tail.txt'), 'panic');
  await writeFile(path.join(place, 'two', 'console-tail.txt'), 'panic\nand no start');
  save([`screen and console: ${path.join(place, 'one')}`, `console: ${path.join(place, 'two')}`]);
  const { files } = (await get('/v1/incidents/7/evidence')).json();
  assert.deepEqual(
    files.map(({ name }: { name: string }) => name),
    ['screen.png', 'console-tail.txt'],
  );
  assert.equal((await get('/v1/incidents/7/evidence/screen.png')).body, 'the panic');
  assert.equal((await get('/v1/incidents/7/evidence/console-tail.txt')).body, 'panic\nand no start');
});

test('no name and no line of a journal leads out of the place of evidence', async (t) => {
  const { place, save, get } = await serve(t);
  const secret = path.join(place, '..', 'ssh_ed25519');
  await writeFile(secret, 'secret');
  await symlink(secret, path.join(place, 'one', 'console-tail.txt'));
  await mkdir(path.join(place, 'one', 'screen.png'));
  save([`screen and console: ${path.join(place, 'one')}`]);
  const names = ['..%2f..%2fssh_ed25519', '%2e%2e', 'ssh_ed25519', 'console-tail.txt', 'screen.png'];
  for (const name of [...names, 'constructor', '__proto__', 'x'.repeat(300), '%00'])
    assert.ok([400, 404].includes((await get(`/v1/incidents/7/evidence/${name}`)).statusCode), name);
  assert.deepEqual((await get('/v1/incidents/7/evidence')).json(), { files: [] });
  for (const line of [path.dirname(place), path.join(place, '..'), `${place}/one/../../x`, '/etc']) {
    save([`console: ${line}`]);
    await writeFile(path.join(path.dirname(place), 'console-tail.txt'), 'x');
    assert.equal((await get('/v1/incidents/7/evidence/console-tail.txt')).statusCode, 404, line);
  }
});

test('an incident that is not there, and one that kept nothing, say so', async (t) => {
  const { save, get } = await serve(t);
  assert.equal((await get('/v1/incidents/8/evidence')).json().error.code, 'unknown-incident');
  save([]);
  assert.deepEqual((await get('/v1/incidents/7/evidence')).json(), { files: [] });
  assert.equal((await get('/v1/incidents/7/evidence/screen.png')).json().error.code, 'unknown-evidence');
});
