/** How a page's command blocks are read, and how what they print is compared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consoleBlocks } from './console-blocks.ts';
import { missingLine, shapeOf } from './output-shape.ts';
import { withOutput } from './update-blocks.ts';

const page = `# Page

\`\`\`console
$ pcloudsh status
service  runs
$ pcloudsh assembly_create \\
    web1 debian12
\`\`\`

<!-- again until it shows this, within 90 s -->
\`\`\`console
$ pcloudsh events
…
\`\`\`
`;

test('a block is its commands, each with what it prints, and how long it is tried', () => {
  assert.deepEqual(consoleBlocks(page), [
    {
      line: 3,
      againWithinMs: null,
      commands: [
        { line: 4, command: 'pcloudsh status', expected: ['service  runs'] },
        { line: 6, command: 'pcloudsh assembly_create \\\nweb1 debian12', expected: [] },
      ],
    },
    {
      line: 11,
      againWithinMs: 90_000,
      commands: [{ line: 12, command: 'pcloudsh events', expected: ['…'] }],
    },
  ]);
});

test('a block that is not closed, or begins with output, is told by its line', () => {
  assert.throws(() => consoleBlocks('```console\n$ a\n'), /line 1: a block is not closed/);
  assert.throws(() => consoleBlocks('```console\nb\n```\n'), /line 2: output before any command/);
});

test('times, sizes, pids and digests do not matter, words do', () => {
  assert.equal(shapeOf('built 96fa2f5cb0de in 233 s'), shapeOf('built 0c1d22ab… in 54.7 s'));
  assert.equal(shapeOf('took 1m01s until now'), shapeOf('took 2m44s until now'));
  assert.equal(shapeOf('62 MiB  5m29s  bootstrap'), shapeOf('8 MiB  45s  bootstrap'));
  assert.equal(shapeOf('after 1 min 16 s.'), shapeOf('after 950 ms.'));
  assert.equal(shapeOf('its main process 163 was killed'), shapeOf('its main process 2098 was killed'));
  assert.equal(
    shapeOf('in maintenance until 2026-11-28 00:01 (30 min left).'),
    shapeOf('in maintenance until 11:43 (30 min left).'),
  );
  assert.notEqual(shapeOf('assy is ACTIVE'), shapeOf('assy is FAILED'));
  assert.notEqual(shapeOf('decade'), shapeOf('facade'));
});

test('an ellipsis stands for lines or for a part of one, and nothing else may be missing', () => {
  const printed = ['a', 'b 12 c', 'd'];
  assert.equal(missingLine(['a', 'b 7 c', 'd'], printed), undefined);
  assert.equal(missingLine(['…', 'd'], printed), undefined);
  assert.equal(missingLine(['a', '…'], printed), undefined);
  assert.equal(missingLine(['a', 'b …', 'd'], printed), undefined);
  assert.equal(missingLine([], printed), undefined);
  assert.equal(missingLine(['a', 'd'], printed), 'd');
  assert.equal(missingLine(['a', 'b 1 c'], printed), '(the end)');
  assert.equal(missingLine(['…', 'e'], printed), 'e');
});

test('what was printed is written under its command, and nothing else changes', () => {
  const updated = withOutput(page, new Map([[4, ['service  stopped', 'since now', '']]]));
  assert.equal(updated, page.replace('service  runs', 'service  stopped\nsince now'));
  assert.equal(
    withOutput(page, new Map([[12, ['x']]])),
    page.replace('$ pcloudsh events\n…', '$ pcloudsh events\nx'),
  );
});
