/**
 * docs/tutorial.md, typed as it stands: each of its commands is run in the page's order on a private stack with a real
 * machine, and prints what the page says, by shape. `UPDATE_GOLDENS=1` writes what was printed into the page.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { clientEnvironment, downStack, layoutOfThisCheckout, upStack } from '../../tools/stack/stack.ts';
import { consoleBlocks, type ConsoleBlock, type ConsoleCommand } from '../docs/console-blocks.ts';
import { missingLine } from '../docs/output-shape.ts';
import { withOutput } from '../docs/update-blocks.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const state = process.env['PCLOUD_TEST_STATE'] ?? path.join(checkout, '.pcloud/test');
const stateDir = mkdtempSync('/tmp/pct-');
const layout = layoutOfThisCheckout(stateDir);
// The demo's: the image is built once for both.
process.env['PCLOUD_IMAGE_DIR'] = path.join(state, 'stack/images');
const page = path.join(checkout, 'docs/tutorial.md');
const text = readFileSync(page, 'utf8');
const updates = process.env['UPDATE_GOLDENS'] === '1' && process.env['CI'] === undefined;

/** The longest is the first build of the image. */
const commandLimitMs = 240_000;
const lookEveryMs = 500;
const quiet = (): void => undefined;
const printedAt = new Map<number, readonly string[]>();

/** Empty until the page has its reader take it. */
let environment: Readonly<Record<string, string>> = {};

/** The page has the checkout's own stack; the test has one of its own, with images that other tests made before. */
const stackCommands: Readonly<Record<string, () => Promise<unknown>>> = {
  'make stack-up': async () => await upStack(layout, quiet),
  'make stack-down': async () => await downStack(layout, quiet),
  'eval "$(node tools/stack/main.ts env)"': async () => {
    environment = clientEnvironment(layout);
  },
};

async function type(command: string): Promise<readonly string[]> {
  const own = stackCommands[command];
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
  return `${result.all}\n${code}`.replaceAll(state, '…').replaceAll(checkout, '…').split('\n');
}

async function follow(block: ConsoleBlock, { command, expected }: ConsoleCommand): Promise<void> {
  const deadlineMs = performance.now() + (block.againWithinMs ?? 0);
  for (;;) {
    const printed = await type(command);
    const missing = missingLine(expected, printed);
    if (missing === undefined) return;
    if (performance.now() > deadlineMs)
      assert.fail(
        `${command}\nthe page says, and it did not print:\n${missing}\nit printed:\n${printed.join('\n')}`,
      );
    await delay(lookEveryMs);
  }
}

const blocks = consoleBlocks(text);

before(() => assert.ok(blocks.length > 8, 'the tutorial has its blocks'));
after(async () => {
  await downStack(layout, quiet);
  rmSync(stateDir, { recursive: true, force: true });
  if (updates) writeFileSync(page, withOutput(text, printedAt));
});

for (const block of blocks)
  for (const command of block.commands)
    test(`line ${command.line}: ${command.command.split('\n')[0]}`, { timeout: 300_000 }, async () => {
      if (!updates || block.againWithinMs !== null) return await follow(block, command);
      const printed = await type(command.command);
      // What has its shape still is left as a person wrote it.
      if (missingLine(command.expected, printed) !== undefined) printedAt.set(command.line, printed);
      return undefined;
    });
