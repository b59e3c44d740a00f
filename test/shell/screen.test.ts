/** The screen: what is printed stands above what is at the bottom, and a pipe gets nothing but lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScreen } from '../../shell/screen.ts';
import { createTerminal } from './terminal.ts';

function onTerminal(environment: Record<string, string> = {}) {
  const terminal = createTerminal(40);
  // The kernel's terminal adds the carriage return.
  const output = {
    isTTY: true,
    columns: 40,
    write: (text: string) => terminal.write(text.replaceAll('\n', '\r\n')),
  };
  return { terminal, screen: createScreen({ stdout: output, stderr: output, environment }) };
}

test('lines come above a line that is redrawn in place, which goes without a trace', () => {
  const { terminal, screen } = onTerminal();
  screen.live(' 10% building');
  screen.print(['an event']);
  screen.live(' 20% building more');
  screen.complain(['a warning']);
  assert.deepEqual(terminal.lines(), ['an event', 'a warning', ' 20% building more']);
  screen.live(undefined);
  screen.print(['done']);
  assert.deepEqual(terminal.lines(), ['an event', 'a warning', 'done']);
});

test('what owns the bottom is taken away before and put back after', () => {
  const { terminal, screen } = onTerminal();
  const told: string[] = [];
  screen.setBottomLine({ hide: () => told.push('hide'), show: () => told.push('show') });
  screen.print(['one', 'two']);
  assert.deepEqual(told, ['hide', 'show']);
  screen.setBottomLine(undefined);
  screen.print(['three']);
  assert.deepEqual(told, ['hide', 'show']);
  assert.deepEqual(terminal.lines(), ['one', 'two', 'three']);
});

test('a pipe gets the lines alone: no colour, no redrawing, no width', () => {
  let text = '';
  const pipe = {
    write: (part: string) => {
      text += part;
    },
  };
  const screen = createScreen({ stdout: pipe, stderr: pipe, environment: { LANG: 'C.UTF-8' } });
  assert.equal(screen.canRedraw, false);
  assert.equal(screen.columns(), null);
  screen.live('50%');
  screen.print([screen.style.red('x')]);
  screen.live(undefined);
  assert.equal(text, 'x\n');
});

test('a terminal of which nobody knows the size is taken for one of 80 columns and 24 rows', () => {
  const output = { isTTY: true, columns: 0, rows: 0, write: () => true };
  const screen = createScreen({ stdout: output, stderr: output, environment: {} });
  assert.equal(screen.columns(), 80);
  assert.equal(screen.rows(), 24);
});

test('a dumb terminal is not redrawn', () => {
  const { terminal, screen } = onTerminal({ TERM: 'dumb' });
  screen.live('50%');
  screen.print(['x']);
  assert.equal(screen.canRedraw, false);
  assert.deepEqual(terminal.lines(), ['x']);
});

test('a frame has the terminal to itself: what is printed meanwhile comes after it, the newest of it', () => {
  const { terminal, screen } = onTerminal();
  screen.print(['before']);
  screen.frame(['a', 'longer']);
  screen.print(['during']);
  screen.complain(['a warning']);
  screen.frame(['b', 'c']);
  assert.ok(terminal.isAlternate());
  assert.deepEqual(terminal.lines(), ['b', 'c']);
  screen.frame(undefined);
  assert.deepEqual(terminal.lines(), ['before', 'during', 'a warning']);
  screen.frame(['again']);
  for (let count = 0; count < 1500; count += 1) screen.print([`line ${count}`]);
  screen.frame(undefined);
  assert.deepEqual(terminal.lines().slice(3, 5), ['500 earlier lines are not shown', 'line 500']);
  assert.equal(terminal.lines().at(-1), 'line 1499');
});
