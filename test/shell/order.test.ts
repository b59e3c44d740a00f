/** Order, parameters and maintenance as an operator types them and sees them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assemblyChangeAnswer,
  doneAnswer,
  maintenanceAnswer,
  maintenanceClearedAnswer,
  maintenanceListAnswer,
} from '../../model/cped-answers.ts';
import { PcloudError } from '../../model/errors.ts';
import type { CpedPort } from '../../shell/ports.ts';
import type { MaintenanceWindow } from '../../model/maintenance-window.ts';
import { maintenanceEnd, orderLines, renderMaintenances } from '../../shell/render-order.ts';
import { renderDisks, renderNetworks, renderResources } from '../../shell/render-status.ts';
import { renderDeployableTree } from '../../shell/render-tree.ts';
import { renderServices } from '../../shell/render-services.ts';
import { runLine } from '../../shell/run-line.ts';
import { connectServices } from '../../shell/services.ts';
import { plainStyle } from '../../shell/style.ts';
import { can } from './canned.ts';
import { fakeServices } from './fake-services.ts';
import { recorder } from './ports-fake.ts';
import {
  assemblyDefinition,
  assemblyStatus,
  cpedStatus,
  deployableStatus,
  nowMs,
  requirement,
  resourceStatus,
} from './samples.ts';

const minute = 60_000;
const view = { nowMs, columns: 80, style: plainStyle };

/** Every call of these as its arguments; each answers with the note. */
function remembering(calls: unknown[][]): Partial<CpedPort> {
  const remember =
    (name: string) =>
    (...args: readonly unknown[]): Promise<string | null> => {
      calls.push([name, ...args]);
      return Promise.resolve('deployable_reload dep1 makes it so.');
    };
  return {
    setAssemblyDependency: remember('setAssemblyDependency'),
    clearAssemblyDependency: remember('clearAssemblyDependency'),
    setResourceDependency: remember('setResourceDependency'),
    clearResourceDependency: remember('clearResourceDependency'),
    setParameter: remember('setParameter'),
    clearParameter: remember('clearParameter'),
  };
}

test('each command asks for what it says, says what was done, and what is left to do', async () => {
  const web = { assembly: 'web', resource: 'httpdone' };
  const db = { assembly: 'db', resource: 'mysqldone' };
  const table: readonly (readonly [string, readonly unknown[], RegExp])[] = [
    [
      'assembly_depends_set web db',
      ['setAssemblyDependency', 'web', 'db', false],
      /^assembly web depends on assembly db$/,
    ],
    [
      'assembly_depends_set --restart web db',
      ['setAssemblyDependency', 'web', 'db', true],
      /depends on assembly db, and restarts with it$/,
    ],
    [
      'assembly_depends_clear web db',
      ['clearAssemblyDependency', 'web', 'db'],
      /does not depend on assembly db any more/,
    ],
    [
      'resource_depends_set httpdone web mysqldone db --restart',
      ['setResourceDependency', web, db, true],
      /^resource httpdone in assembly web depends on mysqldone in db, and restarts with it$/,
    ],
    ['resource_depends_clear httpdone web mysqldone db', ['clearResourceDependency', web, db], /any more/],
    [
      'resource_parameter_set httpdone web DB_HOST @db:endpoint/3306',
      ['setParameter', web, 'DB_HOST', { assembly: 'db', value: 'endpoint/3306' }],
      /: DB_HOST=@db:endpoint\/3306$/,
    ],
    [
      "resource_parameter_set httpdone web GREETING '@@all, hello'",
      ['setParameter', web, 'GREETING', '@all, hello'],
      /: GREETING=@@all, hello$/,
    ],
    ['resource_parameter_set httpdone web LEVEL -- -1', ['setParameter', web, 'LEVEL', '-1'], /: LEVEL=-1$/],
    ["resource_parameter_set httpdone web EMPTY ''", ['setParameter', web, 'EMPTY', ''], /: EMPTY=$/],
    [
      'resource_parameter_clear httpdone web DB_HOST',
      ['clearParameter', web, 'DB_HOST'],
      /no parameter DB_HOST any more/,
    ],
  ];
  for (const [line, call, says] of table) {
    const calls: unknown[][] = [];
    const session = recorder({ cped: remembering(calls) });
    assert.equal(await runLine(line, session.context), 0, line);
    assert.deepEqual(calls, [call], line);
    assert.match(session.printed[0] ?? '', says);
    assert.equal(session.printed[1], 'deployable_reload dep1 makes it so.');
  }
});

