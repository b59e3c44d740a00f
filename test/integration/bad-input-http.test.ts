/**
 * Bytes that no client of ours would send, on the sockets of the real services: each is answered in the one
 * wire format with a status that says whose fault it is, and neither slow nor many clients keep a service
 * from answering the others. The server alone is `test/service/http.test.ts`.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type Socket, createConnection } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { errorBodySchema } from '../../model/errors.ts';
import { cpedClient } from '../../runtime/client.ts';
import { socketAnswers } from '../../service/unix-socket.ts';
import { writeSampleImages } from './bad-input-images.ts';
import { builderProcess } from './builder-process.ts';
import type { BuilderProcess } from './builder-process.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const limitMs = 10_000;
let builder: BuilderProcess;
let cped: ChildProcess;

before(async () => {
  builder = await builderProcess();
  writeSampleImages(builder.imageDirectory);
  await builder.start();
  cped = spawn(process.execPath, [path.join(checkout, 'runtime/main.ts')], {
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'] ?? '',
      PCLOUD_STATE_DIR: builder.stateDirectory,
      PCLOUD_RUNTIME_DIR: builder.runtimeDirectory,
      PCLOUD_LIBVIRT_URI: 'test:///default',
      PCLOUD_ALERTS_DIR: path.join(builder.stateDirectory, 'alerts.d'),
      PCLOUD_ALERTS_FILE: path.join(builder.stateDirectory, 'alerts.yaml'),
    },
  });
  const deadlineMs = performance.now() + 30_000;
  while (!(await socketAnswers(socketOf('cped')))) {
    assert.ok(performance.now() < deadlineMs, 'pcloud-cped does not answer');
    await delay(50);
  }
});

after(async () => {
  cped.kill('SIGTERM');
  if (cped.exitCode === null) await once(cped, 'exit');
  await builder.dispose();
});

type Service = 'cped' | 'builder';

function socketOf(service: Service): string {
  return path.join(builder.runtimeDirectory, `${service}.sock`);
}

/** All that the service answers before it closes the connection. */
async function send(service: Service, bytes: string): Promise<string> {
  const socket = createConnection({ path: socketOf(service) });
  socket.setTimeout(limitMs, () => socket.destroy(new Error('no answer')));
  socket.write(bytes);
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) answer += chunk;
  return answer;
}

