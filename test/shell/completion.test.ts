/** What Tab offers, also when no service answers. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { commandTable } from '../../shell/command-table.ts';
import { complete, namesFromServices } from '../../shell/completion.ts';
import type { NameSource } from '../../shell/completion.ts';
import { filesLike } from '../../shell/file-names.ts';
import { recorder, serviceAway } from './ports-fake.ts';
import { assemblyStatus, deployableStatus } from './samples.ts';

const names: NameSource = (kind) =>
  Promise.resolve(
    {
      release: ['debian12', 'F14'],
      assembly: ['assy1', 'assy10', 'web'],
      deployable: ['dep1'],
      resource: ['httpdone'],
      secret: ['database-password'],
      template: ['httpd', 'mysqld'],
      build: ['3f9a0c11d2e4'],
      architecture: ['x86_64'],
      incident: ['12', '7', 'startup/assy1'],
      monitoring: ['am', 'pm'],
      failures: ['never'],
      period: ['never'],
      target: ['dep1', 'assy1', 'assy1/httpdone'],
      weekdays: ['day', 'sunday'],
      timeOfDay: [],
      duration: [],
      startLimit: ['default'],
      command: [],
      text: [],
    }[kind],
  );

async function offered(line: string): Promise<readonly string[]> {
  return (await complete(line, commandTable, names)).candidates;
}

test('the first word is a command, later words are what the command takes there', async () => {
  const table: readonly (readonly [string, readonly string[]])[] = [
    ['jeos_', ['jeos_create', 'jeos_delete', 'jeos_list', 'jeos_show']],
    ['ex', ['exit']],
    ['jeos_create ', ['F14', 'debian12']],
    ['jeos_create d', ['debian12']],
    ['jeos_create debian12 ', ['x86_64']],
    ['jeos_create debian12 x86_64 ', []],
    ['assembly_delete assy1', ['assy1', 'assy10']],
    ['assembly_create ', []],
    ['assembly_create new ', ['F14', 'debian12']],
    ['assembly_resource_add new h', ['httpd']],
    ['assembly_resource_add new httpd w', ['web']],
    ['assembly_resource_remove ', ['httpdone']],
    ['build_log ', ['3f9a0c11d2e4']],
    ['build_log 3f9a0c11d2e4 -', ['--follow', '--json']],
    ['build_log -f ', ['3f9a0c11d2e4']],
    ['jeos_create debian12 x86_64 --engine v', ['virt-install']],
    ['assembly_import a d --transport ', ['agent', 'none', 'ssh']],
    ['deployable_start --', ['--json', '--no-wait', '--timeout']],
    ['deployable_start --timeout ', []],
    ['deployable_start --timeout 5m ', ['dep1']],
    ['deployable_start --no-wait d', ['dep1']],
    ['escalation_resource_set r a 5 ', ['never']],
    ['deployable_create d i u ', ['am', 'pm']],
    ['incident_show ', ['12', '7', 'startup/assy1']],
    ['incident_show s', ['startup/assy1']],
    ['incident_list --deployable ', ['dep1']],
    ['incident_list --since ', []],
    ['events --', ['--by-incident', '--follow', '--json', '--since', '--tail', '--timestamps']],
    ['help jeos_l', ['jeos_list']],
    ['nonsense ', []],
    ['# jeos', []],
  ];
  for (const [line, candidates] of table) assert.deepEqual(await offered(line), candidates, line);
});

test('where a file is due the files are offered, directories with a slash', async (t) => {
  const directory = mkdtempSync('/tmp/pcloud-files-');
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const name of ['shop.yaml', 'shop.qcow2', '.hidden', 'two words.yaml'])
    writeFileSync(path.join(directory, name), '');
  mkdirSync(path.join(directory, 'more'));
  const offers = async (line: string): Promise<readonly string[]> =>
    (await complete(line, commandTable, names, filesLike)).candidates.map((file) =>
      file.slice(directory.length + 1),
    );
  for (const line of ['deployable_apply -f ', 'deployable_apply --diff --file ', 'assembly_import web1 ']) {
    assert.deepEqual(await offers(`${line}${directory}/`), ['more/', 'shop.qcow2', 'shop.yaml']);
    assert.deepEqual(await offers(`${line}${directory}/shop.y`), ['shop.yaml']);
  }
  assert.deepEqual(await offers(`deployable_apply -f ${directory}/none/`), []);
  assert.deepEqual((await complete('deployable_start ', commandTable, names, filesLike)).candidates, [
    'dep1',
  ]);
});

test('names come from the services', async () => {
  const { context } = recorder({
    cped: {
      assemblies: () => Promise.resolve([assemblyStatus(), assemblyStatus({ name: 'assy2' })]),
      deployables: () => Promise.resolve([deployableStatus()]),
      templates: () =>
        Promise.resolve({
          templates: [
            {
              name: 'httpd',
              summary: '',
              families: [],
              origin: 'shipped' as const,
              file: '',
              overrides: null,
              checks: [],
            },
          ],
          faults: [],
        }),
    },
    builder: {
      releases: () =>
        Promise.resolve([
          {
            name: 'debian12',
            aliases: [],
            summary: '',
            architectures: [],
            engine: 'bootstrap',
            engines: ['bootstrap'],
          },
        ]),
    },
  });
  const ask = namesFromServices(context.services);
  assert.deepEqual(await ask('assembly'), ['assy1', 'assy2']);
  assert.deepEqual(await ask('resource'), ['httpdone', 'httpdone']);
  assert.deepEqual(await ask('deployable'), ['dep1']);
  assert.deepEqual(await ask('template'), ['httpd']);
  assert.deepEqual(await ask('release'), ['debian12']);
});

test('a service that is away or hangs offers nothing, and soon', async () => {
  const away = recorder({ cped: { assemblies: () => Promise.reject(serviceAway) } });
  assert.deepEqual(await namesFromServices(away.context.services)('assembly'), []);
  const hangs = recorder({ cped: { assemblies: () => new Promise(() => undefined) } });
  const startedMs = performance.now();
  assert.deepEqual(await namesFromServices(hangs.context.services)('assembly'), []);
  assert.ok(performance.now() - startedMs < 1000);
});
