/**
 * The commands that make a deployable run or not: deployable_start, _stop, _reload, _recover.
 */
import { defineCommand } from '../command.ts';
import type { Command } from '../command.ts';
import { noWaitOption, startAndWait, stopAndWait, timeoutOption } from '../run-deployable.ts';
import { deployableArgument } from './arguments.ts';

const deployableStart = defineCommand({
  name: 'deployable_start',
  topic: 'deployables',
  summary: 'launch a deployable and wait until it is active',
  help: [
    'Has missing images built (with progress), then starts the assemblies, and shows the events until every assembly is online and every resource runs.',
    'With --no-wait it still waits for missing images.',
  ],
  example: 'deployable_start dep1 --timeout 5m',
  arguments: [deployableArgument],
  options: [timeoutOption, noWaitOption],
  exitCodes: [['1', 'blocked, failed, or not active in time; the message says which']],
  afterCtrlC:
    'what was begun goes on: deployable_status DEPLOYABLE shows how far it is, deployable_start DEPLOYABLE again waits for it',
  async run({ DEPLOYABLE }, context, options) {
    await startAndWait(DEPLOYABLE, options, context);
  },
});

const deployableStop = defineCommand({
  name: 'deployable_stop',
  topic: 'deployables',
  summary: 'stop a deployable and wait until it is off',
  help: [
    'Stops the resources, shuts the virtual machines down, and forces off what does not go by itself. What you stop stays stopped, also after a boot of the host.',
  ],
  example: 'deployable_stop dep1',
  arguments: [deployableArgument],
  options: [timeoutOption, noWaitOption],
  exitCodes: [['1', 'not stopped in time, or started again meanwhile']],
  afterCtrlC:
    'what was begun goes on: deployable_status DEPLOYABLE shows how far it is, deployable_stop DEPLOYABLE again waits for it',
  async run({ DEPLOYABLE }, context, options) {
    await stopAndWait(DEPLOYABLE, options, context);
  },
});

const deployableReload = defineCommand({
  name: 'deployable_reload',
  topic: 'deployables',
  summary: 'bring a running deployable in line with its definition',
  help: [
    'Takes over assemblies, resources and escalation settings that were changed since it was started, without touching what did not change.',
  ],
  example: 'deployable_reload dep1',
  arguments: [deployableArgument],
  async run({ DEPLOYABLE }, context) {
    const cped = await context.services.cped();
    await cped.reloadDeployable(DEPLOYABLE);
    context.screen.print([`deployable ${DEPLOYABLE} follows its definition now`]);
  },
});

const deployableRecover = defineCommand({
  name: 'deployable_recover',
  topic: 'deployables',
  summary: 'let recovery go on where it was given up',
  help: [
    'For what is blocked or unrecoverable: forgets the failures counted so far and tries again. Remove the cause first; deployable_status and events say what it was.',
  ],
  example: 'deployable_recover dep1',
  arguments: [deployableArgument],
  async run({ DEPLOYABLE }, context) {
    const cped = await context.services.cped();
    await cped.recoverDeployable(DEPLOYABLE);
    context.screen.print([`recovery of deployable ${DEPLOYABLE} goes on; failures are counted anew`]);
  },
});

export const lifecycleCommands: readonly Command[] = [
  deployableStart,
  deployableStop,
  deployableReload,
  deployableRecover,
];
