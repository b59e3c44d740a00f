/** The commands for resource templates: what is printed, and what is said of files that cannot be used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TemplateDetails, TemplatesView } from '../../model/template-answers.ts';
import { runLine } from '../../shell/run-line.ts';
import { recorder } from './ports-fake.ts';

const fault = {
  name: 'web',
  file: '/o/web.yaml',
  line: 3,
  reason: 'summary: too \u001b[31m short',
  usesEarlier: false,
};
const list: TemplatesView = {
  templates: [
    {
      name: 'httpd',
      summary: 'a web server',
      families: ['debian', 'rhel'],
      origin: 'shipped',
      file: '/t/httpd.yaml',
      overrides: null,
      checks: ['page'],
    },
    {
      name: 'ours',
      summary: 'our thing',
      families: [],
      origin: 'operator',
      file: '/o/ours.yaml',
      overrides: null,
      checks: [],
    },
  ],
  faults: [fault, { ...fault, line: null, usesEarlier: true }],
};
const details: TemplateDetails = {
  name: 'pg',
  summary: 'a database',
  class: 'ocf',
  ocfAgent: 'heartbeat:pgsql',
  origin: 'operator',
  file: '/o/pg.yaml',
  overrides: '/t/pg.yaml',
  fault,
  families: {
    debian: { service: 'postgresql', packages: ['postgresql', 'resource-agents'], files: [] },
    rhel: { service: 'postgresql', packages: [], files: [] },
  },
  ports: [{ guestPort: 5432, scheme: 'tcp' }],
  monitorIntervalMs: 40_000,
  monitorTimeoutMs: 20_000,
  startTimeoutMs: 120_000,
  stopTimeoutMs: 120_000,
  checks: [
    {
      name: 'answers',
      probe: { kind: 'command', arguments: ['/usr/bin/pg_isready', '-t', '3'] },
      intervalMs: 10_000,
      timeoutMs: 2500,
      failuresNeeded: 3,
      startGraceMs: 60_000,
    },
    {
      name: 'port',
      probe: { kind: 'tcp', guestPort: 5432 },
      intervalMs: 10_000,
      timeoutMs: 5000,
      failuresNeeded: 1,
      startGraceMs: 0,
    },
  ],
  parameters: [
    { name: 'pgdata', summary: 'Where the data is', required: false, defaults: { debian: '/a', rhel: '/b' } },
    { name: 'pgport', summary: 'Port', required: false, defaults: { debian: '5432', rhel: '5432' } },
    { name: 'master', summary: 'Address of the other', required: true, defaults: {} },
  ],
};

test('the list shows where a template comes from, and each broken file as a warning of its own', async () => {
  const made = recorder({ cped: { templates: () => Promise.resolve(list) } });
  assert.equal(await runLine('resource_template_list', made.context), 0);
  assert.deepEqual(made.printed, [
    'NAME   ON           CHECKS  FROM     WHAT',
    'httpd  debian rhel  page    shipped  a web server',
    'ours   nothing      -       yours    our thing',
  ]);
  assert.deepEqual(made.complained, [
    String.raw`warning: /o/web.yaml, line 3: summary: too \u001b[31m short.`,
    String.raw`warning: /o/web.yaml: summary: too \u001b[31m short.`,
    '  hint: What was read of it before is still in use, until pcloud-cped is restarted.',
  ]);
});

test('as JSON the list is one line, faults and all', async () => {
  const made = recorder({ cped: { templates: () => Promise.resolve(list) } });
  assert.equal(await runLine('template_list --json', made.context), 0);
  assert.deepEqual(
    made.printed.map((line): unknown => JSON.parse(line)),
    [{ version: 1, ...list }],
  );
  assert.deepEqual(made.complained, []);
});

test('all of one template is shown, a line for each fact', async () => {
  const asked: string[] = [];
  const template = (name: string): Promise<TemplateDetails> => {
    asked.push(name);
    return Promise.resolve(details);
  };
  const made = recorder({ cped: { template } });
  assert.equal(await runLine('resource_template_show pg', made.context), 0);
  assert.deepEqual(asked, ['pg']);
  assert.deepEqual(made.printed, [
    'pg: a database',
    '  file        /o/pg.yaml',
    '              takes the place of /t/pg.yaml',
    '  class       ocf heartbeat:pgsql',
    '  on          debian: service postgresql, packages postgresql resource-agents',
    '              rhel: service postgresql, packages none',
    '  monitor     every 40s, within 20s',
    '  start       within 2m',
    '  stop        within 2m',
    '  ports       5432 (tcp)',
    '  checks      answers: command /usr/bin/pg_isready -t 3',
    '                every 10s, within 2.5s; fails when bad 3 times in a row, from 1m after its start',
    '              port: TCP on port 5432',
    '                every 10s, within 5s; fails when bad once, from 0s after its start',
    '  parameters  pgdata: Where the data is',
    '                default on debian /a',
    '                default on rhel /b',
    '              pgport: Port',
    '                default 5432',
    '              master (required): Address of the other',
  ]);
  assert.equal(made.complained.length, 1);
});

test('a template as JSON is what the service says', async () => {
  const made = recorder({ cped: { template: () => Promise.resolve(details) } });
  assert.equal(await runLine('resource_template_show pg --json', made.context), 0);
  assert.deepEqual(
    made.printed.map((line): unknown => JSON.parse(line)),
    [{ version: 1, template: details }],
  );
});
