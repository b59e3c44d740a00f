/**
 * `--json` of the commands that do something: one line when it is done, with what they would have said. It wraps a
 * command that has no JSON of its own; lists and looks have theirs.
 */
import { jsonOption } from './command.ts';
import type { Command } from './command.ts';
import type { Screen } from './context.ts';
import { printJson } from './output.ts';

/** Their output is another program's, or is for people alone. */
const without = new Set(['assembly_ssh', 'help', 'quit']);

/** The command with `--json`: `{version, messages}` on stdout at its end; warnings go to stderr as ever. */
export function withJsonReport(command: Command): Command {
  if (without.has(command.name) || command.options.some(({ name }) => name === jsonOption.name))
    return command;
  return {
    ...command,
    options: [
      ...command.options,
      { ...jsonOption, about: 'print one line of JSON when it is done (shapes: docs/pcloudsh.md)' },
    ],
    async run({ arguments: args, options: { json, ...options } }, context) {
      if (json !== true) return await command.run({ arguments: args, options }, context);
      const messages: string[] = [];
      const screen: Screen = {
        ...context.screen,
        canRedraw: false,
        print: (lines) => void messages.push(...lines),
        live: () => undefined,
      };
      const code = await command.run({ arguments: args, options }, { ...context, screen });
      printJson(context, { messages });
      return code;
    },
  };
}
