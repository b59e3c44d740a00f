/** What the operator sees: tables, the tree, messages, progress. Exact texts, and limits on width. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import * as fc from 'fast-check';
import { PcloudError } from '../../model/errors.ts';
import {
  renderError,
  renderEvent,
  renderProgressLine,
  renderProgressStep,
  renderWarning,
} from '../../shell/render-message.ts';
import { renderHelp, renderOverview, renderTopicsOf, wrap } from '../../shell/render-help.ts';
import { renderImages } from '../../shell/render-images.ts';
import { renderAssemblies, renderDeployables } from '../../shell/render-status.ts';
import { renderDeployableTree } from '../../shell/render-tree.ts';
import { renderTable } from '../../shell/render-table.ts';
import { commandTable } from '../../shell/command-table.ts';
import { createStyle, plainStyle, wantsColour, wantsUnicode } from '../../shell/style.ts';
import {
  assemblyStatus,
  deployableStatus,
  jeosDigest,
  journalEvent,
  nowMs,
  resourceStatus,
} from './samples.ts';

const view = { nowMs, columns: 80, style: plainStyle };
const colourful = createStyle({ colour: true, unicode: true });

test('the tree shows state, time, failures and address of everything, within 80 columns', () => {
  const lines = renderDeployableTree(deployableStatus(), view);
  assert.deepEqual(lines, [
    'NAME            STATE   FOR    FAILURES      WHERE',
    'dep1            active  4m00s                should run',
    '|- assy1        online  4m12s  0 of 3 in 1h  ssh port 20022, image b2b2b2b2b2b2',
    '|  `- httpdone  active  4m00s  1 of 5 in 1h  http://127.0.0.1:20080/',
    '`- assy2        online  4m12s  0 of 3 in 1h  ssh port 20022, image b2b2b2b2b2b2',
    '   `- httpdtwo  active  4m00s  1 of 5 in 1h  http://127.0.0.1:20080/',
  ]);
  assert.ok(lines.every((line) => line.length <= 80));
});

test('notes stand below the tree, and passive monitoring is said', () => {
  const status = deployableStatus({
    monitoring: 'pm',
    state: 'blocked',
    note: 'gave up after 2 restarts',
    assemblies: [assemblyStatus({ resources: [resourceStatus({ note: 'exit code 5\n\u001b[2J' })] })],
  });
  assert.deepEqual(renderDeployableTree(status, view).slice(-3), [
    '  passive monitoring: resources are not watched',
    '  dep1: gave up after 2 restarts',
    String.raw`  httpdone: exit code 5\n\u001b[2J`,
  ]);
});

test('a word of a heading lists the commands below it, and no command has such a name', () => {
  const lines = renderTopicsOf(commandTable, 'Builds');
  assert.equal(lines[0], 'builds:');
  assert.ok(lines.some((line) => line.startsWith('  build_log ')));
  assert.ok(!lines.some((line) => line.includes('deployable_start')));
  assert.deepEqual(renderTopicsOf(commandTable, 'build'), []);
  for (const { name } of commandTable) assert.deepEqual(renderTopicsOf(commandTable, name), [], name);
});

test('at 40 columns the tree keeps name, state and time in a row, with the rest below its branch', () => {
  const status = deployableStatus({
    assemblies: [
      assemblyStatus({
        name: 'web1',
        resources: [
          resourceStatus({
            state: 'unrecoverable',
            urls: ['http://127.0.0.1:20080/', 'https://127.0.0.1:20443/'],
            note: 'its start has failed five times within an hour',
          }),
        ],
      }),
      assemblyStatus({ name: 'db1', resources: [] }),
    ],
  });
  assert.deepEqual(renderDeployableTree(status, { ...view, columns: 40 }), [
    'NAME            STATE          FOR',
    'dep1            active         4m00s',
    '|    should run',
    '|- web1         online         4m12s',
    '|  |    failures 0 of 3 in 1h',
    '|  |    ssh port 20022,',
    '|  |    image b2b2b2b2b2b2',
    '|  `- httpdone  unrecoverable  4m00s',
    '|       failures 1 of 5 in 1h',
    '|       http://127.0.0.1:20080/',
    '|       https://127.0.0.1:20443/',
    '`- db1          online         4m12s',
    '        failures 0 of 3 in 1h',
    '        ssh port 20022,',
    '        image b2b2b2b2b2b2',
    '  httpdone: its start has failed five',
    '    times within an hour',
  ]);
});

test('where all but the image fits, the rows stay whole and the image goes below its machine', () => {
  const status = deployableStatus({ assemblies: [assemblyStatus({ name: 'web1' })] });
  const lines = renderDeployableTree(status, { ...view, columns: 72 });
  assert.match(lines[0] ?? '', /FAILURES +WHERE$/);
  assert.match(lines[2] ?? '', /web1 +online .* ssh port 20022$/);
  assert.equal(lines[3]?.trimEnd(), '   |    image b2b2b2b2b2b2');
  assert.match(lines[4] ?? '', /http:\/\/127\.0\.0\.1:\d+\/$/);
});

test('on a narrow terminal nothing is lost, and nothing is wider than what cannot be broken', () => {
  const lines = renderDeployableTree(deployableStatus(), { ...view, columns: 60 });
  assert.ok(lines.includes('|  |    ssh port 20022, image b2b2b2b2b2b2'), lines.join('\n'));
  assert.ok(lines.every((line) => line.length <= 60));
  for (const columns of [1, 20, 40]) {
    const text = renderDeployableTree(deployableStatus(), { ...view, columns }).join('\n');
    for (const part of ['dep1', 'assy2', 'httpdtwo', 'http://127.0.0.1:20080/'])
      assert.ok(text.includes(part));
    renderAssemblies([assemblyStatus()], { ...view, columns });
    for (const command of commandTable) renderHelp(command, columns);
  }
});

test('columns of a table line up whatever the cells hold, and no control character gets through', () => {
  const cell = fc.string({ unit: 'binary', maxLength: 15 });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell), { maxLength: 6 }), (rows) => {
      const lines = renderTable({ header: ['A', 'B', 'C'], rows }, null);
      assert.equal(lines.length, rows.length + 1);
      // oxlint-disable-next-line no-control-regex -- that is what must not be there
      assert.ok(lines.every((line) => !/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/.test(line)));
    }),
  );
  assert.deepEqual(
    renderTable(
      {
        header: ['A', 'B'],
        rows: [
          ['long', 'x'],
          ['s', 'y'],
        ],
      },
      null,
    ),
    ['A     B', 'long  x', 's     y'],
  );
});

test('a state is green when well, red when a person is needed, and colours do not move columns', () => {
  const plain = renderDeployables([deployableStatus(), deployableStatus({ state: 'blocked' })], view);
  const coloured = renderDeployables([deployableStatus(), deployableStatus({ state: 'blocked' })], {
    ...view,
    style: colourful,
  });
  assert.ok(coloured[1]?.includes('\u001b[32mactive'));
  assert.ok(coloured[2]?.includes('\u001b[31mblocked'));
  assert.deepEqual(
    coloured.map((line) => stripVTControlCharacters(line)),
    plain,
  );
});

test('images are listed with digest, size, age and engine; what is replaced or synthetic says so', () => {
  const image = {
    digest: jeosDigest,
    kind: 'jeos',
    release: 'debian12',
    architecture: 'x86_64',
    parentDigest: null,
    names: ['jeos debian12 x86_64'],
    templates: [],
    sizeBytes: 83_000_000,
    createdAtMs: nowMs - 7_500_000,
    engine: 'bootstrap',
    engineVersion: '1.3.5',
    synthetic: false,
  } as const;
  assert.match(renderImages([{ ...image, names: [] }], view).join('\n'), /replaced by a newer one$/);
  assert.match(renderImages([{ ...image, synthetic: true }], view).join('\n'), /SYNTHETIC: made from a test/);
  assert.deepEqual(renderImages([image, { ...image, engine: 'oz', engineVersion: null }], view), [
    'RELEASE   ARCH    IMAGE         SIZE    AGE    ENGINE',
    'debian12  x86_64  a1a1a1a1a1a1  79 MiB  2h05m  bootstrap 1.3.5',
    'debian12  x86_64  a1a1a1a1a1a1  79 MiB  2h05m  oz',
  ]);
});

test('an error is one line with its hint below, and control characters in it are escaped', () => {
  const error = new PcloudError({
    code: 'x',
    category: 'failed',
    message: 'It broke:\n\u001b[31mred',
    hint: 'First this.\nThen that.',
  });
  assert.deepEqual(renderError(error, plainStyle), [
    String.raw`error: It broke:\n\u001b[31mred`,
    '  hint: First this.',
    '  Then that.',
  ]);
  assert.deepEqual(renderWarning('Careful.', undefined, plainStyle), ['warning: Careful.']);
});

test('an event has the time of day, its text as it is, and a colour by severity', () => {
  const event = journalEvent({ text: 'a\rb' });
  assert.equal(renderEvent(event, nowMs, plainStyle), String.raw`12:00:00 a\u000db`);
  assert.ok(renderEvent(event, nowMs, colourful).includes('\u001b[31m'));
  const active = journalEvent({ kind: 'resource-active', severity: 'info' });
  assert.ok(renderEvent(active, nowMs, colourful).includes('\u001b[32m'));
});

test('a progress line never exceeds the terminal; the bar goes first, then words, and the time stays', () => {
  const progress = { state: 'active', percent: 42.7, step: 'installing packages' };
  assert.equal(
    renderProgressLine('JEOS debian12 x86_64', progress, 31_000, plainStyle, 80),
    ' 42% #########........... JEOS debian12 x86_64: installing packages 31s',
  );
  assert.equal(
    renderProgressLine('JEOS debian12 x86_64', progress, 31_000, plainStyle, 60),
    ' 42% JEOS debian12 x86_64: installing packages 31s',
  );
  assert.equal(
    renderProgressLine('JEOS debian12 x86_64', progress, 31_000, plainStyle, 40, 20_000),
    ' 42% JEOS debian1… 31s, about 20 s left',
  );
  for (let columns = 1; columns < 100; columns += 1)
    assert.ok(renderProgressLine('title', progress, 0, plainStyle, columns).length < columns);
  assert.equal(
    renderProgressStep('JEOS', { state: 'waiting', percent: null, step: null }, 1000),
    'JEOS: waiting (1s)',
  );
});

test('colour needs a terminal that is not dumb and no NO_COLOR; line drawing needs a UTF-8 locale', () => {
  assert.equal(wantsColour(true, {}), true);
  assert.equal(wantsColour(false, {}), false);
  assert.equal(wantsColour(true, { NO_COLOR: '1' }), false);
  assert.equal(wantsColour(true, { NO_COLOR: '' }), true);
  assert.equal(wantsColour(true, { TERM: 'dumb' }), false);
  assert.equal(wantsUnicode({ LANG: 'en_US.UTF-8' }), true);
  assert.equal(wantsUnicode({ LC_ALL: 'C', LANG: 'en_US.UTF-8' }), false);
  assert.equal(wantsUnicode({}), false);
});

test('the overview names every command within 100 columns, and long paragraphs are wrapped', () => {
  const lines = renderOverview(commandTable);
  for (const { name } of commandTable) assert.ok(lines.some((line) => line.startsWith(`  ${name} `)));
  assert.ok(lines.every((line) => line.length <= 100));
  assert.deepEqual(wrap('aa bb cc', 5), ['aa bb', 'cc']);
  assert.deepEqual(wrap('aaaaaaaaaa b', 5), ['aaaaaaaaaa', 'b']);
});