test('on the wire each command is one request, with every name in its place', async (t) => {
  const change = can(assemblyChangeAnswer, {
    assembly: assemblyDefinition(),
    requirement,
    takesEffect: 'at-start',
    note: null,
  });
  const entry = { target: 'resource:web/httpdone', untilMs: null, setAtMs: 1, window: null };
  const depends = '/v1/assemblies/web/resources/httpdone/depends';
  const parameter = '/v1/assemblies/web/resources/httpdone/parameters/DB';
  const services = await fakeServices({
    cped: {
      'PUT /v1/assemblies/web/depends': change,
      'DELETE /v1/assemblies/web/depends/db': change,
      [`PUT ${depends}`]: change,
      [`DELETE ${depends}/db/mysqldone`]: change,
      [`PUT ${parameter}`]: change,
      [`DELETE ${parameter}`]: change,
      'POST /v1/maintenance': can(maintenanceAnswer, { maintenance: entry }),
      'POST /v1/maintenance/clear': can(maintenanceClearedAnswer, { target: entry.target, goesOn: null }),
      'GET /v1/maintenance': can(maintenanceListAnswer, { maintenances: [entry], windows: [] }),
      'PUT /v1/start-limit': can(doneAnswer, { done: true }),
    },
  });
  t.after(async () => await services.close());
  const table: readonly (readonly [string, string])[] = [
    ['assembly_depends_set web db --restart', 'PUT /v1/assemblies/web/depends {"on":"db","restart":true}'],
    ['assembly_depends_clear web db', 'DELETE /v1/assemblies/web/depends/db'],
    [
      'resource_depends_set httpdone web mysqldone db',
      `PUT ${depends} {"assembly":"db","resource":"mysqldone","restart":false}`,
    ],
    ['resource_depends_clear httpdone web mysqldone db', `DELETE ${depends}/db/mysqldone`],
    [
      'resource_parameter_set httpdone web DB @db:port/3306',
      `PUT ${parameter} {"value":{"assembly":"db","value":"port/3306"}}`,
    ],
    ['resource_parameter_set httpdone web DB text', `PUT ${parameter} {"value":"text"}`],
    ['resource_parameter_clear httpdone web DB', `DELETE ${parameter}`],
    ['maintenance_set web/httpdone --for 90', 'POST /v1/maintenance {"target":"web/httpdone","forMs":90000}'],
    ['maintenance_clear web/httpdone', 'POST /v1/maintenance/clear {"target":"web/httpdone"}'],
    ['maintenance_list --json', 'GET /v1/maintenance'],
    ['start_limit_set 4', 'PUT /v1/start-limit {"slots":4}'],
    ['start_limit_set default', 'PUT /v1/start-limit {"slots":null}'],
  ];
  for (const [line] of table) {
    const { context, complained } = recorder({});
    const connected = connectServices({ PCLOUD_RUNTIME_DIR: services.runtimeDirectory });
    assert.equal(
      await runLine(line, { ...context, services: connected }),
      0,
      `${line}: ${complained.join(' ')}`,
    );
  }
  assert.deepEqual(
    services.requests(),
    table.map(([, request]) => request),
  );
});

test('a reference that is none is refused before anything is asked', async () => {
  const session = recorder({});
  assert.equal(await runLine('resource_parameter_set httpdone web DB_HOST @db', session.context), 2);
  assert.match(session.complained.join('\n'), /"@db" refers to nothing.*\n {2}hint: .*@ASSEMBLY:address/);
});

