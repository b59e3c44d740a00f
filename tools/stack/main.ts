/**
 * The private stack from the command line:
 *   main.ts up | down | status | env | exec COMMAND [ARGUMENT]...
 *   main.ts start|stop|kill pcloud-builder|pcloud-cped
 * It parses, calls `stack.ts`, and prints.
 */
import path from 'node:path';
import { execa } from 'execa';
import { PcloudError, exitCodeOf } from '../../model/errors.ts';
import type { StackLayout } from './layout.ts';
import { pageAccess, preparePage } from './page.ts';
import { type ServiceName, killService, serviceNames, startService, stopService } from './services.ts';
import {
  clientEnvironment,
  downStack,
  layoutOfThisCheckout,
  machinesOf,
  statusOf,
  upStack,
} from './stack.ts';

const usage = `usage: tools/stack/main.ts COMMAND
  up                  start libvirtd, pcloud-builder and pcloud-cped, and wait until they answer
  down                stop them and every machine in the stack
  status              what runs; exit code 0 when all of it does
  page                the same as up, then where the page is and a token of an hour for it
  env                 the environment of a client, for a shell to evaluate
  exec COMMAND...     run a command in that environment
  start|stop|kill SERVICE   one service alone (kill: SIGKILL, as a fault)`;

function usageError(message: string): PcloudError {
  return new PcloudError({ code: 'bad-usage', category: 'invalid', message, hint: usage });
}

function serviceOf(word: string | undefined): ServiceName {
  const name = serviceNames.find((known) => known === word);
  if (name === undefined) throw usageError(`Name one of ${serviceNames.join(', ')}.`);
  return name;
}

function progress(part: string): void {
  process.stderr.write(`stack: ${part}\n`);
}

function printStatus(layout: StackLayout): number {
  const parts = statusOf(layout);
  for (const { part, process: identity } of parts) {
    console.log(`${part.padEnd(16)} ${identity === undefined ? 'stopped' : `running, pid ${identity.pid}`}`);
  }
  console.log(`machines         ${machinesOf(layout).length}`);
  console.log(`state            ${layout.stateDir}\nsockets          ${layout.runtimeDir}`);
  return parts.every((part) => part.process !== undefined) ? 0 : 1;
}

async function showPage(layout: StackLayout): Promise<number> {
  const isNew = await preparePage(layout);
  await upStack(layout, (part) => progress(`starting ${part}`));
  if (isNew) {
    // It may have run without these settings; its machines run on.
    await stopService(layout, 'pcloud-cped');
    await startService(layout, 'pcloud-cped');
  }
  const { address, token } = await pageAccess(layout, Date.now());
  console.log(`The page   ${address}`);
  console.log(`The token  ${token}`);
  console.log("The certificate is this checkout's own: the browser asks once whether to trust it.");
  console.log(
    'The token is good for an hour; `make page` again makes another. `make stack-down` ends everything.',
  );
  return 0;
}

async function execIn(layout: StackLayout, command: readonly string[]): Promise<number> {
  const [program, ...rest] = command;
  if (program === undefined) throw usageError('exec needs a command.');
  const toolchain = path.join(layout.checkout, '.toolchain/bin');
  const result = await execa(program, rest, {
    env: { ...clientEnvironment(layout), PATH: `${toolchain}:${process.env['PATH'] ?? ''}` },
    stdio: 'inherit',
    reject: false,
  });
  if (result.exitCode === undefined && result.signal === undefined)
    throw usageError(`${program} could not be run.`);
  return result.exitCode ?? 1;
}

async function run(layout: StackLayout, words: readonly string[]): Promise<number> {
  const [command, ...rest] = words;
  switch (command ?? '') {
    case 'up':
      await upStack(layout, (part) => progress(`starting ${part}`));
      return 0;
    case 'down': {
      const left = await downStack(layout, (part) => progress(`stopping ${part}`));
      for (const member of left)
        progress(`ended what was left over: ${member.program}, pid ${member.identity.pid}`);
      return 0;
    }
    case 'status':
      return printStatus(layout);
    case 'page':
      return await showPage(layout);
    case 'env':
      for (const [key, value] of Object.entries(clientEnvironment(layout)))
        console.log(`export ${key}='${value}'`);
      return 0;
    case 'exec':
      return execIn(layout, rest);
    case 'start':
      await startService(layout, serviceOf(rest[0]));
      return 0;
    case 'stop':
      await stopService(layout, serviceOf(rest[0]));
      return 0;
    case 'kill':
      return (await killService(layout, serviceOf(rest[0]))) ? 0 : 1;
    default:
      throw usageError(
        command === undefined ? 'Say what to do.' : `There is no command ${JSON.stringify(command)}.`,
      );
  }
}

try {
  process.exitCode = await run(layoutOfThisCheckout(), process.argv.slice(2));
} catch (error) {
  if (!(error instanceof PcloudError)) throw error;
  process.stderr.write(`stack: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`);
  process.exitCode = exitCodeOf(error.category);
}
