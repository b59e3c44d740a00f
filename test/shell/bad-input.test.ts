/**
 * Every command with bad input: a message with a hint, exit code 2, and not one request to a service. Two
 * real servers listen on the sockets that the shell would use, so that a request would be seen. The commands
 * run in this process, as a program start for each of a hundred lines would take a minute; a few lines go
 * through the real program.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Command } from '../../shell/command.ts';
import { commandTable } from '../../shell/command-table.ts';
import { runLine } from '../../shell/run-line.ts';
import { connectServices } from '../../shell/services.ts';
import { cpedRoutes } from './canned.ts';
import { fakeServices } from './fake-services.ts';
import type { FakeServices } from './fake-services.ts';
import { recorder } from './ports-fake.ts';
import { runShell } from './run-shell.ts';

let services: FakeServices;
before(async () => {
  services = await fakeServices({ cped: cpedRoutes });
});
after(async () => await services.close());

type Told = {
  readonly code: number;
  readonly printed: readonly string[];
  readonly complained: readonly string[];
};

async function runHere(line: string): Promise<Told> {
  const { context, printed, complained } = recorder({});
  const connected = connectServices({ PCLOUD_RUNTIME_DIR: services.runtimeDirectory });
  const code = await runLine(line, { ...context, services: connected });
  return { code, printed, complained };
}

/** Lines that each must be refused. */
function badLines(command: Command): readonly string[] {
  const required = command.arguments.filter(({ presence }) => presence === 'required');
  const named = command.arguments.some(({ kind }) => kind !== 'text' && kind !== 'command');
  // A target may be a resource of an assembly, and nothing deeper.
  const path = command.arguments.some(({ kind }) => kind === 'target') ? 'a/b/c' : 'a/b';
  const takesRest = command.arguments.some(({ presence }) => presence === 'rest');
  const all = (word: string): string => [command.name, ...command.arguments.map(() => word)].join(' ');
  return [
    ...required.map((_, count) => [command.name, ...required.slice(0, count).map(() => 'never')].join(' ')),
    ...(takesRest ? [] : [`${all('never')} surplus`]),
    ...(named ? [all("'a b'"), all(path), all("''"), all('a'.repeat(300)), all(String.raw`-- -a`)] : []),
    `${command.name} --no-such-option`,
    `${command.name} 'unclosed`,
  ];
}

test('the servers would notice: a good line is a request', async () => {
  assert.equal((await runHere('assembly_list')).code, 0);
  assert.deepEqual(services.requests(), ['GET /v1/assemblies']);
  services.cped.requests.length = 0;
});

for (const command of commandTable)
  test(`bad input to ${command.name} is refused before anything is sent`, async () => {
    for (const line of badLines(command)) {
      const { code, printed, complained } = await runHere(line);
      assert.equal(code, 2, line);
      assert.deepEqual(printed, [], line);
      assert.match(complained[0] ?? '', /^error: ./, line);
      assert.match(complained[1] ?? '', /^ {2}hint: ./, line);
    }
    assert.deepEqual(services.requests(), []);
  });

test('a period without failures, or the reverse, is refused', async () => {
  for (const line of [
    'escalation_assembly_set assy1 3',
    'deployable_create dep1 libvirt',
    'build_cancel xyz',
    'build_log -f',
    'build_log 3f9a0c11d2e4 -f -f',
    'build_retry 3f9a0',
    'events --since yesterday',
    'events --since 2026-13-01T00:00:00Z',
    'incident_list --limit 1001',
    'incident_list --deployable a/b',
    'incident_show 1x',
    'incident_show startup/a/b/c',
    'incident_show startup/../x',
  ])
    assert.equal((await runHere(line)).code, 2, line);
  assert.deepEqual(services.requests(), []);
});

test('through the real program: names as operators get them wrong, each with the rule it breaks', async () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['a b', /contains a space/],
    ['a/b', /contains a slash/],
    ['a\nb', /contains a line break/],
    ['-a', /names do not begin with a dash/],
    ['a'.repeat(300), /has 300 characters, the limit is 63/],
    ['', /it is empty/],
    ['a\u001b[2J', /not allowed/],
  ];
  for (const [name, rule] of table) {
    const { code, stdout, stderr } = await runShell(services.runtimeDirectory, [
      'assembly_create',
      name,
      'debian12',
      'x86_64',
    ]);
    assert.equal(code, 2, JSON.stringify(name));
    assert.equal(stdout, '');
    assert.match(stderr, rule);
    assert.ok(!stderr.includes('\u001b'));
  }
  assert.deepEqual(services.requests(), []);
});

test('the program’s own options are checked as well', async () => {
  for (const argv of [
    ['-x'],
    ['--version', 'x'],
    ['-f'],
    ['-f', '/nowhere'],
    ['-f', '/tmp'],
    ['no_such_command'],
  ]) {
    const { code, stderr } = await runShell(services.runtimeDirectory, argv);
    assert.equal(code, 2, argv.join(' '));
    assert.match(stderr, /^error: /);
    assert.doesNotMatch(stderr, /\n {4}at /);
  }
});
