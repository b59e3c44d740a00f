/**
 * Types a page as it stands: each of its commands is run in the page's order on a private stack of its own, with real
 * machines, and prints what the page says, by shape. `UPDATE_GOLDENS=1` writes what was printed into the page.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { startService, stopService } from '../../tools/stack/services.ts';
import { clientEnvironment, downStack, layoutOfThisCheckout, upStack } from '../../tools/stack/stack.ts';
import type { StackLayout } from '../../tools/stack/layout.ts';
import { consoleBlocks, type ConsoleBlock, type ConsoleCommand } from '../docs/console-blocks.ts';
import { missingLine } from '../docs/output-shape.ts';
import { withOutput } from '../docs/update-blocks.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const state = process.env['PCLOUD_TEST_STATE'] ?? path.join(checkout, '.pcloud/test');
const updates = process.env['UPDATE_GOLDENS'] === '1' && process.env['CI'] === undefined;

/** The longest is the first build of the image. */
const commandLimitMs = 240_000;
const lookEveryMs = 500;

type Typist = (command: string) => Promise<readonly string[]>;

/**
 * Declares a test for each command of the page.
 * @param page relative to the checkout
 */
export function typePage(page: string): void {
  const text = readFileSync(path.join(checkout, page), 'utf8');
  const blocks = consoleBlocks(text);
  const stateDir = mkdtempSync('/tmp/pct-');
  const layout = layoutOfThisCheckout(stateDir);
  const type = createTypist(layout);
  const printedAt = new Map<number, readonly string[]>();
  // The demo's: the image is built once for both.
  process.env['PCLOUD_IMAGE_DIR'] = path.join(state, 'stack/images');

  after(async () => {
    await downStack(layout, () => undefined);
    rmSync(stateDir, { recursive: true, force: true });
    if (updates) writeFileSync(path.join(checkout, page), withOutput(text, printedAt));
  });
  test(`${page} has command blocks`, () => assert.ok(blocks.length > 3));
  for (const block of blocks)
    for (const command of block.commands)
      test(`line ${command.line}: ${command.command.split('\n')[0]}`, { timeout: 300_000 }, async () => {
        const missing = await follow(type, block, command, updates);
        if (missing === undefined) return;
        // What has its shape still is left as a person wrote it.
        if (updates && block.againWithinMs === null) printedAt.set(command.line, missing.printed);
        else
          assert.fail(
            `${command.command}\nthe page says, and it did not print:\n${missing.line}\nit printed:\n${missing.printed.join('\n')}`,
          );
      });
}

/** Runs what a reader types. The environment is what the page had its reader take, and nothing before that. */
function createTypist(layout: StackLayout): Typist {
  let environment: Readonly<Record<string, string>> = {};
  const quiet = (): void => undefined;
  /** The page means the checkout's own stack; the test has one beside it, with images that other tests made before. */
  const ofTheStack: Readonly<Record<string, () => Promise<unknown>>> = {
    'make stack-up': async () => await upStack(layout, quiet),
    'make stack-down': async () => await downStack(layout, quiet),
    'node tools/stack/main.ts stop pcloud-cped': async () => await stopService(layout, 'pcloud-cped'),
    'node tools/stack/main.ts start pcloud-cped': async () => await startService(layout, 'pcloud-cped'),
    'eval "$(node tools/stack/main.ts env)"': async () => {
      environment = clientEnvironment(layout);
    },
  };
  return async (command) => {
    const own = ofTheStack[command];
    if (own !== undefined) {
      await own();
      return [];
    }
    const result = await execa('sh', ['-e'], {
      input: command,
      cwd: checkout,
      all: true,
      reject: false,
      env: {
        ...environment,
        PATH: `${path.join(checkout, '.toolchain/bin')}:${process.env['PATH'] ?? ''}`,
        NO_COLOR: '1',
      },
      timeout: commandLimitMs,
    });
    const code = result.exitCode === 0 ? '' : `exit code ${result.exitCode}`;
    return `${result.all}\n${code}`
      .replaceAll(layout.stateDir, '…')
      .replaceAll(state, '…')
      .replaceAll(checkout, '…')
      .split('\n');
  };
}

/**
 * Types it, again if the page says so. Undefined: it printed what the page says.
 * @param fillsEmpty a page that says nothing of the output is not yet what it should be
 */
async function follow(
  type: Typist,
  block: ConsoleBlock,
  { command, expected }: ConsoleCommand,
  fillsEmpty: boolean,
): Promise<{ readonly line: string; readonly printed: readonly string[] } | undefined> {
  const deadlineMs = performance.now() + (block.againWithinMs ?? 0);
  for (;;) {
    const printed = await type(command);
    const isEmpty = fillsEmpty && expected.length === 0 && printed.join('') !== '';
    const line = isEmpty ? '(nothing yet)' : missingLine(expected, printed);
    if (line === undefined) return undefined;
    if (performance.now() > deadlineMs) return { line, printed };
    await delay(lookEveryMs);
  }
}
