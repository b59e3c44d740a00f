/**
 * The commands that hold the supervisor's hand back: maintenance_set, _clear, _list, _window_add, _window_remove,
 * start_limit_set.
 */
import { PcloudError } from '../../model/errors.ts';
import { maintenanceWindowSchema, windowKey, windowText } from '../../model/maintenance-window.ts';
import { quoteForMessage } from '../../model/names.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { printJson, printList } from '../output.ts';
import { formatDay, maintenanceEnd, renderMaintenances, renderWindows } from '../render-order.ts';

const targetArgument = {
  name: 'TARGET',
  kind: 'target',
  presence: 'required',
  about:
    'a deployable, an assembly, or ASSEMBLY/RESOURCE; where a name is not clear: deployable:dep1, assembly:assy1, resource:assy1/httpdone',
} as const;

const maintenanceSet = defineCommand({
  name: 'maintenance_set',
  topic: 'maintenance',
  summary: 'have failures of something reported, but nothing done about them',
  help: [
    'The target and all that is in it is monitored and reported as ever, and nothing of it is restarted, fenced or escalated. It ends by itself after --for, with a warning before, else with maintenance_clear; what is broken then is recovered at once.',
    'It outlives a restart of the service. Said again, it begins anew with the new time.',
  ],
  example: 'maintenance_set assy1 --for 30m',
  arguments: [targetArgument],
  options: [
    {
      name: 'for',
      kind: 'duration',
      value: 'TIME',
      about: 'how long, such as 90 (seconds), 30m, 2h, 1d; until it is cleared unless given',
    },
  ],
  async run({ TARGET }, context, options) {
    const cped = await context.services.cped();
    const { target, untilMs } = await cped.setMaintenance(TARGET, options.for ?? null);
    const end = maintenanceEnd(untilMs, context.clock.wallMs());
    context.screen.print([`${target} is under maintenance ${end}: monitored, not acted on`]);
  },
});

const maintenanceClear = defineCommand({
  name: 'maintenance_clear',
  topic: 'maintenance',
  summary: 'end a maintenance; what is broken is recovered now',
  help: ['maintenance_list shows what there is to end.'],
  example: 'maintenance_clear assy1',
  arguments: [targetArgument],
  async run({ TARGET }, context) {
    const cped = await context.services.cped();
    const { target, goesOn } = await cped.clearMaintenance(TARGET);
    const outer =
      goesOn === null
        ? []
        : [
            `what it stands in is under maintenance ${maintenanceEnd(goesOn.untilMs, context.clock.wallMs())}, and it with that`,
          ];
    context.screen.print([`the maintenance of ${target} has ended`, ...outer]);
  },
});

const maintenanceList = defineCommand({
  name: 'maintenance_list',
  topic: 'maintenance',
  summary: 'list what is under maintenance until when, and the windows to come',
  help: [
    'In deployable_status it stands with what it is set on. A window stands there with its next occurrence, also while one is under way.',
  ],
  example: 'maintenance_list',
  arguments: [],
  options: [jsonOption],
  async run(_, context, options) {
    const cped = await context.services.cped();
    const { maintenances, windows } = await cped.maintenances();
    if (options.json) return printJson(context, { maintenances, windows });
    printList(context, {
      json: undefined,
      key: 'maintenances',
      items: maintenances,
      render: renderMaintenances,
      whenEmpty: 'Nothing is under maintenance.',
    });
    if (windows.length > 0)
      context.screen.print(renderWindows(windows, { columns: context.screen.columns() }));
  },
});

const startLimitSet = defineCommand({
  name: 'start_limit_set',
  topic: 'maintenance',
  summary: 'set how many assemblies may be starting at the same time',
  help: [
    'The others wait for their turn, so that a host that comes up is not overrun. It holds at once and outlives a restart of the service; status shows it.',
  ],
  example: 'start_limit_set 4',
  arguments: [
    {
      name: 'N',
      kind: 'startLimit',
      presence: 'required',
      about: 'a number from 1 to 1000; or default, which goes by the host',
    },
  ],
  async run({ N }, context) {
    const cped = await context.services.cped();
    await cped.setStartLimit(N);
    context.screen.print([
      N === null
        ? "the host's default says how many assemblies may be starting at once"
        : `at most ${N} ${N === 1 ? 'assembly' : 'assemblies'} may be starting at once`,
    ]);
  },
});

