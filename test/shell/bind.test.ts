/** Every command of the table against missing, surplus and malformed arguments; nothing is run here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import { bindCall } from '../../shell/bind.ts';
import type { ArgumentSpec, Command } from '../../shell/command.ts';
import { commandTable, findCommand } from '../../shell/command-table.ts';
import { parseWords } from '../../shell/words.ts';

/** Commands of the ancestor with their arguments in its order, and what we added. */
const promised: Readonly<Record<string, string>> = {
  jeos_create: 'RELEASE ARCH',
  jeos_delete: 'RELEASE ARCH',
  jeos_list: '',
  jeos_show: 'RELEASE ARCH',
  assembly_show: 'NAME',
  image_gc: '',
  assembly_create: 'NAME RELEASE ARCH',
  assembly_clone: 'SRC NEW',
  assembly_delete: 'NAME',
  assembly_list: '',
  assembly_resource_add: 'RESOURCE TEMPLATE ASSEMBLY',
  assembly_resource_remove: 'RESOURCE ASSEMBLY',
  assembly_resource_list: 'ASSEMBLY',
  escalation_resource_set: 'RESOURCE ASSEMBLY FAILURES PERIOD',
  escalation_assembly_set: 'ASSEMBLY FAILURES PERIOD',
  deployable_create: 'NAME INFRASTRUCTURE USER am|pm',
  deployable_delete: 'DEPLOYABLE',
  deployable_list: '',
  deployable_assembly_add: 'DEPLOYABLE ASSEMBLY',
  deployable_assembly_remove: 'DEPLOYABLE ASSEMBLY',
  deployable_assembly_list: 'DEPLOYABLE',
  deployable_start: 'DEPLOYABLE',
  deployable_stop: 'DEPLOYABLE',
  deployable_reload: 'DEPLOYABLE',
  deployable_status: 'DEPLOYABLE',
  deployable_recover: 'DEPLOYABLE',
  assembly_ssh: 'NAME COMMAND',
  build_list: '',
  events: '',
  status: '',
  help: 'COMMAND',
  quit: '',
};

test('every promised command is there, with its arguments in the promised order', () => {
  for (const [name, args] of Object.entries(promised))
    assert.equal(
      findCommand(name)
        .arguments.map((spec) => spec.name)
        .join(' '),
      args,
      name,
    );
  assert.equal(findCommand('exit').name, 'quit');
});

test('every command has a help with an example that parses', () => {
  for (const command of commandTable) {
    assert.ok(command.summary.length > 0 && !command.summary.endsWith('.'), command.name);
    assert.ok(command.help.length > 0, command.name);
    const [name, ...words] = parseWords(command.example);
    assert.equal(name, command.name);
    bindCall(command, words);
  }
});

test('optional arguments follow required ones, and a rest is the last', () => {
  const rank = { required: 0, optional: 1, rest: 2 };
  for (const command of commandTable) {
    const ranks = command.arguments.map(({ presence }) => rank[presence]);
    assert.deepEqual(
      ranks,
      ranks.toSorted((a, b) => a - b),
      command.name,
    );
    assert.ok(ranks.filter((one) => one === 2).length <= 1, command.name);
  }
});

function goodWord(spec: ArgumentSpec): string {
  switch (spec.kind) {
    case 'architecture':
      return 'x86_64';
    case 'failures':
      return '3';
    case 'period':
      return '1h';
    case 'monitoring':
      return 'pm';
    case 'build':
      return '3f9a0c';
    case 'incident':
      return 'startup/assy1/web';
    case 'weekdays':
      return 'monday,thursday';
    case 'timeOfDay':
      return '03:00';
    case 'duration':
      return '2h';
    case 'startLimit':
      return 'default';
    case 'target':
      return 'assy1/httpdone';
    case 'release':
    case 'assembly':
    case 'deployable':
    case 'resource':
    case 'secret':
    case 'template':
    case 'command':
    case 'text':
      return 'name1';
  }
}

/** Names as the issue lists them: spaces, slashes, newlines, leading dashes, 300 characters, and more. */
const badNames = [
  '',
  'a b',
  'a/b',
  '../x',
  'a\nb',
  'a'.repeat(300),
  'a..b',
  '.a',
  'a-',
  'ä',
  'a\u0000',
  '\u202ea',
];

