/**
 * docs/api.md and docs/monitoring.md: each command block is typed, in order, at a real pcloud-cped in a place of the
 * test's own (libvirt is away here), and the tables have the settings that the program has.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { parse } from 'yaml';
import { listenShape } from '../../runtime/listen-config.ts';
import { cpedClient } from '../../runtime/client.ts';
import { checkout, readWritten } from '../house/source-files.ts';
import { freePort } from './free-port.ts';

const limitMs = 60_000;

function blocks(page: string, language: string): readonly string[] {
  return [...readWritten(page).matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, found, text]) =>
    found === language ? [text ?? ''] : [],
  );
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // Not yet.
  } finally {
    socket.destroy();
  }
}

async function place(t: TestContext) {
  const directory = await mkdtemp(path.join(tmpdir(), 'pca-'));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  await mkdir(path.join(directory, 'etc'));
  await mkdir(path.join(directory, 'state'));
  const port = await freePort();
  const env = {
    PATH: `${checkout}/bin:${process.env['PATH'] ?? ''}`,
    PCLOUD_STATE_DIR: path.join(directory, 'state'),
    PCLOUD_RUNTIME_DIR: path.join(directory, 'run'),
    PCLOUD_LIBVIRT_URI: `qemu:///system?socket=${path.join(directory, 'no-libvirt')}`,
    PCLOUD_ALERTS_DIR: path.join(directory, 'etc/alerts.d'),
    PCLOUD_ALERTS_FILE: path.join(directory, 'etc/alerts.yaml'),
    PCLOUD_SETTINGS_FILE: path.join(directory, 'etc/cped.env'),
    LIBVIRT_AUTOSTART: '0',
  };
  const here = (text: string): string =>
    text
      .replaceAll('/etc/pacemaker-cloud', path.join(directory, 'etc'))
      .replaceAll('/run/pacemaker-cloud', path.join(directory, 'run'))
      .replaceAll('0.0.0.0:8443', `127.0.0.1:${port}`)
      .replaceAll(':8443', `:${port}`)
      .replaceAll('packaging/', `${checkout}/packaging/`);
  return {
    directory,
    env,
    here,
    /** Types a block; what it printed. */
    type: async (script: string) => {
      const result = await execa('sh', ['-e'], {
        input: here(script),
        cwd: directory,
        env,
        extendEnv: false,
        reject: false,
        timeout: limitMs,
        all: true,
      });
      return { code: result.exitCode, out: result.stdout, all: result.all };
    },
    /** Starts the service; the returned function stops it. @param network whether it listens there: that comes after its socket */
    serve: async (network: boolean): Promise<() => Promise<void>> => {
      const child = spawn(process.execPath, [path.join(checkout, 'runtime/main.ts')], {
        env,
        stdio: 'ignore',
      });
      t.after(() => child.kill('SIGKILL'));
      const client = cpedClient(path.join(directory, 'run/cped.sock'));
      for (const deadlineMs = Date.now() + limitMs; ;) {
        const answers = await client.status().then(
          () => true,
          () => false,
        );
        if (answers && (!network || (await accepts(port)))) break;
        assert.ok(Date.now() < deadlineMs && child.exitCode === null, 'pcloud-cped does not serve');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return async () => {
        const ended = once(child, 'close', { signal: AbortSignal.timeout(limitMs) });
        child.kill('SIGTERM');
        await ended;
      };
    },
  };
}

test('what docs/api.md has typed does what it says, over the socket and over TLS with a token', async (t) => {
  const { directory, here, type, serve } = await place(t);
  const all = blocks('docs/api.md', 'sh');
  const [
    ask = '',
    openapi = '',
    refusal = '',
    events = '',
    selfSigned = '',
    tokens = '',
    overTls = '',
    revoke = '',
  ] = all;
  assert.equal(all.length, 8);
  const stop = await serve(false);
  const [status = '', deployables = ''] = (await type(ask)).out.replace('}{', '}\n{').split('\n');
  assert.equal(JSON.parse(status).service, 'pcloud-cped');
  assert.deepEqual(JSON.parse(deployables), { deployables: [] });
  assert.equal(JSON.parse((await type(openapi)).out).openapi, '3.1.0');
  const [sample = ''] = blocks('docs/api.md', 'json');
  assert.deepEqual(JSON.parse((await type(refusal)).out), JSON.parse(sample));
  // curl ends the stream by its own limit, which it calls an error.
  const stream = await type(events);
  assert.equal(stream.code, 28);
  assert.match(stream.out, /^id: 1\ndata: \{"atMs":\d+,"kind":"service-started"/);
  await stop();

  assert.equal((await type(selfSigned)).code, 0);
  await writeFile(path.join(directory, 'etc/cped.env'), here(blocks('docs/api.md', 'ini')[0] ?? ''), {
    mode: 0o640,
  });
  const made = await type(tokens);
  assert.equal(made.code, 0, made.all);
  assert.match(made.all, /^grafana +read /m);
  assert.match(made.all, /the configuration is good\./);
  const stopAgain = await serve(true);
  assert.equal(JSON.parse((await type(overTls)).out).service, 'pcloud-cped');
  const measures = await type(overTls.replace('/v1/status', '/metrics'));
  assert.match(measures.out, /^pcloud_hypervisor_up 0$/m);
  assert.match(
    measures.out,
    /^pcloud_certificate_expiry_timestamp_seconds 1\.\d+e\+9$|^pcloud_certificate_expiry_timestamp_seconds 1\d{9}$/m,
  );
  assert.equal((await type(revoke)).code, 0);
  // The service looks at the file at most once a second.
  for (const deadlineMs = Date.now() + limitMs; ;) {
    const { error } = JSON.parse((await type(overTls)).out);
    if (error?.code === 'bad-token') break;
    assert.ok(Date.now() < deadlineMs, 'a revoked token is still good');
  }
  await stopAgain();
});

test('what docs/monitoring.md has typed does what it says', async (t) => {
  const { type, serve } = await place(t);
  const [scrape = '', rules = ''] = blocks('docs/monitoring.md', 'sh');
  const stop = await serve(false);
  assert.match(
    (await type(scrape)).out,
    /^pcloud_service_info\{service="pcloud-cped",version="[\d.]+"\} 1$/m,
  );
  await stop();
  const [config = ''] = blocks('docs/monitoring.md', 'yaml');
  assert.deepEqual(
    parse(config).scrape_configs.map(({ job_name: job }: { job_name: string }) => job),
    ['pcloud-cped', 'pcloud-builder'],
  );
  const checked = await type(rules);
  if (/promtool: not found/.test(checked.all)) return t.skip('promtool is not installed');
  assert.equal(checked.code, 0, checked.all);
  return undefined;
});

test('every setting of the network side stands in the table of docs/api.md', () => {
  const page = readWritten('docs/api.md');
  for (const name of Object.keys(listenShape)) assert.ok(page.includes(`| \`${name}\` |`), name);
});
