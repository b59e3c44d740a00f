/**
 * A real cell, without a machine in it: its own libvirtd, its own network, a served tree, signals, and nothing
 * left behind; as root, and as an unprivileged user with subordinate ids.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cellCommand, cellServerUrl, cellSpecFile, hostLoopbackName } from '../../builder/cell/cell-plan.ts';
import type { CellSpec } from '../../builder/cell/cell-plan.ts';
import { signalGroup } from '../../builder/process-group.ts';
import { commandOf, testUser, unprivilegedTrouble } from './unprivileged-user.ts';
import type { User } from './unprivileged-user.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const programs = {
  outer: path.join(checkout, 'builder/cell/outer.ts'),
  inner: path.join(checkout, 'builder/cell/inner.ts'),
  nodePath: process.execPath,
};
const isRoot = process.getuid?.() === 0;
const limit = { timeout: 120_000 };

type Cell = {
  readonly child: ChildProcess;
  readonly directory: string;
  readonly output: () => string;
  readonly ended: Promise<number | NodeJS.Signals | null>;
};

/** A cell with this command in it; its directory and all its processes go with the test. */
async function startCell(
  context: TestContext,
  command: readonly string[],
  own: Partial<CellSpec> = {},
  user?: User,
): Promise<Cell> {
  const directory = await mkdtemp('/tmp/pcc-');
  const spec: CellSpec = {
    directory,
    command: [...command],
    workDirectory: directory,
    hostLoopback: false,
    served: null,
    nodePath: process.execPath,
    ...own,
  };
  await writeFile(cellSpecFile(directory), JSON.stringify(spec));
  if (user !== undefined)
    for (const file of [directory, cellSpecFile(directory)]) await chown(file, user.uid, user.gid);
  const cell = cellCommand(directory, programs, isRoot && user === undefined);
  // As a login would: with the user's own groups and the PATH of a user.
  const lower = user === undefined ? [] : await commandOf(user, context);
  const [program = '', ...args] = [...lower, ...cell];
  const child = spawn(program, args, {
    detached: true,
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...(user === undefined ? {} : { HOME: directory, PATH: '/usr/local/bin:/usr/bin:/bin' }),
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output = (output + data.toString()).slice(-20_000)));
  const ended = once(child, 'close').then(
    ([code, signal]) => (code as number | null) ?? (signal as NodeJS.Signals | null),
  );
  context.after(async () => {
    signalGroup(child.pid, 'SIGKILL');
    await ended;
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return { child, directory, output: () => output, ended };
}

/** Runs a command in a cell to its end. */
async function runInCell(
  context: TestContext,
  command: readonly string[],
  own: Partial<CellSpec> = {},
  user?: User,
): Promise<{ readonly code: number | NodeJS.Signals | null; readonly output: string }> {
  const cell = await startCell(context, command, own, user);
  const code = await cell.ended;
  return { code, output: cell.output() };
}

async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadlineMs, what);
    await delay(20);
  }
}

/** Everything that runs in the mount namespaces of a cell, or that names its directory. */
async function processesOf(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    const [mounts, command] = await Promise.all(
      ['mountinfo', 'cmdline'].map(
        async (name) => await readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => ''),
      ),
    );
    if (mounts?.includes(directory) === true || command?.includes(directory) === true)
      found.push(`${pid} ${command?.replaceAll('\0', ' ').trim() ?? ''}`);
  }
  return found;
}

const devicesOfHost = (): string[] =>
  readFileSync('/proc/self/net/dev', 'utf8')
    .split('\n')
    .flatMap((line) => /^\s*([^:\s]+):/.exec(line)?.[1] ?? [])
    .sort();

/** node as a client: whatever else there is on the host, that is. */
const fetchText = (url: string): string[] => [
  process.execPath,
  '-e',
  `fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(8000) })
     .then(async (answer) => console.log('answer:', answer.status, (await answer.text()).trim()))
     .catch((error) => { console.log('no answer:', error.cause?.code ?? error.name); process.exitCode = 9; })`,
];

