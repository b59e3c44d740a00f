/**
 * A bridge of the host in a service file, with a real guest, on a private stack in a network namespace of the test's own: the guest
 * gets an address there and keeps it over its machine's death, leads to the world by it, and is not started without it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { signal } from '../../tools/stack/processes.ts';
import { clientEnvironment, downStack, upStack } from '../../tools/stack/stack.ts';
import { networkNamespace } from './network-namespace.ts';
import type { NetworkNamespace } from './network-namespace.ts';
import {
  checkout,
  cped,
  layout,
  limitMs,
  machineOf,
  removeService,
  shell,
  untilOnline,
} from './tests-stack.ts';

const isRoot = process.getuid?.() === 0;
const bridge = 'pcl0';
const mac = '52:54:00:0a:0b:0c';
const [hostAddress, guestAddress] = ['192.0.2.1', '192.0.2.23'];
const file = `version: 1
name: bridged
assemblies:
  web:
    release: debian12
    memoryMiB: 192
    networks: [{ bridge: ${bridge}, mac: ${mac} }]
`;

type Ran = { readonly exitCode: number | undefined; readonly all: string };

describe('an assembly on a bridge', { skip: isRoot ? false : 'a network namespace needs root' }, () => {
  let namespace: NetworkNamespace;
  let dhcp: ChildProcess;

  /** One command of pcloudsh, where ports of the guest are forwarded to. */
  async function inside(words: readonly string[], input?: string): Promise<Ran> {
    const [program, ...rest] = namespace.within(path.join(checkout, 'bin/pcloudsh'), ...words);
    const { exitCode, all } = await execa(program, rest, {
      env: clientEnvironment(layout),
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
      all: true,
      timeout: limitMs,
      reject: false,
    });
    return { exitCode, all };
  }
  async function succeeds(words: readonly string[], input?: string): Promise<string> {
    const { exitCode, all } = await inside(words, input);
    assert.equal(exitCode, 0, `${words.join(' ')}\n${all}`);
    return all;
  }
  const inGuest = async (...command: readonly string[]): Promise<string> =>
    (await succeeds(['assembly_ssh', 'web', ...command])).trim();

  /** The guest says hello over the guest link before its cards have their addresses. */
  async function cardWithAddress(): Promise<string> {
    const endMs = performance.now() + 60_000;
    for (;;) {
      const [, card] = (await inGuest('ip', '-o', '-4', 'address', 'show', 'to', guestAddress)).split(/\s+/);
      if (card !== undefined) return card;
      assert.ok(performance.now() < endMs, `no card of the guest has ${guestAddress}`);
      await delay(200);
    }
  }

  async function makeBridge(): Promise<void> {
    await namespace.run('ip', 'link', 'add', bridge, 'type', 'bridge');
    await namespace.run('ip', 'address', 'add', `${hostAddress}/24`, 'dev', bridge);
    await namespace.run('ip', 'link', 'set', bridge, 'up');
    const range = `${guestAddress},${guestAddress}`;
    const only = [`--interface=${bridge}`, '--bind-interfaces', `--dhcp-range=${range},1h`, '--no-ping'];
    const nothing = ['--conf-file=/dev/null', '--port=0', '--leasefile-ro', '--pid-file', '--user=root'];
    const [program, ...words] = namespace.within('dnsmasq', '--keep-in-foreground', ...only, ...nothing);
    dhcp = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  async function removeBridge(): Promise<void> {
    const ended = once(dhcp, 'exit');
    dhcp.kill();
    await ended;
    await namespace.run('ip', 'link', 'delete', bridge);
  }

  const remove = async (): Promise<void> => await removeService('bridged', ['web']);

  before(
    async () => {
      // The image is built where package archives can be reached.
      await upStack(layout, () => undefined);
      await remove();
      await shell('jeos_create', 'debian12', 'x86_64');
      await downStack(layout, () => undefined);
      namespace = await networkNamespace();
      await makeBridge();
      const [program, ...words] = namespace.within(
        process.execPath,
        path.join(import.meta.dirname, 'up-stack.ts'),
        layout.stateDir,
      );
      await execa(program, words, { stdin: 'ignore', timeout: limitMs });
    },
    { timeout: limitMs },
  );
  after(
    async () => {
      try {
        await remove();
      } finally {
        await downStack(layout, () => undefined);
        await removeBridge();
        await namespace.close();
      }
    },
    { timeout: limitMs },
  );

  test(
    'its guest has an address there, by which it leads to the world, and has it again after its machine was killed',
    { timeout: limitMs },
    async () => {
      const told = await succeeds(['deployable_apply', '-f', '-', '--start', '--timeout', '5m'], file);
      assert.match(told, /\+ assembly web: bridge pcl0, 52:54:00:0a:0b:0c\n/);
      const addressed = async (): Promise<void> => {
        const card = await cardWithAddress();
        assert.equal(await inGuest('cat', `/sys/class/net/${card}/address`), mac);
        const [first, ...others] = (await inGuest('ip', '-4', 'route', 'show', 'default')).split('\n');
        assert.match(first ?? '', new RegExp(`via ${hostAddress} dev ${card} `));
        assert.match(others.join('\n'), /via 10\.0\.2\.2 dev \S+ .*metric 2048/);
      };
      await addressed();
      assert.match(await namespace.run('ssh-keyscan', '-T', '10', guestAddress), /ssh-ed25519/);

      const first = machineOf('web')?.identity ?? assert.fail('the machine has no QEMU');
      signal(first, 'SIGKILL');
      await untilOnline('web', first.pid);
      await addressed();
    },
  );

  test(
    'without the bridge it is not started: what is missing is said once, and it goes on when that is there',
    { timeout: limitMs },
    async () => {
      await succeeds(['deployable_stop', 'bridged']);
      await removeBridge();
      const missing = await inside(['assembly_network_add', 'web', `bridge:${bridge}`, '--mac', mac]);
      assert.match(missing.all, /At the moment this host has no bridge pcl0, .*ip link show type bridge/);
      const { exitCode, all } = await inside(['deployable_start', 'bridged', '--timeout', '2m']);
      assert.equal(exitCode, 1, all);
      assert.match(all, /cannot be started: .*this host has no bridge pcl0/);
      assert.match(all, /Make the bridge pcl0 .*deployable_recover/s);
      const { assemblies, state } = (await cped.deployables()).find(({ name }) => name === 'bridged') ?? {};
      assert.deepEqual([state, assemblies?.[0]?.failuresInWindow], ['blocked', 0]);

      await makeBridge();
      await succeeds(['deployable_recover', 'bridged']);
      await untilOnline('web');
      await cardWithAddress();
    },
  );
});
