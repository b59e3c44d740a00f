/**
 * deployable_apply and deployable_export against cped's real routes and store: what a file asks for is there
 * afterwards, a second time there is nothing to change, what was broken off is completed, what is wrong is told with
 * its line, and no secret is ever shown.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { cpedPort } from '../../shell/cped-adapter.ts';
import type { CpedPort } from '../../shell/ports.ts';
import { runWords } from '../../shell/run-line.ts';
import { serveUsualWorld } from '../runtime/fixtures/serve-usual-world.ts';
import { fakeBuilder, recorder } from './ports-fake.ts';

const shop = `version: 1
name: shop
secrets:
  pw: { fromFile: password.txt }
assemblies:
  back:
    release: debian12
    memoryMiB: 256
    vcpus: 2
    ports: [9000]
    resources:
      site: { template: httpd, parameters: { PASSWORD: '@secret:pw' } }
  front:
    release: debian12
    escalation: { failures: 4, periodMs: 60000 }
    dependsOn: [{ assembly: back, restart: true }]
    resources:
      site:
        template: httpd
        parameters: { BACK: '@back:endpoint/9000', MODE: fast }
        dependsOn: [{ assembly: back, resource: site }]
        startTimeoutMs: 90000
        checks: [{ name: up, http: { guestPort: 80, status: 200-299 } }]
`;

async function house(t: TestContext) {
  const { world } = await serveUsualWorld(t);
  const directory = await mkdtemp('/tmp/pcapply-');
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  await writeFile(path.join(directory, 'password.txt'), 'Geheimnis\n');
  const real = cpedPort(path.join(world.stateDir, 'cped.sock'));
  const builder = fakeBuilder({
    releases: () =>
      Promise.resolve([
        { name: 'debian12', aliases: [], summary: '', architectures: [], engine: '', engines: [] },
      ]),
    ensureJeos: () => Promise.resolve({ digest: 'a'.repeat(64), ready: true }),
    ensureRequirement: () => Promise.resolve({ digest: 'b'.repeat(64), ready: true }),
  });
  const run = async (words: readonly string[], options: { cped?: CpedPort; answer?: boolean } = {}) => {
    const session = recorder({ answer: options.answer ?? null });
    const services = {
      cped: () => Promise.resolve(options.cped ?? real),
      builder: () => Promise.resolve(builder),
    };
    const code = await runWords(words, { ...session.context, services });
    return { code, printed: session.printed, complained: session.complained, asked: session.asked };
  };
  const write = async (text: string): Promise<string> => {
    const file = path.join(directory, 'shop.yaml');
    await writeFile(file, text);
    return file;
  };
  return { world, real, run, write };
}

test('a file makes a whole service, and applied again there is nothing to change', async (t) => {
  const { world, run, write } = await house(t);
  const file = await write(shop);
  const before = JSON.stringify([world.store.assemblies(), world.store.deployables()]);
  const dry = await run(['deployable_apply', '-f', file, '--dry-run']);
  assert.deepEqual([dry.code, dry.complained], [0, []]);
  assert.equal(dry.printed.at(-1), 'dry run: nothing was changed (16 to change)');
  assert.equal(JSON.stringify([world.store.assemblies(), world.store.deployables()]), before);

  const done = await run(['deployable_apply', '-f', file]);
  assert.deepEqual([done.code, done.complained], [0, []]);
  // What was to be done is what was done.
  assert.deepEqual(done.printed.slice(0, 16), dry.printed.slice(0, -1));
  assert.equal(
    done.printed[16],
    'deployable shop is defined as the file says (16 changed); it does not run: `deployable_start shop` starts it',
  );
  const [back, front] = [world.store.assembly('back'), world.store.assembly('front')];
  assert.deepEqual([back?.memoryMiB, back?.vcpus, back?.ports], [256, 2, [9000]]);
  assert.deepEqual(back?.resources[0]?.parameters, { PASSWORD: { secret: 'pw' } });
  assert.equal(world.store.secret('shop', 'pw'), 'Geheimnis');
  assert.deepEqual(front?.dependsOn, [{ assembly: 'back', restart: true }]);
  assert.deepEqual(front.resources[0]?.dependsOn, [{ assembly: 'back', resource: 'site', restart: false }]);
  assert.equal(front.resources[0]?.watching.startTimeoutMs, 90_000);
  assert.deepEqual(
    front.resources[0]?.watching.checks?.map(({ name }) => name),
    ['up'],
  );
  assert.deepEqual(world.store.deployable('shop')?.assemblies, ['back', 'front']);

  const again = await run(['deployable_apply', '-f', file, '--diff']);
  assert.deepEqual([again.code, again.printed], [0, ['nothing to change']]);
});

test('a file that is not there is told in words, without the names of system calls', async (t) => {
  const { run, write } = await house(t);
  const file = await write(shop);
  const missing = await run(['deployable_apply', '-f', `${file}.none`]);
  assert.equal(missing.code, 2);
  assert.equal(missing.complained[0], `error: "${file}.none" cannot be read: there is no such file.`);
  const directory = await run(['deployable_apply', '-f', path.dirname(file)]);
  assert.match(directory.complained[0] ?? '', /cannot be read: it is a directory\.$/);
});

test('what is exported changes nothing, and makes the same elsewhere', async (t) => {
  const { world, run, write } = await house(t);
  await run(['deployable_apply', '-f', await write(shop)]);
  const exported = await run(['deployable_export', 'shop']);
  const text = `${exported.printed.join('\n')}\n`;
  assert.match(text, /PASSWORD: "@secret:pw"/);
  const same = await run(['deployable_apply', '-f', await write(text)]);
  assert.deepEqual([same.code, same.printed, same.complained], [0, ['nothing to change'], []]);
  const elsewhere = await house(t);
  assert.equal((await elsewhere.run(['deployable_apply', '-f', await elsewhere.write(text)])).code, 0);
  const shape = ({ store }: typeof world): unknown =>
    ['back', 'front'].map((name) => ({ ...store.assembly(name), uuid: '', macAddress: '' }));
  assert.deepEqual(shape(elsewhere.world), shape(world));
});

test('broken off after any number of changes, applying again completes it', async (t) => {
  const file = shop;
  for (let stopAfter = 0; stopAfter <= 18; stopAfter += 3) {
    const { run, write, real } = await house(t);
    let left = stopAfter;
    // Every call that changes something dies with the shell after so many.
    const breaking = new Proxy(real, {
      get(target, name: keyof CpedPort) {
        const call = target[name];
        if (!/^(?:create|set|add|remove|delete|clear)/.test(name)) return call;
        return (...args: readonly unknown[]) => {
          if (name !== 'setSecret' || args.at(-1) === false) left -= 1;
          if (left < 0) throw new Error('the shell was killed');
          return (call as (...given: readonly unknown[]) => unknown).apply(target, [...args]);
        };
      },
    });
    const path1 = await write(file);
    const first = await run(['deployable_apply', '-f', path1], { cped: breaking });
    assert.equal(first.code, stopAfter >= 16 ? 0 : 1, first.complained.join('\n'));
    assert.equal((await run(['deployable_apply', '-f', path1])).code, 0);
    assert.deepEqual((await run(['deployable_apply', '-f', path1])).printed, ['nothing to change']);
  }
});

test('names that are not there are told with line and column, and nothing is changed', async (t) => {
  const { world, run, write } = await house(t);
  const before = JSON.stringify([world.store.assemblies(), world.store.deployables()]);
  const table: readonly (readonly [string, RegExp])[] = [
    [
      shop.replace('template: httpd, p', 'template: htpd, p'),
      /:12:15: .*there is no resource template "htpd"; did you mean httpd/,
    ],
    [
      shop.replace('release: debian12', 'release: debian21'),
      /:7:5: .*there is no release "debian21"; did you mean debian12\?/,
    ],
    [shop.replace('password.txt', 'none.txt'), /:4:9: secrets\.pw\.fromFile: .*none\.txt.* cannot be read/],
    [
      shop.replace('template: httpd\n', 'template: wordpress\n'),
      /parameters: DB_HOST is missing .*wordpress cannot be run without/,
    ],
    [
      shop.replace('memoryMiB', 'memory'),
      /:8:5: assemblies\.back\.memory: there is no such key here; did you mean memoryMiB\?/,
    ],
  ];
  for (const [text, told] of table) {
    const file = await write(text);
    const refused = await run(['deployable_apply', '-f', file]);
    assert.equal(refused.code, 2, refused.complained.join('\n'));
    assert.ok(
      refused.complained.some((line) => line.startsWith(`${file}:`) && told.test(line)),
      refused.complained.join('\n'),
    );
  }
  assert.equal(JSON.stringify([world.store.assemblies(), world.store.deployables()]), before);
});

test('an assembly that the file lost stays, and is deleted only by --prune and a yes', async (t) => {
  const { world, run, write } = await house(t);
  await run(['deployable_apply', '-f', await write(shop)]);
  const alone = await write(
    'version: 1\nname: shop\nassemblies:\n  back: { release: debian12, ports: [9000], resources: { site: { template: httpd } } }\n',
  );
  const kept = await run(['deployable_apply', '-f', alone]);
  assert.equal(kept.code, 0);
  assert.match(kept.printed.join('\n'), /assembly front is in the deployable and not in the file; it stays/);
  assert.ok(world.store.assembly('front') !== undefined);
  const script = await run(['deployable_apply', '-f', alone, '--prune']);
  assert.equal(script.code, 2);
  assert.match(script.complained.join('\n'), /--prune --yes/);
  const no = await run(['deployable_apply', '-f', alone, '--prune'], { answer: false });
  assert.deepEqual([no.code, no.asked], [1, ['Delete front with its disk, and all that is on it? [y/N] ']]);
  assert.ok(world.store.assembly('front') !== undefined);
  const yes = await run(['deployable_apply', '-f', alone, '--prune', '--yes']);
  assert.equal(yes.code, 0, yes.complained.join('\n'));
  assert.equal(world.store.assembly('front'), undefined);
  assert.deepEqual(world.store.secretNames('shop'), []);
});

test('a secret from a file is compared and set, and is in nothing that is shown', async (t) => {
  const { world, run, write } = await house(t);
  const file = await write(shop);
  const shown: string[] = [];
  const keep = async (words: readonly string[]): Promise<readonly string[]> => {
    const ran = await run(words);
    shown.push(...ran.printed, ...ran.complained);
    return ran.printed;
  };
  await keep(['deployable_apply', '-f', file, '--json']);
  await writeFile(path.join(path.dirname(file), 'password.txt'), 'Geheimnis-2');
  assert.deepEqual(await keep(['deployable_apply', '-f', file]), [
    '~ secret pw',
    'deployable shop is defined as the file says (1 changed); it does not run: `deployable_start shop` starts it',
  ]);
  assert.equal(world.store.secret('shop', 'pw'), 'Geheimnis-2');
  await writeFile(path.join(path.dirname(file), 'password.txt'), 'Geheimnis\nzwei\n');
  await keep(['deployable_apply', '-f', file]);
  for (const words of [
    ['deployable_export', 'shop'],
    ['deployable_export', 'shop', '--json'],
    ['deployable_status', 'shop'],
    ['deployable_status', 'shop', '--json'],
    ['assembly_list', '--json'],
    ['assembly_resource_list', 'back', '--json'],
  ])
    await keep(words);
  assert.doesNotMatch(shown.join('\n'), /Geheimnis/);
});

test('what can never be as the file says is told at its line', async (t) => {
  const { run, write } = await house(t);
  await run(['deployable_apply', '-f', await write(shop)]);
  const file = await write(shop.replace('name: shop', 'name: shop2'));
  const refused = await run(['deployable_apply', '-f', file]);
  assert.equal(refused.code, 2);
  assert.match(
    refused.complained[0] ?? '',
    /:6:3: assemblies\.back: assembly back is in deployable shop already$/,
  );
});

test('without a file, or with one that is none, the usage or the reason is told', async (t) => {
  const { run, write } = await house(t);
  const missing = await run(['deployable_apply']);
  assert.deepEqual(
    [missing.code, /Usage: deployable_apply -f FILE/.test(missing.complained.join('\n'))],
    [2, true],
  );
  const gone = await run(['deployable_apply', '-f', '/nowhere/shop.yaml']);
  assert.equal(gone.code, 2);
  assert.match(gone.complained.join('\n'), /cannot be read/);
  const binary = await run(['deployable_apply', '-f', await write('\u0000\u0001{')]);
  assert.equal(binary.code, 2);
});

test('what a running machine does not have yet is said by each further apply, and --restart brings it', async (t) => {
  const { world, run, write } = await house(t);
  const file = await write(shop);
  await run(['deployable_apply', '-f', file]);
  // The machine of back was started with less than the file says; front's is off.
  world.launches.saveStartedWith('back', {
    memoryMiB: 128,
    vcpus: 2,
    ports: [22, 80],
    disks: null,
    networks: null,
  });
  world.store.setIntent('shop', 'up');
  world.supervisor.assemblies.set('back', 'online');
  const told =
    'assembly back: 256 MiB of memory (now 128) and ports 22, 80, 9000 (now 22, 80) take effect at the next start of its machine (--restart stops and starts the deployable for it)';
  const again = await run(['deployable_apply', '-f', file, '--diff', '--dry-run']);
  assert.deepEqual(again.printed.slice(0, 2), [told, 'nothing to change']);
  const json = await run(['deployable_apply', '-f', file, '--dry-run', '--json']);
  assert.deepEqual(
    (JSON.parse(json.printed[0] ?? '') as { atNextStart: { assembly: string }[] }).atNextStart.map(
      ({ assembly }) => assembly,
    ),
    ['back'],
  );
  world.supervisor.assemblies.set('back', 'stopped');
  assert.equal(
    (await run(['deployable_apply', '-f', file, '--diff', '--dry-run'])).printed[0],
    'nothing to change',
  );
});

const bridged = (name: string): string =>
  `version: 1\nname: net\nassemblies:\n  ${name}:\n    release: debian12\n    networks: [{ bridge: gone }]\n`;

test('a network that is not there is told with its change, also beside a difference and beside JSON', async (t) => {
  const { run, write } = await house(t);
  const note = 'At the moment there is no bridge gone, and without it the machine is not started. Make it.';
  const plain = await run(['deployable_apply', '-f', await write(bridged('a'))]);
  const at = plain.printed.indexOf('+ assembly a: bridge gone');
  assert.deepEqual([at >= 0, plain.printed[at + 1]], [true, note]);
  const diff = await run(['deployable_apply', '-f', await write(bridged('b')), '--diff']);
  assert.deepEqual(
    diff.printed.filter((line) => line.includes('gone')),
    ['+ assembly b: bridge gone', note],
  );
  const json = await run(['deployable_apply', '-f', await write(bridged('c')), '--json']);
  assert.deepEqual([json.printed.length, json.complained], [1, [`warning: ${note}`]]);
});

test('an assembly that is new, with disk and network, is no reason to stop the others for --restart', async (t) => {
  const { world, run, write } = await house(t);
  await run(['deployable_apply', '-f', await write(shop)]);
  world.store.setIntent('shop', 'up');
  const more = `${shop}  more:
    release: debian12
    networks: [{ bridge: br0 }]
    disks: { data: { sizeGiB: 1 } }
`;
  const done = await run(['deployable_apply', '-f', await write(more), '--restart', '--no-wait']);
  assert.equal(done.code, 0, done.complained.join('\n'));
  assert.deepEqual(
    world.supervisor.calls.filter((call) => call.startsWith('stop')),
    [],
  );
  assert.ok(world.supervisor.calls.includes('apply shop'));
});
