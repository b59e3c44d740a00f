/** The table as people read it: what misses is seen at once, and what it was measured on stands above. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatValue, renderJson, renderMarkdown, renderText } from '../../bench/render.ts';
import { summarize } from '../../bench/statistics.ts';

const report = {
  machine: {
    cpu: 'A CPU',
    cores: 2,
    memoryMiB: 24_000,
    kernel: '6.1',
    qemu: 'QEMU 7.2',
    libvirt: '9.0.0',
    node: '24.0.0',
    accelerator: 'tcg',
    date: '2030-01-01T00:00Z',
    loadAtStart: 0.5,
    loadHighest: 1.5,
  },
  rows: [
    summarize({ figure: 'quick', unit: 'ms', target: { atMost: 20 }, samples: [5, 6, 7] }),
    summarize({ figure: 'slow', unit: 's', target: { atMost: 60 }, samples: [70], note: 'because' }),
  ],
  methods: [{ name: 'quick', how: 'With a watch.' }],
};

test('digits follow the size of the number', () => {
  assert.equal(formatValue(0.123, '%'), '0.12 %');
  assert.equal(formatValue(5.55, 'ms'), '5.5 ms');
  assert.equal(formatValue(1234.5, 'ms'), '1235 ms');
  assert.equal(formatValue(Number.NaN, 'ms'), '-');
});

test('the terminal gets one line a figure, a missed target in capitals, and notes below', () => {
  const text = renderText(report);
  assert.match(text, /^A CPU, 2 cores/);
  assert.match(text, /^quick +≤ 20 ms +6\.0 ms +7\.0 ms +3 +reached$/m);
  assert.match(text, /^slow +≤ 60 s +70\.0 s +70\.0 s +1 +MISSED$/m);
  assert.match(text, /^ {2}slow: because$/m);
});

test('the page has the same table, the machine, and how it was measured', () => {
  const page = renderMarkdown(report);
  assert.match(page, /^\| quick \| ≤ 20 ms \| 6\.0 ms \| 7\.0 ms \| 3 \| reached \|$/m);
  assert.match(page, /^- A CPU, 2 cores/m);
  assert.match(page, /^\*\*quick\.\*\* With a watch\.$/m);
});

test('programs get every sample', () => {
  const parsed = JSON.parse(renderJson(report)) as { rows: { samples: number[] }[] };
  assert.deepEqual(parsed.rows[0]?.samples, [5, 6, 7]);
});