function request(line: string, body = '', contentType = 'application/json'): string {
  const head = [`${line} HTTP/1.1`, 'host: x', 'connection: close'];
  if (body !== '') head.push(`content-type: ${contentType}`, `content-length: ${Buffer.byteLength(body)}`);
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

const post: Readonly<Record<Service, string>> = {
  cped: 'POST /v1/assemblies',
  builder: 'POST /v1/images/ensure',
};
const assembly = '"name":"p","release":"debian12","architecture":"x86_64"';

/** Refused by both services alike: 400 and one of these codes. */
const bodies: readonly (readonly [title: string, body: string, code: string, contentType?: string])[] = [
  ['half of a JSON text', '{', 'bad-request'],
  ['null', 'null', 'bad-request'],
  ['an array', '[1]', 'bad-request'],
  ['brackets 30,000 deep', '['.repeat(30_000) + ']'.repeat(30_000), 'bad-request'],
  ['a prototype', `{"__proto__":{"polluted":1},${assembly}}`, 'bad-request'],
  ['a constructor', `{"constructor":{"prototype":{"polluted":1}},${assembly}}`, 'bad-request'],
  ['a key too many', `{"zzz":1,${assembly}}`, 'bad-request'],
  ['values of other types', '{"kind":"jeos","name":{},"release":5,"architecture":[]}', 'bad-request'],
  ['text', 'hello', 'bad-request', 'text/plain'],
  ['XML', '<a/>', 'bad-request', 'application/xml'],
  ['more than a request may have', `"${'a'.repeat(70_000)}"`, 'request-too-large'],
];

for (const [title, body, code, contentType] of bodies)
  test(`a body that is ${title} is refused`, async () => {
    for (const service of ['cped', 'builder'] as const)
      assertAnswer(await send(service, request(post[service], body, contentType)), 400, code);
  });

const lines: readonly (readonly [Service, string, number, string])[] = [
  ['cped', 'GET /v1/assemblies/..%2f..%2fetc', 400, 'bad-name'],
  ['cped', 'GET /v1/assemblies/%00', 400, 'bad-name'],
  ['cped', 'GET /v1/assemblies/%ff', 400, 'bad-request'],
  ['cped', 'DELETE /v1/assemblies/__proto__', 400, 'bad-name'],
  ['cped', 'DELETE /v1/assemblies/constructor', 404, 'unknown-assembly'],
  ['cped', 'GET /v1/assemblies/../../etc/passwd', 404, 'no-such-route'],
  ['cped', 'GET /v1/events?after=-1', 400, 'bad-request'],
  ['cped', 'GET /v1/events?after=1e400', 400, 'bad-request'],
  ['cped', 'GET /v1/journal?limit=99999999', 400, 'bad-request'],
  ['cped', 'GET /v1/journal?after=9007199254740993', 400, 'bad-request'],
  ['cped', 'GET /v1/images-in-use?release=a&release=b', 400, 'bad-request'],
  ['cped', 'TRACE /v1/status', 404, 'no-such-route'],
  ['builder', 'GET /v1/builds/..%2f..', 400, 'bad-request'],
  [`builder`, `GET /v1/builds/${'0'.repeat(64)}/events`, 404, 'build-not-found'],
  ['builder', `POST /v1/builds/${'0'.repeat(64)}/retry`, 404, 'build-not-found'],
  ['builder', `POST /v1/builds/${'0'.repeat(64)}/cancel`, 404, 'build-not-found'],
  ['builder', `GET /v1/builds/${'0'.repeat(64)}/log`, 404, 'build-not-found'],
  ['builder', `GET /v1/builds/${'0'.repeat(64)}/log?follow=yes`, 400, 'bad-request'],
  ['builder', 'GET /v1/builds/..%2f..%2fetc%2fpasswd/log', 400, 'bad-request'],
  ['builder', 'DELETE /v1/images/..%2f..%2fetc', 400, 'bad-request'],
  ['builder', 'DELETE /v1/images/jeos/..%2f..%2f/x86_64', 400, 'bad-name'],
  ['builder', 'DELETE /v1/media/..%2f..%2fetc', 400, 'bad-name'],
  ['builder', 'DELETE /v1/media/__proto__', 400, 'bad-name'],
  ['builder', 'GET /v1/media/tasks/..%2f../events', 400, 'bad-request'],
  ['builder', 'GET /v1/media/tasks/0123456789abcdef/events', 404, 'no-such-task'],
];

for (const [service, line, status, code] of lines)
  test(`${service}: ${line.slice(0, 60)} is answered with ${code}`, async () => {
    assertAnswer(await send(service, request(line)), status, code);
  });

test('what is no HTTP is told so', async () => {
  for (const service of ['cped', 'builder'] as const)
    for (const bytes of ['\0\u0001nonsense\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'])
      assertAnswer(await send(service, bytes), 400, 'bad-request');
});

test('two hundred streams and four hundred stalled requests leave room for everybody else', async () => {
  const client = cpedClient(socketOf('cped'));
  const openBefore = openFiles();
  const open = (bytes: string): Socket => {
    const socket = createConnection({ path: socketOf('cped') });
    socket.on('error', () => undefined);
    socket.write(bytes);
    return socket.pause();
  };
  const half = `${post.cped} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`;
  const sockets = Array.from({ length: 200 }, () => [
    open('GET /v1/events?after=0 HTTP/1.1\r\nhost: x\r\n\r\n'),
    open(half),
    open('GET /v1/sta'),
  ]).flat();
  await until(() => openFiles() >= openBefore + sockets.length);
  const startedMs = performance.now();
  await client.createDeployable('meanwhile');
  await client.assemblies();
  assert.ok(performance.now() - startedMs < 2000, `took ${performance.now() - startedMs} ms`);
  for (const socket of sockets) socket.destroy();
  await until(() => openFiles() <= openBefore + 5);
});

test('after all of it nothing was made and both services are the ones that were started', async () => {
  const client = cpedClient(socketOf('cped'));
  assert.deepEqual(await client.assemblies(), []);
  assert.equal((await client.status()).pid, cped.pid);
  assert.deepEqual(await builder.client.builds(), []);
});

function openFiles(): number {
  return readdirSync(`/proc/${cped.pid ?? 0}/fd`).length;
}

async function until(holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!holds()) {
    assert.ok(performance.now() < deadlineMs, 'it never came true');
    await delay(20);
  }
}

/** One answer with that status, in the wire format, with no word of where the code stands. */
function assertAnswer(answer: string, status: number, code: string): void {
  assert.equal(answer.slice(0, 12), `HTTP/1.1 ${status}`, answer);
  const body: unknown = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
  const { error } = errorBodySchema.parse(body);
  assert.equal(error.code, code, error.message);
  assert.doesNotMatch(answer, /node_modules|\.ts:|\n {4}at /);
}
