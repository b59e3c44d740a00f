/**
 * The commands about the shell and the services themselves: status, help, quit.
 */
import { errorBodyOf, PcloudError } from '../../model/errors.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { printJson } from '../output.ts';
import { renderHelp, renderOverview, renderTopicsOf } from '../render-help.ts';
import { renderError } from '../render-message.ts';
import { renderServices } from '../render-services.ts';

type Outcome<T> = { readonly ok: T } | { readonly error: PcloudError };

async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: await work() };
  } catch (error) {
    if (error instanceof PcloudError) return { error };
    throw error;
  }
}

const status = defineCommand({
  name: 'status',
  topic: 'shell',
  summary: 'show whether the services run, and what they run on',
  help: ['Asks both services: version, process, hypervisor with its accelerator, queue.'],
  example: 'status',
  arguments: [],
  options: [jsonOption],
  exitCodes: [['1', 'a service does not answer']],
  async run(_, context, options) {
    const [cped, builder] = await Promise.all([
      outcomeOf(async () => await (await context.services.cped()).status()),
      outcomeOf(async () => await (await context.services.builder()).status()),
    ]);
    const { screen } = context;
    if (options.json)
      printJson(context, {
        cped: 'ok' in cped ? cped.ok : errorBodyOf(cped.error),
        builder: 'ok' in builder ? builder.ok : errorBodyOf(builder.error),
      });
    else
      screen.print(
        renderServices(
          'ok' in cped ? cped.ok : undefined,
          'ok' in builder ? builder.ok : undefined,
          context.clock.wallMs(),
          screen.style,
        ),
      );
    for (const outcome of [cped, builder])
      if ('error' in outcome) screen.complain(renderError(outcome.error, screen.style));
    return 'ok' in cped && 'ok' in builder ? 0 : 1;
  },
});

/** `help` needs the table that it stands in, so the table hands in the way to it. */
export function createHelpCommand(table: {
  readonly all: () => readonly Command[];
  readonly find: (name: string) => Command;
}): Command {
  return defineCommand({
    name: 'help',
    topic: 'shell',
    summary: 'list the commands, or explain one',
    help: [
      'Every command takes --help as well. A word of one of the headings, such as builds or maintenance, lists the commands below it.',
    ],
    example: 'help deployable_start',
    arguments: [
      {
        name: 'COMMAND',
        kind: 'command',
        presence: 'optional',
        about: 'name of a command, or a word of a heading',
      },
    ],
    run: async ({ COMMAND }, { screen }) => {
      const topics = COMMAND === undefined ? [] : renderTopicsOf(table.all(), COMMAND);
      if (COMMAND === undefined) screen.print(renderOverview(table.all()));
      else screen.print(topics.length > 0 ? topics : renderHelp(table.find(COMMAND), screen.columns()));
      await Promise.resolve();
    },
  });
}

const quit = defineCommand({
  name: 'quit',
  topic: 'shell',
  summary: 'leave the shell',
  help: ['So do exit and Ctrl-D. Services, builds and virtual machines go on.'],
  example: 'quit',
  aliases: ['exit'],
  arguments: [],
  async run(_, context) {
    context.quit();
    return await Promise.resolve(0);
  },
});

export const shellCommands: readonly Command[] = [status, quit];
