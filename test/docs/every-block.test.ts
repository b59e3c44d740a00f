/**
 * Every block of a page that a reader could type has been run: by a test that types the page, by a test that the page
 * names and that runs the same commands, or not, for a reason that the page gives. Which ones were not is printed.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { commandTable } from '../../shell/command-table.ts';
import { commandBlocks, type CommandBlock } from './command-blocks.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(checkout, file), 'utf8');
const pages = globSync(['*.md', 'docs/*.md', 'templates/**/README.md', 'kickstarts/README.md'], {
  cwd: checkout,
})
  // Made from the command table, whose examples have a test of their own.
  .filter((page) => page !== 'docs/pcloudsh.md')
  .sort();

const programs = new Set(
  'apt apt-get cp curl dnf dpkg eval export git install journalctl make mv node npm pcloud-builder pcloud-cped pcloudsh promtool restorecon rm rpm semanage semodule sh sqlite3 systemctl tail usermod virsh yum'.split(
    ' ',
  ),
);
const ours = new Set(commandTable.map(({ name }) => name));
const isProgram = (word: string): boolean =>
  programs.has(word) || (ours.has(word) && word.includes('_')) || word.startsWith('.toolchain/bin/');

/** What a test that runs this line must have in it. */
function keyOf(command: string): string {
  const words = command.replace(/^sudo /, '').split(/[\s;|]+/);
  const [first = '', second = ''] = words;
  const isPrefix = first === 'make' || first === 'pcloudsh' || first.endsWith('/pcloudsh');
  return isPrefix ? second.replace(/^-+/, '') : first;
}

const typed = new Set(
  globSync('test/integration/*.test.ts', { cwd: checkout }).flatMap((file) =>
    [...read(file).matchAll(/typePage\('([^']+)'\)/g)].map(([, page]) => page ?? ''),
  ),
);

function fault(page: string, block: CommandBlock): string | undefined {
  if (block.language === 'console' && typed.has(page)) return undefined;
  switch (block.evidence.kind) {
    case 'none':
      return 'nothing says who ran it. Put `<!-- shown by: TEST FILE -->` or `<!-- not run here: WHY -->` right above it';
    case 'not run':
      return undefined;
    case 'shown': {
      const missing = block.evidence.by.find((file) => !existsSync(path.join(checkout, file)));
      if (missing !== undefined) return `${missing} is not there`;
      const texts = block.evidence.by.map(read);
      const untyped = block.evidence.by.find((file) => file.endsWith('.md') && !typed.has(file));
      if (untyped !== undefined) return `${untyped} is a page that no test types`;
      // A test that reads the page takes the blocks out of it.
      if (texts.some((text) => text.includes(page))) return undefined;
      const key = block.commands.map(keyOf).find((word) => !texts.some((text) => text.includes(word)));
      return key === undefined ? undefined : `${block.evidence.by.join(', ')} does not have ${key}`;
    }
  }
}

for (const page of pages) {
  const blocks = commandBlocks(read(page), isProgram);
  if (blocks.length === 0) continue;
  test(`each block of ${page} that can be typed was run`, (context) => {
    for (const { evidence, line } of blocks)
      if (evidence.kind === 'not run') context.diagnostic(`${page}:${line} was not run: ${evidence.why}`);
    const faults = blocks.flatMap((block) => {
      const why = fault(page, block);
      return why === undefined ? [] : [`${page}:${block.line} \`${block.commands[0] ?? ''}\`: ${why}`];
    });
    assert.equal(faults.length, 0, `\n${faults.join('\n')}`);
  });
}

test('the rule tells a block that was run from one that was not', () => {
  const text = [
    '    make demo',
    '',
    '<!-- shown by: test/integration/demo.test.ts -->',
    '```sh',
    'make demo',
    '```',
    '',
    '```',
    'an output',
    '```',
    '',
    '<!-- not run here: there is no such machine -->',
    '',
    '    dnf install pacemaker-cloud',
    '',
    '```json',
    '{ "make": "it" }',
    '```',
  ].join('\n');
  assert.deepEqual(
    commandBlocks(text, isProgram).map(({ line, evidence }) => [line, evidence.kind]),
    [
      [1, 'none'],
      [4, 'shown'],
      [14, 'not run'],
    ],
  );
});