function badWords(spec: ArgumentSpec): readonly string[] {
  switch (spec.kind) {
    case 'release':
    case 'assembly':
    case 'deployable':
    case 'resource':
    case 'secret':
    case 'template':
      return badNames;
    case 'architecture':
      return ['', 'i386', 'X86_64', 'x86_64 ', 'x86_6'];
    case 'failures':
      return ['', '0', '1.5', 'x', '10001', '99999999', 'Never', '0x1'];
    case 'period':
      return ['', '0', '1w', '-', 'x', '367d', '1.5s'];
    case 'monitoring':
      return ['', 'AM', 'xx'];
    case 'incident':
      return [
        '',
        'x',
        '1a',
        '-1',
        '1'.repeat(16),
        'startup',
        'startup/',
        'startup/a/b/c',
        'startup/a b',
        'other/a',
      ];
    case 'build':
      return ['', '3f9a0', '3F9A0C', '../../etc', 'a'.repeat(65), '3f9a0c\n'];
    case 'weekdays':
      return ['', 'Sunday', 'sun', 'monday,', 'monday, thursday', 'day,monday', 'monday;thursday'];
    case 'timeOfDay':
      return ['', '3:00', '24:00', '03:60', '0300', '03:00:00', ' 03:00', '03:00\n'];
    case 'duration':
      return ['', '0', '1w', 'never', '367d', '1.5h'];
    case 'startLimit':
      return ['', '0', '1001', '-1', '1.5', 'never', 'Default'];
    case 'target':
      return ['', 'a b', 'a/b/c', '../x', 'host:a', 'deployable:a/b', 'resource:a', 'a\nb', 'a'.repeat(5000)];
    case 'command':
    case 'text':
      return ['a'.repeat(5000)];
  }
}

function refused(command: Command, words: readonly string[]): PcloudError {
  let caught: unknown;
  try {
    bindCall(command, words);
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof PcloudError, `${command.name} took ${JSON.stringify(words)}`);
  assert.equal(caught.category, 'invalid');
  return caught;
}

test('a missing argument is named, with the usage', () => {
  for (const command of commandTable) {
    const required = command.arguments.filter(({ presence }) => presence === 'required');
    for (let count = 0; count < required.length; count += 1) {
      const error = refused(command, required.slice(0, count).map(goodWord));
      assert.match(error.message, new RegExp(`${required[count]?.name ?? ''} is missing`));
      assert.match(error.hint ?? '', new RegExp(`Usage: ${command.name}`));
    }
  }
});

test('a surplus argument is named', () => {
  for (const command of commandTable) {
    if (command.arguments.some(({ presence }) => presence === 'rest')) continue;
    const error = refused(command, [...command.arguments.map(goodWord), 'surplus']);
    assert.match(error.message, /"surplus" is one word too many/);
  }
});

test('a malformed argument is refused at every place of every command', () => {
  for (const command of commandTable)
    for (const [place, spec] of command.arguments.entries())
      for (const bad of badWords(spec)) {
        const words = command.arguments.map((other, index) => (index === place ? bad : goodWord(other)));
        refused(command, ['--', ...words]);
      }
});

test('an option that a command does not have is refused, and a leading dash is never a name', () => {
  for (const command of commandTable) {
    refused(command, ['--no-such-option']);
    refused(command, ['-x', ...command.arguments.map(goodWord)]);
  }
  assert.match(refused(findCommand('jeos_list'), ['--jsno']).hint ?? '', /Did you mean --json\?/);
});

test('options take values in both forms, and none twice', () => {
  const start = findCommand('deployable_start');
  assert.deepEqual(bindCall(start, ['dep1', '--timeout', '90']).options, { timeout: 90_000 });
  assert.deepEqual(bindCall(start, ['--timeout=5m', 'dep1', '--no-wait']).options, {
    timeout: 300_000,
    'no-wait': true,
  });
  refused(start, ['dep1', '--timeout']);
  refused(start, ['dep1', '--timeout', '0']);
  refused(start, ['dep1', '--timeout=1s', '--timeout=2s']);
  refused(start, ['dep1', '--no-wait=yes']);
  refused(findCommand('events'), ['--tail', '0']);
});

test('the command for a guest is taken verbatim, dashes and all', () => {
  const call = bindCall(findCommand('assembly_ssh'), ['assy1', 'killall', '-9', '--json', 'a b']);
  assert.deepEqual(call.arguments, { NAME: 'assy1', COMMAND: ['killall', '-9', '--json', 'a b'] });
});

test('an unknown command is refused with what may have been meant', () => {
  assert.throws(
    () => findCommand('deployable_strat\u001b'),
    (error) =>
      error instanceof PcloudError &&
      error.category === 'invalid' &&
      error.message.includes(String.raw`\u001b`) &&
      (error.hint ?? '').includes('deployable_start'),
  );
});
