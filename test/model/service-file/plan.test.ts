/**
 * Which changes bring a deployable to what its file says, and in which order. Carried out on a small model of the
 * service that refuses what the service refuses, any file leads from any other, and then there is nothing to change.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { tellChange } from '../../../model/service-file/change.ts';
import { exportService } from '../../../model/service-file/export.ts';
import { planApply } from '../../../model/service-file/plan.ts';
import { serviceFileSchema } from '../../../model/service-file/schema.ts';
import type { ServiceFileText } from '../../../model/service-file/schema.ts';
import { wantedOf } from '../../../model/service-file/wanted.ts';
import type { WantedService } from '../../../model/service-file/wanted.ts';
import { modelService } from './model-service.ts';

function wanted(file: Omit<ServiceFileText, 'version' | 'name'>): WantedService {
  const result = wantedOf(serviceFileSchema.parse({ version: 1, name: 'shop', ...file }), () => []);
  assert.ok(result.ok, JSON.stringify(result));
  return result.service;
}

const lines = (plan: ReturnType<typeof planApply>): readonly string[] =>
  plan.changes.flatMap((change) => {
    const told = tellChange(change);
    return told === undefined ? [] : [`${told.sign} ${told.text}`];
  });

const pair = {
  secrets: { pw: { generate: true } },
  assemblies: {
    db: {
      release: 'debian12',
      memoryMiB: 384,
      resources: { data: { template: 'mariadb', parameters: { PASSWORD: '@secret:pw' } } },
    },
    web: {
      release: 'debian12',
      dependsOn: [{ assembly: 'db' }],
      resources: { site: { template: 'httpd', parameters: { DB: '@db:endpoint/3306' } } },
    },
  },
} satisfies Omit<ServiceFileText, 'version' | 'name'>;

test('a whole service is made in an order that can be carried out, and then there is nothing to change', () => {
  const service = modelService('shop');
  const file = wanted(pair);
  assert.deepEqual(lines(planApply(service.defined(file), file, false)), [
    '+ deployable, monitoring am',
    '+ secret pw',
    '+ assembly db: debian12 x86_64',
    '+ assembly db: memory 384 MiB',
    '+ resource db/data: mariadb',
    '+ assembly web: debian12 x86_64',
    '+ resource web/site: httpd',
    '+ assembly db: in the deployable',
    '+ assembly web: in the deployable',
    '+ resource db/data: parameter PASSWORD = @secret:pw',
    '+ resource web/site: parameter DB = @db:endpoint/3306',
    '+ assembly web: depends on db',
  ]);
  service.apply(file, false);
  assert.deepEqual(planApply(service.defined(file), file, false).changes, []);
});

test('what differs is told with what it was', () => {
  const service = modelService('shop');
  service.apply(wanted(pair), false);
  const { web } = pair.assemblies;
  const changed = wanted({
    ...pair,
    escalation: 'never',
    assemblies: {
      db: { ...pair.assemblies.db, memoryMiB: 512, ports: [8080] },
      web: {
        ...web,
        dependsOn: [{ assembly: 'db', restart: true }],
        resources: {
          site: { template: 'httpd', parameters: { DB: 'localhost' }, startTimeoutMs: 90_000, checks: [] },
        },
      },
    },
  });
  assert.deepEqual(lines(planApply(service.defined(changed), changed, false)), [
    '~ escalation never',
    '~ assembly db: memory 384 → 512 MiB, ports none → 8080 (at the next start of its machine)',
    '~ resource web/site: startTimeoutMs as its template → 90000, checks none',
    '~ resource web/site: parameter DB = @db:endpoint/3306 → localhost',
    '~ assembly web: depends on db, and restarts with it',
  ]);
});

test('an assembly that the file does not have stays unless it is pruned, and is never needed when it goes', () => {
  const service = modelService('shop');
  service.apply(wanted(pair), false);
  const alone = wanted({
    assemblies: { web: { release: 'debian12', resources: { site: { template: 'httpd' } } } },
  });
  const kept = planApply(service.defined(alone), alone, false);
  assert.deepEqual(kept.leftOver, ['db']);
  assert.ok(!kept.changes.some(({ kind }) => kind === 'delete-assembly' || kind === 'remove-secret'));
  assert.deepEqual(lines(planApply(service.defined(alone), alone, true)), [
    '- assembly web: depends on db',
    '- resource web/site: parameter DB = @db:endpoint/3306',
    '- assembly db: in the deployable',
    '- assembly db, with its disk',
    '- secret pw',
  ]);
  service.apply(alone, true);
  assert.deepEqual(service.names(), ['web']);
});

test('what can never become what the file says is an obstacle at its place', () => {
  const service = modelService('shop');
  service.apply(wanted(pair), false);
  const other = wanted({ monitoring: 'pm', assemblies: { db: { release: 'F16' } } });
  assert.deepEqual(
    planApply(service.defined(other), other, false).obstacles.map(({ path, message }) => [
      path.join('.'),
      message,
    ]),
    [
      ['monitoring', 'the deployable was created with am, which stays; delete it first'],
      [
        'assemblies.db.release',
        'assembly db is debian12 x86_64, and its disk cannot become another; give the new one another name',
      ],
    ],
  );
});

const windows = [
  { every: 'sunday', at: '03:00', for: '2h', timeZone: 'Europe/Berlin' },
  { every: 'day', at: '23:30', for: '45m' },
  { every: ['monday', 'thursday'], at: '03:00', for: '90s' },
] satisfies ServiceFileText['maintenance'];

const withDisks = (disks: ServiceFileText['assemblies'][string]['disks']): WantedService =>
  wanted({ assemblies: { db: { release: 'debian12', ...(disks === undefined ? {} : { disks }) } } });

test('a data disk comes, grows and is mounted elsewhere; one that the file does not have stays unless it is pruned', () => {
  const service = modelService('shop');
  const one = withDisks({ data: { sizeGiB: 10, mount: '/srv/data' }, log: { sizeGiB: 1 } });
  assert.deepEqual(lines(planApply(service.defined(one), one, false)).slice(1, 4), [
    '+ assembly db: debian12 x86_64',
    '+ assembly db: data disk data, 10 GiB, at /srv/data',
    '+ assembly db: data disk log, 1 GiB',
  ]);
  service.apply(one, false);
  service.makeDisks();
  assert.deepEqual(planApply(service.defined(one), one, false).changes, []);
  const exported = wanted({ ...exportService(service.status()) });
  assert.deepEqual(planApply(service.defined(exported), exported, true).changes, []);

  const other = withDisks({ data: { sizeGiB: 20 } });
  const kept = planApply(service.defined(other), other, false);
  assert.deepEqual(lines(kept), [
    '~ assembly db: data disk data, 10 → 20 GiB, at /srv/data → no place (at the next start of its machine)',
  ]);
  assert.deepEqual(kept.leftOverDisks, [{ assembly: 'db', disk: 'log' }]);
  const pruned = planApply(service.defined(other), other, true);
  assert.equal(lines(pruned).at(-1), '- assembly db: data disk log, with all that is on it');
  assert.deepEqual(pruned.leftOverDisks, []);
  service.apply(other, true);
  assert.deepEqual(planApply(service.defined(other), other, true).changes, []);
  const none = wanted({ assemblies: { web: { release: 'debian12' } } });
  assert.equal(
    lines(planApply(service.defined(none), none, true)).at(-1),
    '- assembly db, with its disk and its data disk data',
  );
});

test('a data disk never shrinks once it is made', () => {
  const service = modelService('shop');
  service.apply(withDisks({ data: { sizeGiB: 10 } }), false);
  const smaller = withDisks({ data: { sizeGiB: 5 } });
  assert.deepEqual(planApply(service.defined(smaller), smaller, false).obstacles, []);
  service.makeDisks();
  assert.deepEqual(planApply(service.defined(smaller), smaller, false).obstacles, [
    {
      path: ['assemblies', 'db', 'disks', 'data', 'sizeGiB'],
      message: 'the disk has 10 GiB, and a data disk never shrinks; 5 GiB would cut off what is on it',
    },
  ]);
});

test('networks come, go and change their address; the addresses of two cards can be exchanged', () => {
  const service = modelService('shop');
  const withNetworks = (
    ...all: readonly NonNullable<ServiceFileText['assemblies'][string]['networks']>[]
  ): WantedService =>
    wanted({
      assemblies: Object.fromEntries(
        all.map((networks, index) => [`web${index}`, { release: 'debian12', networks }]),
      ),
    });
  const [one, two] = ['52:54:00:00:00:01', '52:54:00:00:00:02'];
  const first = withNetworks(
    [{ network: 'lan' }, { bridge: 'br0', mac: one }],
    [{ bridge: 'br0', mac: two }],
  );
  assert.deepEqual(
    lines(planApply(service.defined(first), first, false)).filter((line) => /bridge|lan/.test(line)),
    [
      '+ assembly web0: libvirt network lan',
      `+ assembly web0: bridge br0, ${one}`,
      `+ assembly web1: bridge br0, ${two}`,
    ],
  );
  service.apply(first, false);
  const exported = wanted({ ...exportService(service.status()) });
  assert.deepEqual(
    exported.assemblies,
    first.assemblies.map((assembly) => ({ ...assembly, memoryMiB: 128 })),
  );
  assert.deepEqual(planApply(service.defined(exported), exported, true).changes, []);

  const second = withNetworks(
    [{ bridge: 'br0', mac: two }, { bridge: 'br1' }],
    [{ bridge: 'br0', mac: one }],
  );
  assert.deepEqual(lines(planApply(service.defined(second), second, false)), [
    '- assembly web0: libvirt network lan (at the next start of its machine)',
    `~ assembly web0: bridge br0, ${one} → ${two} (at the next start of its machine)`,
    '+ assembly web0: bridge br1 (at the next start of its machine)',
    `~ assembly web1: bridge br0, ${two} → ${one} (at the next start of its machine)`,
  ]);
  service.apply(second, false);
  assert.deepEqual(planApply(service.defined(second), second, false).changes, []);
  const own = withNetworks([{ bridge: 'br0' }, { bridge: 'br1' }], [{ bridge: 'br0' }]);
  assert.equal(
    lines(planApply(service.defined(own), own, false))[0],
    `~ assembly web0: bridge br0, ${two} → an address of its own (at the next start of its machine)`,
  );
});

test('an address that a card outside of the file has is told before anything is changed', () => {
  const service = modelService('shop');
  const named = (name: string): WantedService =>
    wanted({
      assemblies: {
        [name]: { release: 'debian12', networks: [{ bridge: 'br0', mac: '52:54:00:00:00:01' }] },
      },
    });
  service.apply(named('web'), false);
  const renamed = named('web2');
  assert.deepEqual(planApply(service.defined(renamed), renamed, false).obstacles, [
    {
      path: ['assemblies', 'web2', 'networks', 0, 'mac'],
      message: 'a card of assembly web, which is not in the file, has that address',
    },
  ]);
  assert.deepEqual(planApply(service.defined(renamed), renamed, true).obstacles, []);
  service.apply(renamed, true);
  assert.deepEqual(planApply(service.defined(renamed), renamed, true).changes, []);
});

/** Files over few names, so that they meet: order and references run from later names to earlier ones, or back. */
const anyFile = fc
  .record({
    reverse: fc.boolean(),
    names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 4 }),
    bits: fc.array(fc.nat(7), { minLength: 24, maxLength: 24 }),
    secret: fc.boolean(),
  })
  .map(({ reverse, names, bits, secret }) => {
    const ordered = names.toSorted((x, y) => (reverse ? y.localeCompare(x) : x.localeCompare(y)));
    const bit = (at: number): number => bits[at % bits.length] ?? 0;
    const assemblies: ServiceFileText['assemblies'] = Object.fromEntries(
      ordered.map((name, index) => {
        const before = ordered[index - 1];
        const resources = Object.fromEntries(
          ['r', 's'].slice(0, bit(index) % 3).map((resource, number) => [
            resource,
            {
              template: bit(index + number + 3) % 4 === 0 ? 'mariadb' : 'httpd',
              parameters: {
                ...(before !== undefined && bit(index + number) > 4 ? { ON: `@${before}:port/9000` } : {}),
                ...(bit(index + 7) > 3 ? { T: String(bit(index + 8)) } : {}),
                ...(secret && bit(index + 9) > 4 ? { P: '@secret:pw' } : {}),
              },
              ...(bit(index + 10) > 4 ? { startTimeoutMs: 1000 + bit(index + 11) } : {}),
            },
          ]),
        );
        return [
          name,
          {
            release: 'debian12',
            vcpus: 1 + (bit(index + 12) % 2),
            ...(bit(index + 16) > 3 ? { maintenance: windows.slice(0, bit(index + 17) % 3) } : {}),
            ports: [9000, ...(bit(index + 13) > 3 ? [8000] : [])],
            ...(bit(index + 16) > 3 ? { disks: { data: { sizeGiB: 1 + bit(index + 17) } } } : {}),
            networks: ['br0', 'br1'].slice(0, bit(index + 18) % 3).map((bridge, at) => ({
              bridge,
              // Few addresses, so that they move from card to card, and each once in a file.
              ...(bit(19) > 1 ? { mac: `52:54:00:00:00:0${(2 * index + at + bit(20)) % 8}` } : {}),
            })),
            ...(before !== undefined && bit(index + 14) > 3
              ? { dependsOn: [{ assembly: before, restart: bit(index + 15) > 3 }] }
              : {}),
            resources,
          },
        ];
      }),
    );
    const alerts = [
      ...(secret && bit(20) > 3 ? ([{ webhook: '@secret:pw' }] as const) : []),
      ...(bit(21) > 3 ? [{ program: 'pager', match: { rung: 'assembly' as const } }] : []),
    ];
    const maintenance = bit(18) > 3 ? windows.slice(1, 1 + (bit(19) % 3)) : [];
    return wanted({
      assemblies,
      alerts,
      maintenance,
      ...(secret ? { secrets: { pw: { generate: true } } } : {}),
    });
  });

