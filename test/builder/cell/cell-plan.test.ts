/** What a cell is made of, as argument lists and paths; that one really runs is test/integration/cell.test.ts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  cellBinds,
  cellBridge,
  cellCommand,
  cellLibvirtUriFromOutside,
  cellNetwork,
  cellPath,
  cellServerUrl,
  cellSpecSchema,
  hostLoopbackName,
  innerBind,
  innerCommand,
  networkCommand,
  networkSetup,
} from '../../../builder/cell/cell-plan.ts';
import type { CellSpec } from '../../../builder/cell/cell-plan.ts';

const spec: CellSpec = {
  directory: '/run/pacemaker-cloud/c-0123',
  command: ['/usr/bin/true'],
  workDirectory: '/work-of-a-build',
  hostLoopback: false,
  served: null,
  nodePath: '/bin/node',
};
/** An argument list, written as one would type it. */
const words = (...parts: readonly string[]): string[] => parts.flatMap((part) => part.split(' '));
const programs = { outer: '/cell/outer.ts', inner: '/cell/inner.ts', nodePath: '/bin/node' };

test('a cell is namespaces for mounts and processes, whose first process reaps and passes signals on', () => {
  assert.deepEqual(
    cellCommand('/run/c', programs, true),
    words(
      'setpriv --pdeathsig KILL --',
      'unshare --mount --propagation private --pid --fork --kill-child --',
      'tini -s -g --',
      '/bin/node /cell/outer.ts /run/c/cell.json',
    ),
  );
});

test('without root a cell has a user namespace too, and is otherwise the same', () => {
  const asRoot = cellCommand('/run/c', programs, true);
  const asUser = cellCommand('/run/c', programs, false);
  const user = ['--user', '--map-root-user', '--map-auto'];
  assert.deepEqual(asUser.slice(5, 8), user);
  assert.deepEqual(
    asUser.filter((word) => !user.includes(word)),
    [...asRoot],
  );
});

test('the inner program alone gets the network and the name server of the cell', () => {
  assert.deepEqual(
    innerCommand('/bin/node', '/cell/inner.ts', '/run/c/cell.json'),
    words('unshare --net --mount --propagation private --', '/bin/node /cell/inner.ts /run/c/cell.json'),
  );
  assert.deepEqual(innerBind('/run/c'), ['/run/c/resolv.conf', '/etc/resolv.conf']);
  assert.ok(!cellBinds('/run/c').some(([, target]) => target === '/etc/resolv.conf'));
});

test('everything that covers something of the host lies below the directory of the cell', () => {
  const binds = [...cellBinds(spec.directory), innerBind(spec.directory)];
  assert.ok(binds.every(([source]) => source.startsWith(`${spec.directory}/`)));
  assert.deepEqual(
    binds.map(([, target]) => target),
    [...new Set(binds.map(([, target]) => target))],
  );
  assert.equal(
    cellLibvirtUriFromOutside(spec.directory),
    'qemu:///system?socket=/run/pacemaker-cloud/c-0123/run/libvirt-sock',
  );
});

test("the host's loopback address is out of reach unless it was asked for", () => {
  assert.deepEqual(networkCommand(spec, 17), [
    'slirp4netns',
    '--mtu=65520',
    '--disable-host-loopback',
    '17',
    'tap0',
  ]);
  assert.ok(!networkCommand({ ...spec, hostLoopback: true }, 17).includes('--disable-host-loopback'));
});

test('one network: the way out, the served tree and the bridge of the machines have addresses in it', () => {
  assert.equal(new URL(cellServerUrl).hostname, cellNetwork.address.split('/')[0]);
  assert.equal(hostLoopbackName, cellNetwork.gateway);
  const commands = networkSetup.map((argv) => argv.join(' '));
  assert.ok(commands.includes(`ip address add ${cellNetwork.address} dev ${cellBridge}`));
  assert.ok(commands.includes(`ip link set tap0 master ${cellBridge}`));
  assert.ok(commands.includes(`ip route add default via ${cellNetwork.gateway}`));
});

test('programs of sbin are found on the PATH of an unprivileged user, after what is on it already', () => {
  assert.equal(
    cellPath('/opt/node/bin:/usr/bin'),
    '/opt/node/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/sbin:/bin',
  );
  assert.equal(cellPath('/usr/sbin:/usr/bin'), '/usr/sbin:/usr/bin:/usr/local/sbin:/sbin:/bin');
  // An empty entry would be the current directory.
  assert.ok(!cellPath(undefined).split(':').includes(''));
  assert.ok(!cellPath('/usr/bin::').split(':').includes(''));
});

test('what the programs of a cell are told is checked', () => {
  assert.deepEqual(cellSpecSchema.parse(JSON.parse(JSON.stringify(spec))), spec);
  const wrong: Readonly<Record<string, object>> = {
    'a relative directory': { directory: 'c' },
    'a relative tree': { served: 'tree' },
    'a relative work directory': { workDirectory: './work' },
    'a relative node': { nodePath: 'node' },
    'no command': { command: [] },
    'a command that is a string': { command: 'rm -rf /' },
    'too many words': { command: Array.from({ length: 201 }, () => 'x') },
    'a word without end': { command: ['x'.repeat(65_537)] },
    'a wrong truth': { hostLoopback: 'false' },
    'something unknown': { shell: true },
    'no tree at all': { served: undefined },
  };
  for (const [what, change] of Object.entries(wrong))
    assert.ok(!cellSpecSchema.safeParse({ ...spec, ...change }).success, what);
});