test('a circle is shown as the service names it', async () => {
  const refusal = new PcloudError({
    code: 'dependency-cycle',
    category: 'conflict',
    message: 'These wait for each other: a → b → a.',
    hint: 'Take one of them back first.',
  });
  const session = recorder({ cped: { setAssemblyDependency: () => Promise.reject(refusal) } });
  assert.equal(await runLine('assembly_depends_set a b', session.context), 1);
  assert.match(session.complained[0] ?? '', /a → b → a/);
});

test('maintenance is set for a time or until it is cleared, and its end is said', async () => {
  const asked: unknown[][] = [];
  const session = recorder({
    cped: {
      setMaintenance: (target, forMs) => {
        asked.push([target, forMs]);
        const untilMs = forMs === null ? null : Date.now() + forMs;
        return Promise.resolve({ target: `assembly:${target}`, untilMs, setAtMs: Date.now(), window: null });
      },
      clearMaintenance: (target) =>
        Promise.resolve({ target: `resource:${target}`, goesOn: { untilMs: null } }),
      maintenances: () => Promise.resolve({ maintenances: [], windows: [] }),
      setStartLimit: (slots) => {
        asked.push(['limit', slots]);
        return Promise.resolve();
      },
    },
  });
  for (const line of [
    'maintenance_set assy1 --for 30m',
    'maintenance_set assy1',
    'maintenance_clear assy1/httpdone',
    'maintenance_list',
    'start_limit_set 4',
    'start_limit_set 1',
    'start_limit_set default',
  ])
    assert.equal(await runLine(line, session.context), 0, line);
  assert.deepEqual(asked, [
    ['assy1', 30 * minute],
    ['assy1', null],
    ['limit', 4],
    ['limit', 1],
    ['limit', null],
  ]);
  assert.match(
    session.printed[0] ?? '',
    /^assembly:assy1 is under maintenance until .*\(30 min left\): monitored/,
  );
  assert.deepEqual(session.printed.slice(1), [
    'assembly:assy1 is under maintenance until it is cleared: monitored, not acted on',
    'the maintenance of resource:assy1/httpdone has ended',
    'what it stands in is under maintenance until it is cleared, and it with that',
    'Nothing is under maintenance.',
    'at most 4 assemblies may be starting at once',
    'at most 1 assembly may be starting at once',
    "the host's default says how many assemblies may be starting at once",
  ]);
});

test('a time of nothing, or of more than a year, is refused before anything is asked', async () => {
  for (const time of ['0', '367d', '1w', 'never', '1.5h']) {
    const session = recorder({});
    assert.equal(await runLine(`maintenance_set assy1 --for ${time}`, session.context), 2, time);
    assert.match(session.complained[0] ?? '', /--for must be a time up to 366 days/);
  }
});

test('an end is told by the clock, with what is left in one unit, rounded up', () => {
  const table: readonly (readonly [number, string])[] = [
    [1, 'until 12:00 (1 s left)'],
    [119_000, 'until 12:01 (119 s left)'],
    [26.5 * minute, 'until 12:26 (27 min left)'],
    [2 * 60 * minute, 'until 14:00 (2 h left)'],
    [13 * 60 * minute, 'until 2026-11-23 01:00 (13 h left)'],
    [48 * 60 * minute, 'until 2026-11-24 12:00 (2 d left)'],
  ];
  for (const [leftMs, words] of table) assert.equal(maintenanceEnd(nowMs + leftMs, nowMs), words);
  assert.equal(maintenanceEnd(nowMs - 1, nowMs), 'until 11:59 (0 s left)');
  assert.equal(maintenanceEnd(null, nowMs), 'until it is cleared');
});

const until = { untilMs: nowMs + 27 * minute };

