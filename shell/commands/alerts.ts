/**
 * The commands on deployables' own alerts: alert_list, deployable_alert_add, deployable_alert_remove. A service's
 * file sets them, too.
 */
import { alertText, deployableAlertSchema, rungs } from '../../model/deployable-alert.ts';
import type { AlertAddress } from '../../model/deployable-alert.ts';
import { PcloudError } from '../../model/errors.ts';
import { severities } from '../../model/event.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { printList } from '../output.ts';
import { renderTable } from '../render-table.ts';
import { deployableArgument } from './arguments.ts';

const alertList = defineCommand({
  name: 'alert_list',
  topic: 'incidents',
  summary: 'list whom else to tell of what happens to deployables',
  help: [
    'Beside those whom the rules of the whole service name (alerts.yaml). Addresses are shown without their path, which may be a secret; secrets by their names.',
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

const webhookOption = {
  name: 'webhook',
  kind: 'text',
  value: 'ADDRESS',
  about: 'address that they are posted to, or @secret:NAME where it is not to be shown',
} as const;
const programOption = {
  name: 'program',
  kind: 'text',
  value: 'NAME',
  about: "one of the administrator's alert programs, by its name",
} as const;

const alertAdd = defineCommand({
  name: 'deployable_alert_add',
  topic: 'incidents',
  summary: 'tell somebody else, too, of what happens to a deployable',
  help: [
    'Beside those whom the rules of the whole service name (alerts.yaml), in the same words. Either --webhook or --program. What is given of --rung, --severity, --assembly and --resource must fit; several are separated by commas.',
    'It is told from the next incident on. A service file that is applied later has the last word.',
  ],
  example: 'deployable_alert_add dep1 --program alert-pager --severity error',
  arguments: [deployableArgument],
  options: [
    webhookOption,
    programOption,
    { name: 'token', kind: 'text', value: '@secret:NAME', about: 'bearer token that is sent along' },
    { name: 'rung', kind: 'text', value: 'RUNG', values: rungs, about: 'only of what failed there' },
    {
      name: 'severity',
      kind: 'text',
      value: 'SEVERITY',
      values: severities,
      about: 'only of what is as bad',
    },
    { name: 'assembly', kind: 'text', value: 'NAMES', about: 'only of these; with *, ?, [...]' },
    { name: 'resource', kind: 'text', value: 'NAMES', about: 'only of these; with *, ?, [...]' },
  ],
  async run({ DEPLOYABLE }, context, options) {
    const { webhook, program, token } = options;
    const conditions = (['rung', 'severity', 'assembly', 'resource'] as const).flatMap((key) =>
      options[key] === undefined ? [] : [[key, options[key].split(',')] as const],
    );
    const alert = deployableAlertSchema.safeParse({
      ...addressOf(webhook, program),
      ...(token === undefined ? {} : { token }),
      ...(conditions.length === 0 ? {} : { match: Object.fromEntries(conditions) }),
    });
    if (!alert.success) throw badAlert(alert.error.issues[0]);
    const cped = await context.services.cped();
    await cped.addAlert(DEPLOYABLE, alert.data);
    context.screen.print([`${alertText(alert.data)} is told of deployable ${DEPLOYABLE}`]);
  },
});

const alertRemove = defineCommand({
  name: 'deployable_alert_remove',
  topic: 'incidents',
  summary: 'tell somebody no more of what happens to a deployable',
  help: [
    'Every alert of the deployable that goes there is taken out. alert_list --json shows whole addresses.',
  ],
  example: 'deployable_alert_remove dep1 --program alert-pager',
  arguments: [deployableArgument],
  options: [webhookOption, programOption],
  async run({ DEPLOYABLE }, context, { webhook, program }) {
    const cped = await context.services.cped();
    const { alerts } = await cped.removeAlert(DEPLOYABLE, addressOf(webhook, program));
    context.screen.print([
      `it is told no more of deployable ${DEPLOYABLE}${alerts.length === 0 ? '' : `; ${alerts.length} of its alerts are left`}`,
    ]);
  },
});

function addressOf(webhook: string | undefined, program: string | undefined): AlertAddress {
  if (webhook !== undefined && program === undefined) return { webhook };
  if (program !== undefined && webhook === undefined) return { program };
  throw new PcloudError({
    code: 'usage',
    category: 'invalid',
    message: 'Say either --webhook or --program.',
    hint: 'Such as `deployable_alert_add dep1 --program alert-pager`.',
  });
}

type Issue = {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly errors?: readonly (readonly Issue[])[];
};

/** Of the two forms, the one that is nearer says what is wrong; no address is in it, since it may be a secret. */
function badAlert(issue: Issue | undefined): PcloudError {
  const [nearest] = (issue?.errors ?? [[]]).toSorted((a, b) => strangers(a) - strangers(b));
  const fault = nearest?.[0] ?? issue;
  const option = [...(fault?.path ?? [])].findLast((key) => typeof key === 'string' && key !== 'match');
  return new PcloudError({
    code: 'bad-alert',
    category: 'invalid',
    message:
      fault?.code === 'unrecognized_keys'
        ? 'A token is for a webhook, not for a program.'
        : `deployable_alert_add: --${String(option ?? 'webhook')} ${fault?.message ?? 'is wrong'}.`,
    hint: `--rung is of ${rungs.join(', ')}; --severity of ${severities.join(', ')}.`,
  });
}

/** A form that misses its own first word was not meant. */
function strangers(issues: readonly Issue[]): number {
  return issues.filter(({ path, code }) => code === 'invalid_type' && path.length === 1).length;
}

export const alertCommands: readonly Command[] = [alertList, alertAdd, alertRemove];
