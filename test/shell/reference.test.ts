/** The pages docs/pcloudsh.md and pcloudsh(1) say what the command table says. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { version } from '../../service/version.ts';
import { commandTable } from '../../shell/command-table.ts';
import { renderManual } from '../../shell/manual.ts';
import { renderReference } from '../../shell/reference.ts';
import { assertIsCurrent } from './golden-page.ts';

const checkout = path.resolve(import.meta.dirname, '../..');

test('the reference page is the one that the command table gives', async () => {
  await assertIsCurrent('docs/pcloudsh.md', renderReference(commandTable));
});

test('the manual page is the one that the command table gives', async () => {
  await assertIsCurrent('docs/man/pcloudsh.1', renderManual(commandTable, version));
});

test('a reader of the manual page sees each command, argument and option with what is said of it', async (t) => {
  const result = await execa(
    'groff',
    ['-man', '-Tutf8', '-P-c', '-rLL=1000n', path.join(checkout, 'docs/man/pcloudsh.1')],
    { reject: false, timeout: 20_000 },
  );
  if (result.code === 'ENOENT') return t.skip('groff is not installed');
  // Overstruck and underlined characters as the reader sees them, and what roff draws as one.
  const seen = result.stdout
    .replaceAll(/\S[\b](?=\S)/g, '')
    .replaceAll('−', '-')
    .replaceAll(/\s+/g, ' ');
  for (const command of commandTable) {
    const said = [
      command.example,
      ...command.help,
      ...command.arguments.map(({ about }) => about),
      ...command.options.flatMap(({ name, about }) => [`--${name}`, about]),
      ...(command.aliases ?? []),
    ];
    for (const text of said)
      assert.ok(seen.includes(text.replaceAll(/\s+/g, ' ')), `${command.name}: ${text}`);
  }
  return undefined;
});
