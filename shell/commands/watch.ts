/**
 * The command watch: the status tree, kept up to date.
 */
import { PcloudError } from '../../model/errors.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { watchDeployables } from '../watch.ts';
import { deployableArgument } from './arguments.ts';

const defaultIntervalMs = 2000;
const shortestIntervalMs = 1000;
const longestIntervalMs = 3_600_000;

const watch = defineCommand({
  name: 'watch',
  topic: 'deployables',
  summary: 'show the tree of deployable_status, refreshed in place',
  help: [
    'Below the tree: incidents and events of late. It is read again when something happens, and every two seconds; a service that is restarted meanwhile is waited for. q or Ctrl-C ends it; what is watched goes on.',
    'Where the terminal cannot be redrawn (TERM=dumb), in a pipe, and with --json, each change is printed instead.',
  ],
  example: 'watch dep1 --interval 5s',
  arguments: [{ ...deployableArgument, presence: 'optional' }],
  options: [
    { name: 'interval', kind: 'duration', value: 'TIME', about: 'read it again so often (2s unless given)' },
    { ...jsonOption, about: 'one line of JSON a change (shapes: docs/pcloudsh.md)' },
  ],
  exitCodes: [
    ['0', 'ended by q or Ctrl-C'],
    ['1', 'what it was to show is gone, or the service was not there at the beginning'],
  ],
  afterCtrlC: 'nothing could be shown yet, and nothing was asked to change',
  async run({ DEPLOYABLE }, context, options) {
    const intervalMs = options.interval ?? defaultIntervalMs;
    if (intervalMs < shortestIntervalMs || intervalMs > longestIntervalMs)
      throw new PcloudError({
        code: 'usage',
        category: 'invalid',
        message: 'watch: --interval must be from 1s to 1h.',
        hint: 'Usage: watch [DEPLOYABLE] [--interval TIME]; it is read again at once when something happens.',
      });
    const cped = await context.services.cped();
    await watchDeployables({ name: DEPLOYABLE, intervalMs, json: options.json ?? false }, cped, context);
  },
});

export const watchCommands: readonly Command[] = [watch];
