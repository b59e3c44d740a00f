/** The command that shows deployables' own alerts: alert_list. They are set by a service's file. */
import { alertText } from '../../model/deployable-alert.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { printList } from '../output.ts';
import { renderTable } from '../render-table.ts';

const alertList = defineCommand({
  name: 'alert_list',
  topic: 'incidents',
  summary: 'list whom else to tell of what happens to deployables',
  help: [
    'Beside those whom the rules of the whole service name (alerts.yaml), as each deployable has it in its file. Addresses are shown without their path, which may be a secret; secrets by their names.',
  ],
  example: 'alert_list',
  arguments: [],
  options: [
    { name: 'deployable', kind: 'deployable', value: 'DEPLOYABLE', about: 'only those of this deployable' },
    jsonOption,
  ],
  async run(_, context, options) {
    const cped = await context.services.cped();
    const deployables =
      options.deployable === undefined
        ? await cped.deployables()
        : [await cped.deployable(options.deployable)];
    printList(context, {
      json: options.json,
      key: 'alerts',
      items: deployables.flatMap(({ name, alerts }) => alerts.map((alert) => ({ deployable: name, alert }))),
      render: (items, { columns }) =>
        renderTable(
          {
            header: ['DEPLOYABLE', 'ALERT'],
            rows: items.map(({ deployable, alert }) => [deployable, alertText(alert)]),
          },
          columns,
        ),
      whenEmpty: 'No deployable has alerts of its own.',
    });
  },
});

export const alertCommands: readonly Command[] = [alertList];