test('any file leads from any other without a refusal, also when it was interrupted, and ends in nothing to change', () => {
  fc.assert(
    fc.property(anyFile, anyFile, fc.nat(60), (first, second, stopAfter) => {
      const service = modelService('shop');
      service.apply(first, true);
      service.apply(second, true, stopAfter);
      service.apply(second, true);
      const plan = planApply(service.defined(second), second, true);
      assert.deepEqual(plan.changes, []);
      assert.deepEqual(plan.leftOver, []);
      const exported = wanted({ ...exportService(service.status()) });
      assert.deepEqual(planApply(service.defined(exported), exported, true).changes, []);
    }),
    { numRuns: 500 },
  );
});

test('windows of maintenance are told, whatever their order, and exported as they were written', () => {
  const service = modelService('shop');
  const file = wanted({ ...pair, maintenance: windows });
  const plan = planApply(service.defined(file), file, false);
  assert.deepEqual(
    lines(plan).filter((line) => line.includes('maintenance')),
    [
      '+ maintenance every sunday at 03:00 Europe/Berlin for 2h; every day at 23:30 UTC for 45m; every monday, thursday at 03:00 UTC for 90s',
    ],
  );
  service.apply(file, false);
  assert.deepEqual(exportService(service.status()).maintenance, windows);
  const turned = wanted({ ...pair, maintenance: windows.toReversed() });
  assert.deepEqual(planApply(service.defined(turned), turned, false).changes, []);
  const fewer = wanted({ ...pair, maintenance: windows.slice(1, 2) });
  assert.deepEqual(lines(planApply(service.defined(fewer), fewer, false)), [
    '~ maintenance every day at 23:30 UTC for 45m',
  ]);
  const none = wanted(pair);
  service.apply(fewer, false);
  assert.deepEqual(lines(planApply(service.defined(none), none, false)), [
    '- maintenance every day at 23:30 UTC for 45m',
  ]);
});

test('alerts come after the secrets that they need, are told without a path, and exported as one form', () => {
  const service = modelService('shop');
  const file = wanted({
    ...pair,
    alerts: [
      { webhook: 'https://alerts.example.org/hook/1', token: '@secret:pw' },
      { program: 'pager', match: { rung: ['assembly', 'deployable'], severity: 'error' } },
    ],
  });
  const plan = lines(planApply(service.defined(file), file, false));
  assert.deepEqual(plan.slice(0, 3), [
    '+ deployable, monitoring am',
    '+ secret pw',
    '+ alerts webhook https://alerts.example.org/… with @secret:pw; program pager of rung assembly or deployable, severity error',
  ]);
  service.apply(file, false);
  assert.deepEqual(exportService(service.status()).alerts, [
    { webhook: 'https://alerts.example.org/hook/1', token: '@secret:pw' },
    { program: 'pager', match: { rung: ['assembly', 'deployable'], severity: ['error'] } },
  ]);
  const none = wanted({ assemblies: pair.assemblies, secrets: pair.secrets });
  assert.deepEqual(lines(planApply(service.defined(none), none, false)), [
    '- alerts webhook https://alerts.example.org/… with @secret:pw; program pager of rung assembly or deployable, severity error',
  ]);
});