test('maintenance stands below the tree where it is set, not at all that it holds for', () => {
  const resource = resourceStatus({ maintenance: until });
  const inside = deployableStatus({
    maintenance: until,
    assemblies: [assemblyStatus({ maintenance: until, resources: [resource] })],
  });
  assert.deepEqual(renderDeployableTree(inside, view).slice(-1), [
    '  dep1: maintenance until 12:27 (27 min left)',
  ]);
  const longer = deployableStatus({
    maintenance: until,
    assemblies: [
      assemblyStatus({
        maintenance: { untilMs: null },
        resources: [resourceStatus({ maintenance: { untilMs: null } })],
      }),
    ],
  });
  assert.deepEqual(orderLines(longer, nowMs), [
    '  dep1: maintenance until 12:27 (27 min left)',
    '  assy1: maintenance until it is cleared',
  ]);
  const alone = deployableStatus({ assemblies: [assemblyStatus({ resources: [resource] })] });
  assert.deepEqual(orderLines(alone, nowMs), ['  assy1/httpdone: maintenance until 12:27 (27 min left)']);
});

const told = resourceStatus({
  maintenance: until,
  dependsOn: [
    { assembly: 'db', resource: 'mysqldone', restart: true },
    { assembly: 'assy1', resource: 'cache', restart: false },
  ],
  parameters: { DB: { assembly: 'db', value: 'port/3306' }, MODE: 'a b', AT: '@x' },
});

test('what depends on what and which parameters are set stand below the tree', () => {
  const status = deployableStatus({
    assemblies: [
      assemblyStatus({
        dependsOn: [
          { assembly: 'db', restart: false },
          { assembly: 'cache', restart: true },
        ],
        resources: [told],
      }),
    ],
  });
  assert.deepEqual(orderLines(status, nowMs), [
    '  assy1/httpdone: maintenance until 12:27 (27 min left)',
    '  assy1: depends on db, cache (restarts with it)',
    '  assy1/httpdone: depends on db/mysqldone (restarts with it), assy1/cache',
    '  assy1/httpdone: DB=@db:port/3306',
    '  assy1/httpdone: MODE=a b',
    '  assy1/httpdone: AT=@@x',
  ]);
});

test('data disks and further networks stand below the tree as well, and each in a table of its own', () => {
  const disks = [
    { name: 'data', sizeGiB: 10, mount: '/var/lib/mysql', made: true },
    { name: 'log', sizeGiB: 1, mount: null, made: false },
  ];
  const networks = [
    { kind: 'bridge', name: 'br0', mac: '52:54:00:00:00:02', macGiven: false },
    { kind: 'network', name: 'lan', mac: '52:54:00:00:00:03', macGiven: true },
  ] as const;
  const resources = [resourceStatus()];
  const status = deployableStatus({
    assemblies: [assemblyStatus({ resources, disks, networks: [...networks] })],
  });
  assert.deepEqual(orderLines(status, nowMs), [
    '  assy1: data disk data, 10 GiB at /var/lib/mysql',
    '  assy1: data disk log, 1 GiB',
    '  assy1: bridge br0 (52:54:00:00:00:02)',
    '  assy1: libvirt network lan (52:54:00:00:00:03)',
  ]);
  assert.deepEqual(renderDisks(disks, view), [
    'DISK  SIZE    MADE               MOUNTED AT',
    'data  10 GiB  yes                /var/lib/mysql',
    'log   1 GiB   at the next start',
  ]);
  assert.deepEqual(renderNetworks(networks, view), [
    'NETWORK      ADDRESS            ASKED FOR',
    'bridge:br0   52:54:00:00:00:02  no',
    'network:lan  52:54:00:00:00:03  yes',
  ]);
});

test('a list of resources says the same of each below the table', () => {
  assert.deepEqual(renderResources([told], view).slice(-5), [
    '  httpdone: maintenance until 12:27 (27 min left)',
    '  httpdone: depends on db/mysqldone (restarts with it), assy1/cache',
    '  httpdone: DB=@db:port/3306',
    '  httpdone: MODE=a b',
    '  httpdone: AT=@@x',
  ]);
  assert.equal(renderResources([resourceStatus()], view).length, 2);
});

