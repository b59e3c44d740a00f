/**
 * Every command of pcloudsh, in the order in which the help shows them. The shell, the one-shot form,
 * completion, `docs/pcloudsh.md` and the tests all read this one table.
 */
import { PcloudError } from '../model/errors.ts';
import { quoteForMessage } from '../model/names.ts';
import type { Command } from './command.ts';
import { alertCommands } from './commands/alerts.ts';
import { applyCommands } from './commands/apply.ts';
import { assemblyCommands } from './commands/assembly.ts';
import { buildCommands } from './commands/builds.ts';
import { deployableCommands } from './commands/deployable.ts';
import { escalationCommands } from './commands/escalation.ts';
import { imageCommands } from './commands/images.ts';
import { importCommands } from './commands/import.ts';
import { jeosCommands } from './commands/jeos.ts';
import { lifecycleCommands } from './commands/lifecycle.ts';
import { maintenanceCommands } from './commands/maintenance.ts';
import { mediaCommands } from './commands/media.ts';
import { diskCommands } from './commands/disks.ts';
import { networkCommands } from './commands/networks.ts';
import { eventCommands } from './commands/events.ts';
import { incidentCommands } from './commands/incidents.ts';
import { createHelpCommand, shellCommands } from './commands/other.ts';
import { orderCommands } from './commands/order.ts';
import { resourceCommands } from './commands/resource.ts';
import { secretCommands } from './commands/secrets.ts';
import { templateCommands } from './commands/templates.ts';
import { watchCommands } from './commands/watch.ts';
import { withJsonReport } from './json-report.ts';
import { suggest } from './suggest.ts';

const helpCommand = createHelpCommand({ all: () => commandTable, find: findCommand });

export const commandTable: readonly Command[] = [
  ...jeosCommands,
  ...buildCommands,
  ...mediaCommands,
  ...imageCommands,
  ...assemblyCommands,
  ...importCommands,
  ...diskCommands,
  ...networkCommands,
  ...resourceCommands,
  ...templateCommands,
  ...escalationCommands,
  ...orderCommands,
  ...secretCommands,
  ...maintenanceCommands,
  ...deployableCommands,
  ...watchCommands,
  ...applyCommands,
  ...lifecycleCommands,
  ...incidentCommands,
  ...alertCommands,
  ...eventCommands,
  ...shellCommands,
  helpCommand,
].map(withJsonReport);

/**
 * The command of this name or alias.
 * @throws PcloudError `unknown-command` that says which one may have been meant.
 */
export function findCommand(name: string): Command {
  const found = commandTable.find(
    (command) => command.name === name || (command.aliases ?? []).includes(name),
  );
  if (found !== undefined) return found;
  const near = suggest(
    name,
    commandTable.map((command) => command.name),
  );
  throw new PcloudError({
    code: 'unknown-command',
    category: 'invalid',
    message: `There is no command ${quoteForMessage(name)}.`,
    hint: near.length === 0 ? 'help lists the commands.' : `Did you mean ${near.join(' or ')}?`,
  });
}
