/**
 * Both example files applied on a private stack, with real guests: haproxy spreads over three web servers and goes
 * on when one is killed; WordPress asks its database through a reference, and answers again after the database's
 * machine was killed and has been fenced and started again. A web server dies in a window of maintenance and stays down
 * until it is cleared, of which the file's webhook is told. Then what a file is for: applied twice it changes
 * nothing, and what is exported changes nothing either.
 */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import type { JournalEvent } from '../../model/event.ts';
import type { Alert } from '../../runtime/telling/alert.ts';
import { signal } from '../../tools/stack/processes.ts';
import { downStack, upStack } from '../../tools/stack/stack.ts';
import { checkout, cped, layout, limitMs, machineOf, removeService, run, shell } from './tests-stack.ts';

const pageLimitMs = 120_000;

/** What refers to others first: they are needed until it is gone. */
const made = { web: ['balancer', 'web1', 'web2', 'web3'], wordpress: ['blog-web', 'blog-db'] } as const;

/** Also what a run that was broken off has left. */
const remove = async (deployable: keyof typeof made): Promise<void> =>
  await removeService(deployable, made[deployable]);

async function urlOf(deployable: string, assembly: string): Promise<string> {
  const status = await cped.deployable(deployable);
  const [url] = status.assemblies
    .filter(({ name }) => name === assembly)
    .flatMap(({ resources }) => resources.flatMap(({ urls }) => urls));
  assert.ok(url !== undefined, `${assembly} has no address`);
  return url;
}

type Page = { readonly status: number; readonly body: string; readonly servedBy: string | null };

async function get(url: string): Promise<Page | undefined> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(20_000) });
    return {
      status: response.status,
      body: await response.text(),
      servedBy: response.headers.get('x-served-by'),
    };
  } catch {
    // Nobody answers there now: the caller says for how long that may be.
    return undefined;
  }
}

/** Nothing announces from outside that a page is there: it is asked for until it is. */
async function untilPage(url: string, isRight: (page: Page) => boolean): Promise<Page> {
  const endMs = performance.now() + pageLimitMs;
  for (;;) {
    const page = await get(url);
    if (page !== undefined && isRight(page)) return page;
    assert.ok(
      performance.now() < endMs,
      `${url}: ${page?.status ?? 'no answer'} ${page?.body.slice(0, 300) ?? ''}`,
    );
    await delay(200);
  }
}

function runningMachine(assembly: string): NonNullable<ReturnType<typeof machineOf>> {
  const machine = machineOf(assembly);
  assert.ok(machine !== undefined, `${assembly} has no QEMU`);
  return machine;
}

function killMachine(assembly: string): void {
  signal(runningMachine(assembly).identity, 'SIGKILL');
}

/** In MiB; QEMU is given it as a number of those, or of KiB with a `k`. */
function memoryOf(assembly: string): number {
  const { argv } = runningMachine(assembly);
  const [, size = '', unit = ''] = /^(?:size=)?(\d+)(k?)/.exec(argv[argv.indexOf('-m') + 1] ?? '') ?? [];
  return unit === 'k' ? Number(size) / 1024 : Number(size);
}

before(
  async () => {
    await upStack(layout, () => undefined);
    for (const name of ['web', 'wordpress'] as const) await remove(name);
  },
  { timeout: limitMs },
);
after(
  async () => {
    try {
      for (const name of ['web', 'wordpress'] as const) await remove(name);
    } finally {
      await downStack(layout, () => undefined);
    }
  },
  { timeout: limitMs },
);