test('maintenances are listed with target, since when, and end', () => {
  const lines = renderMaintenances(
    [
      { target: 'assembly:assy1', untilMs: null, setAtMs: nowMs - 3 * minute, window: null },
      {
        target: 'resource:assy1/httpdone',
        untilMs: nowMs + 27 * minute,
        setAtMs: nowMs - 3000,
        window: 'every day',
      },
    ],
    view,
  );
  assert.deepEqual(lines, [
    'TARGET                   FOR    END',
    'assembly:assy1           3m00s  until it is cleared',
    'resource:assy1/httpdone  3s     until 12:27 (27 min left), its window',
  ]);
});

test('status tells the start limit', () => {
  const line = (startLimit: number | null): string =>
    renderServices(cpedStatus({ startLimit }), undefined, nowMs, plainStyle).find((one) =>
      one.includes('limit'),
    ) ?? '';
  assert.match(line(4), /start limit +4 at once/);
  assert.match(line(null), /start limit .*default/);
});

test('windows of maintenance are added, removed and listed', async () => {
  const asked: unknown[] = [];
  const window = {
    every: ['monday', 'thursday'],
    at: '03:00',
    forMs: 90 * minute,
    timeZone: 'Europe/Berlin',
  } satisfies MaintenanceWindow;
  // Shown in the time zone of whoever reads.
  const nextMs = new Date(2026, 10, 30, 3, 0).getTime();
  const entry = { target: 'deployable:dep1', window, nextMs };
  const session = recorder({
    cped: {
      addWindow: (target, one) => {
        asked.push([target, one]);
        return Promise.resolve({ target: 'deployable:dep1', windows: [entry] });
      },
      removeWindow: (target, which) => {
        asked.push([target, which]);
        return Promise.resolve({ target: 'deployable:dep1', windows: [] });
      },
      maintenances: () => Promise.resolve({ maintenances: [], windows: [entry] }),
    },
  });
  for (const line of [
    'maintenance_window_add dep1 thursday,monday 03:00 90m --time-zone Europe/Berlin',
    'maintenance_window_remove dep1 thursday,monday 03:00',
    'maintenance_list',
    'maintenance_list --json',
  ])
    assert.equal(await runLine(line, session.context), 0, line);
  assert.deepEqual(asked, [
    ['dep1', window],
    ['dep1', { every: ['monday', 'thursday'], at: '03:00' }],
  ]);
  assert.deepEqual(session.printed.slice(0, -1), [
    'deployable:dep1 is under maintenance every monday, thursday at 03:00 Europe/Berlin for 90m, next 2026-11-30 03:00',
    'the window of deployable:dep1 comes no more',
    'Nothing is under maintenance.',
    'TARGET           NEXT',
    'deployable:dep1  2026-11-30 03:00',
    '    every monday, thursday at 03:00 Europe/Berlin for 90m',
  ]);
  assert.deepEqual(JSON.parse(session.printed.at(-1) ?? ''), {
    version: 1,
    maintenances: [],
    windows: [entry],
  });
});

test('a window that can never be is refused before the service is asked', async () => {
  const session = recorder({});
  const table = [
    [
      'maintenance_window_add dep1 day 03:00 24h',
      /FOR is too long: it must end an hour before it begins again/,
    ],
    ['maintenance_window_add dep1 day 03:00 10', /FOR Too small/],
    ['maintenance_window_add dep1 day 03:00 1h --time-zone Berlin', /the time zone "Berlin" is no time zone/],
    ['maintenance_window_add dep1 sundays 03:00 1h', /EVERY must be day, a day of the week/],
    ['maintenance_window_add dep1 day 3am 1h', /AT must be a time of day from 00:00 to 23:59/],
  ] as const;
  for (const [line, message] of table) {
    session.complained.length = 0;
    assert.equal(await runLine(line, session.context), 2, line);
    assert.match(session.complained[0] ?? '', message);
  }
});