async function hostServer(context: TestContext): Promise<number> {
  const server = createServer((_, response) => response.end('from the host'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** What holds for a cell of any user. */
async function tellsOfItself(context: TestContext, user?: User): Promise<void> {
  const script = `virsh --connect qemu:///system uri && virsh --connect qemu:///system capabilities | grep -c "<domain type='qemu'"
    echo "id $(id -u)"; sed 's/^ */map /; s/  */ /g' /proc/self/uid_map; cat /etc/resolv.conf; ip -o link show master pcloud0; exit 37`;
  const { code, output } = await runInCell(context, ['sh', '-c', script], {}, user);
  assert.equal(code, 37, output);
  assert.match(output, /^qemu:\/\/\/system$/m);
  assert.match(output, /^[1-9]\d*$/m, 'libvirtd offers no machine');
  assert.match(output, /^id 0$/m);
  assert.match(output, user === undefined ? /^map 0 0 /m : new RegExp(`^map 0 ${user.uid} 1$`, 'm'));
  assert.match(output, /^nameserver 10\.0\.2\.3$/m);
  assert.match(output, /: tap0:/);
}

async function servesTree(context: TestContext, user?: User): Promise<void> {
  const tree = await mkdtemp('/tmp/pct-');
  context.after(async () => await rm(tree, { recursive: true, force: true }));
  await mkdir(path.join(tree, 'os'));
  await writeFile(path.join(tree, 'os/.treeinfo'), 'a tree');
  if (user !== undefined) await chown(tree, user.uid, user.gid);
  const asked = fetchText(new URL('os/.treeinfo', cellServerUrl).href);
  const { code, output } = await runInCell(context, asked, { served: tree }, user);
  assert.equal(code, 0, output);
  assert.match(output, /^answer: 200 a tree$/m);
}

/** Two cells at once, each with devices and a libvirtd of the same names; then their first processes are killed. */
async function leavesNothing(context: TestContext, user?: User): Promise<void> {
  const before = devicesOfHost();
  const command = [
    'sh',
    '-c',
    'virsh --connect qemu:///system list >/dev/null && echo ready; exec sleep 300',
  ];
  const cells = await Promise.all([1, 2].map(async () => await startCell(context, command, {}, user)));
  for (const cell of cells) {
    await eventually(`the cell is not ready: ${cell.output()}`, () => cell.output().includes('ready'));
    const running = (await processesOf(cell.directory)).join('\n');
    for (const name of ['libvirtd', 'slirp4netns', 'sleep 300', 'inner.ts'])
      assert.ok(running.includes(name), `${name} does not run:\n${running}`);
  }
  assert.deepEqual(devicesOfHost(), before, 'a cell has made a device on the host');
  for (const { child } of cells) child.kill('SIGKILL');
  for (const { directory, ended } of cells) {
    await ended;
    await eventually(
      'processes of the cell are left',
      async () => (await processesOf(directory)).length === 0,
    );
  }
  assert.deepEqual(devicesOfHost(), before);
}

test(
  "a command in a cell finds the cell's own libvirtd, and its exit code is passed on",
  limit,
  async (context) => {
    await tellsOfItself(context);
  },
);

test(
  "the host's loopback address is reached from a cell only where that was asked for",
  limit,
  async (context) => {
    const url = `http://${hostLoopbackName}:${await hostServer(context)}/`;
    const open = await runInCell(context, fetchText(url), { hostLoopback: true });
    assert.deepEqual([open.code, /^answer: 200 from the host$/m.test(open.output)], [0, true], open.output);
    const closed = await runInCell(context, fetchText(url));
    assert.deepEqual([closed.code, /^no answer: /m.test(closed.output)], [9, true], closed.output);
  },
);

test("a tree of the host's disk is served in the cell", limit, async (context) => {
  await servesTree(context);
});

test('the cell asks the name servers of the host, and not itself', limit, async (context) => {
  const cell = await startCell(context, ['sh', '-c', 'echo ready; exec sleep 300']);
  await eventually('the cell is not ready', () => cell.output().includes('ready'));
  const line = (await processesOf(cell.directory)).find((one) => one.includes(' slirp4netns '));
  const pid = line?.split(' ')[0];
  assert.equal(
    await readFile(`/proc/${pid}/root/etc/resolv.conf`, 'utf8'),
    await readFile('/etc/resolv.conf', 'utf8'),
  );
});

test(
  'an interrupt of its group reaches the tool in it, which ends in its own way',
  limit,
  async (context) => {
    const script = `trap 'virsh --connect qemu:///system uri && echo tidied; exit 3' INT
    echo ready; while :; do sleep 0.05; done`;
    const cell = await startCell(context, ['sh', '-c', script]);
    await eventually('the tool does not run', () => cell.output().includes('ready'));
    signalGroup(cell.child.pid, 'SIGINT');
    assert.equal(await cell.ended, 3, cell.output());
    assert.match(cell.output(), /tidied/, 'libvirtd was gone before the tool could tidy up');
  },
);

test('what a cell cannot do is said in one line that is its own, and no stack', limit, async (context) => {
  const noTool = await runInCell(context, ['/nonexistent/oz-install']);
  assert.equal(noTool.code, 127);
  assert.match(noTool.output, /^cell: \/nonexistent\/oz-install cannot be run: .*ENOENT$/m);
  const noSpec = await startCell(context, ['true'], { directory: 'relative' });
  assert.equal(await noSpec.ended, 1);
  assert.match(noSpec.output(), /^cell: .*absolute path/m);
  assert.doesNotMatch(`${noTool.output}${noSpec.output()}`, /^\s+at /m);
});

test(
  'two cells do not see each other, and killing their first processes leaves nothing',
  limit,
  async (context) => {
    await leavesNothing(context);
  },
);

const unprivileged = { ...limit, skip: unprivilegedTrouble() };
const asUser = (work: (context: TestContext, user?: User) => Promise<void>) => async (context: TestContext) =>
  await work(context, testUser);

test('an unprivileged user gets the same libvirtd and exit code', unprivileged, asUser(tellsOfItself));
test('an unprivileged user gets the same served tree', unprivileged, asUser(servesTree));
test('killing the cells of an unprivileged user leaves nothing', unprivileged, asUser(leavesNothing));