test('three web servers behind haproxy, from one file', { timeout: limitMs }, async (t) => {
  const file = 'docs/examples/haproxy.yaml';
  const plan = await shell('deployable_apply', '-f', file, '--dry-run');
  assert.match(plan, /^\+ assembly web1: debian12 x86_64$/m);
  assert.match(plan, /dry run: nothing was changed/);
  assert.ok(!(await cped.deployables()).some(({ name }) => name === 'web'));

  const startedMs = performance.now();
  await shell('deployable_apply', '-f', file, '--start', '--timeout', '5m');
  t.diagnostic(`applied and active after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  const url = await urlOf('web', 'balancer');
  const seen = new Set<string | null>();
  await untilPage(url, (page) => page.status === 200 && seen.add(page.servedBy).size === 3);
  assert.deepEqual(seen, new Set(['server1', 'server2', 'server3']));

  killMachine('web2');
  // Whoever asks while one of three is dead gets a page from another, every time.
  for (let count = 0; count < 30; count += 1) assert.equal((await get(url))?.status, 200);
  const again = new Set<string | null>();
  await untilPage(url, (page) => page.status === 200 && again.add(page.servedBy).size === 3);

  assert.equal(await shell('deployable_apply', '-f', file), 'nothing to change');
  const exported = await shell('deployable_export', 'web');
  const second = await run(['deployable_apply', '-f', '-'], exported);
  assert.deepEqual([second.exitCode, second.stdout], [0, 'nothing to change'], second.stderr);

  // A running deployable follows the file: two backends now, and haproxy is started anew with them.
  const two = (await readFile(path.join(checkout, file), 'utf8')).replace(/ *BACKEND_3:.*\n/, '');
  const changed = await run(['deployable_apply', '-f', '-', '--diff'], two);
  assert.deepEqual(
    [changed.exitCode, changed.stdout],
    [
      0,
      '- resource balancer/haproxy: parameter BACKEND_3 = @web3:endpoint/80\ndeployable web is defined as the file says (1 changed)',
    ],
    changed.stderr,
  );
  const last: (string | null)[] = [];
  await untilPage(url, (page) => {
    if (page.status === 200) last.push(page.servedBy);
    return last.length >= 6 && !last.slice(-6).includes('server3');
  });

  await inItsWindow(t, two);
  await remove('web');
});

/** A window that is under way is in force at once, whom the file names is told, and at its end it is mended. */
async function inItsWindow(t: TestContext, text: string): Promise<void> {
  const { url, alerts } = await hook(t);
  // A minute ago, by a clock that shows UTC.
  const at = new Date(Date.now() - 60_000).toISOString().slice(11, 16);
  const file = [
    text.replace(/^ {2}web3:\n/m, `$&    maintenance: [{ every: day, at: "${at}", for: 2h }]\n`),
    `alerts: [{ webhook: "${url}", match: { assembly: "web3" } }]\n`,
  ].join('');
  const before = (await cped.journal({ limit: 1 })).lastSeq;
  const applied = await run(['deployable_apply', '-f', '-'], file);
  assert.equal(applied.exitCode, 0, applied.stderr);
  const begun = await untilEvent(before, 'maintenance-begun');
  assert.match(begun.text, /as a window of it has begun \(every day at \d\d:\d\d UTC for 2h\)/);
  assert.match(await shell('maintenance_list'), /^assembly:web3 .*its window$/m);

  killMachine('web3');
  const failed = await untilEvent(before, 'assembly-failed');
  assert.match(failed.text, /\[web3\].*Nothing is done about it: it is in maintenance until/);
  const told = await alerts.next();
  assert.deepEqual([told.assembly, told.outcome], ['web3', 'maintenance']);
  assert.equal(machineOf('web3'), undefined);

  const exported = await shell('deployable_export', 'web');
  const again = await run(['deployable_apply', '-f', '-'], exported);
  assert.deepEqual([again.exitCode, again.stdout], [0, 'nothing to change'], again.stderr);
  await shell('maintenance_clear', 'assembly:web3');
  await untilEvent(failed.seq, 'assembly-active');
  assert.ok(machineOf('web3') !== undefined);
}

async function untilEvent(after: number, kind: JournalEvent['kind']): Promise<JournalEvent> {
  for await (const { data } of cped.events(after, AbortSignal.timeout(pageLimitMs)))
    if (data.kind === kind) return data;
  assert.fail(`no ${kind} came`);
}

/** An address that alerts are posted to, and what came there. */
async function hook(t: TestContext) {
  const posts = new EventEmitter();
  const came: Alert[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      came.push(JSON.parse(body) as Alert);
      response.writeHead(204).end();
      posts.emit('post');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  const next = async (): Promise<Alert> => {
    if (came.length === 0) await once(posts, 'post', { signal: AbortSignal.timeout(pageLimitMs) });
    return came.shift() ?? assert.fail('nothing came');
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, alerts: { next } };
}

test('WordPress and its database in two machines, from one file', { timeout: limitMs }, async (t) => {
  const file = 'docs/examples/wordpress.yaml';
  const startedMs = performance.now();
  await shell('deployable_apply', '-f', file, '--start', '--timeout', '5m');
  t.diagnostic(`applied and active after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  const url = await urlOf('wordpress', 'blog-web');
  const install = `${url}wp-admin/install.php`;
  const reachesDatabase = ({ status, body }: Page): boolean =>
    status === 200 && /WordPress/.test(body) && /Site Title|language/i.test(body);
  await untilPage(install, reachesDatabase);

  const { events: earlier, lastSeq } = await cped.journal({ limit: 1000 });
  const text = earlier.map((event) => event.text).join('\n');
  assert.ok(text.indexOf('[blog-db] in deployable [wordpress] is ACTIVE') >= 0, text);
  const killedMs = performance.now();
  killMachine('blog-db');
  await untilPage(install, (page) => !reachesDatabase(page));
  await untilPage(install, reachesDatabase);
  t.diagnostic(
    `WordPress answers ${((performance.now() - killedMs) / 1000).toFixed(1)} s after its database was killed`,
  );
  const { events } = await cped.journal({ after: lastSeq, limit: 1000 });
  assert.deepEqual(
    events.flatMap(({ kind, assembly }) => (kind === 'assembly-failed' ? [assembly] : [])),
    ['blog-db'],
    'its death is nobody else’s failure',
  );

  assert.equal(await shell('deployable_apply', '-f', file), 'nothing to change');
  const exported = await shell('deployable_export', 'wordpress');
  assert.match(exported, /DB_PASSWORD: "@secret:database-password"/);
  const everything = [
    exported,
    await shell('deployable_status', 'wordpress', '--json'),
    await shell('events'),
    await shell('deployable_apply', '-f', file, '--json'),
  ].join('\n');
  const password = await passwordInGuest();
  assert.ok(password.length >= 32);
  assert.ok(!everything.includes(password), 'the password is in what the shell shows');

  // More memory for the database: told, left until somebody says so, and then there, with the data as it was.
  const text384 = await readFile(path.join(checkout, file), 'utf8');
  const later = await run(
    ['deployable_apply', '-f', '-'],
    text384.replace('memoryMiB: 384', 'memoryMiB: 448'),
  );
  assert.match(later.stdout, /memory 384 → 448 MiB \(at the next start of its machine\)/);
  assert.equal(memoryOf('blog-db'), 384);
  const now = await run(
    ['deployable_apply', '-f', '-', '--restart', '--timeout', '5m'],
    text384.replace('memoryMiB: 384', 'memoryMiB: 480'),
  );
  assert.equal(now.exitCode, 0, now.stderr);
  assert.equal(memoryOf('blog-db'), 480);
  await untilPage(install, reachesDatabase);
  await remove('wordpress');
});

/** What the guest was really given, so that the search for it elsewhere can find something. */
async function passwordInGuest(): Promise<string> {
  const { user, host, port, identityFile } = await cped.access('blog-db');
  const settings = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'BatchMode=yes',
    'LogLevel=ERROR',
  ];
  const options = settings.flatMap((setting) => ['-o', setting]);
  const way = ['-F', 'none', '-i', identityFile, '-p', String(port), ...options, '-l', user, host];
  const script = `sed -n 's/^DB_PASSWORD="\\(.*\\)"$/\\1/p' /run/pcloud-agent/database.env`;
  const { stdout } = await execa('ssh', [...way, script], { stdin: 'ignore', timeout: 60_000 });
  return stdout.trim();
}