const windowTarget = {
  name: 'TARGET',
  kind: 'target',
  presence: 'required',
  about: 'a deployable or an assembly; where a name is not clear: deployable:dep1, assembly:assy1',
} as const;

const everyArgument = {
  name: 'EVERY',
  kind: 'weekdays',
  presence: 'required',
  about: 'day, a day of the week, or several such as monday,thursday',
} as const;

const atArgument = {
  name: 'AT',
  kind: 'timeOfDay',
  presence: 'required',
  about: 'when it begins, such as 03:00',
} as const;

const windowAdd = defineCommand({
  name: 'maintenance_window_add',
  topic: 'maintenance',
  summary: 'put something under maintenance at the same time each day or week',
  help: [
    'The window begins and ends by itself, with a warning before its end; meanwhile the target is monitored and reported, and nothing is done. One that is under way already is in force at once. maintenance_clear ends an occurrence early; the next one comes nevertheless.',
    'A time that a change of the clocks skips is taken as much later; of one that comes twice the first is meant. FOR is real time. Said again for the same days and time, it is the new one.',
  ],
  example: 'maintenance_window_add dep1 sunday 03:00 2h --time-zone Europe/Berlin',
  arguments: [
    windowTarget,
    everyArgument,
    atArgument,
    {
      name: 'FOR',
      kind: 'duration',
      presence: 'required',
      about: 'how long, such as 30m or 2h; it must end an hour before it begins again',
    },
  ],
  options: [
    {
      name: 'time-zone',
      kind: 'text',
      value: 'ZONE',
      about: 'whose clocks AT is shown by, such as Europe/Berlin; UTC unless given',
    },
  ],
  async run({ TARGET, EVERY, AT, FOR }, context, options) {
    const zone = options['time-zone'] ?? 'UTC';
    const window = maintenanceWindowSchema.safeParse({
      every: EVERY,
      at: AT,
      forMs: FOR,
      timeZone: zone,
    });
    if (!window.success) throw badWindow(window.error.issues[0], zone);
    const cped = await context.services.cped();
    const { target, windows } = await cped.addWindow(TARGET, window.data);
    const added = windows.find((one) => windowKey(one.window) === windowKey(window.data));
    context.screen.print([
      `${target} is under maintenance ${windowText(window.data)}${added === undefined ? '' : `, next ${formatDay(added.nextMs)}`}`,
    ]);
  },
});

function badWindow(
  issue: { readonly path: PropertyKey[]; readonly message: string } | undefined,
  zone: string,
) {
  const place = { forMs: 'FOR', timeZone: `the time zone ${quoteForMessage(zone)}` }[String(issue?.path[0])];
  return new PcloudError({
    code: 'bad-window',
    category: 'invalid',
    message: `maintenance_window_add: ${place ?? 'the window'} ${issue?.message ?? 'is wrong'}.`,
    hint: 'A window lasts from a minute to six days, such as `maintenance_window_add dep1 sunday 03:00 2h --time-zone Europe/Berlin`.',
  });
}

const windowRemove = defineCommand({
  name: 'maintenance_window_remove',
  topic: 'maintenance',
  summary: 'have a window of maintenance come no more',
  help: [
    'maintenance_list shows the windows. An occurrence that is under way goes on to its end, or until maintenance_clear.',
  ],
  example: 'maintenance_window_remove dep1 sunday 03:00',
  arguments: [windowTarget, everyArgument, atArgument],
  async run({ TARGET, EVERY, AT }, context) {
    const cped = await context.services.cped();
    const { target, windows } = await cped.removeWindow(TARGET, { every: EVERY, at: AT });
    context.screen.print([
      `the window of ${target} comes no more${windows.length === 0 ? '' : `; ${windows.length} of its windows are left`}`,
    ]);
  },
});

export const maintenanceCommands: readonly Command[] = [
  maintenanceSet,
  maintenanceClear,
  maintenanceList,
  windowAdd,
  windowRemove,
  startLimitSet,
];
