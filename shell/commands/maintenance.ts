/**
 * The commands that hold the supervisor's hand back: maintenance_set, _clear, _list, start_limit_set.
 */
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { printList } from '../output.ts';
import { maintenanceEnd, renderMaintenances } from '../render-order.ts';

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
  summary: 'list what is under maintenance, and until when',
  help: ['In deployable_status it stands with what it is set on.'],
  example: 'maintenance_list',
  arguments: [],
  options: [jsonOption],
  async run(_, context, options) {
    const cped = await context.services.cped();
    printList(context, {
      json: options.json,
      key: 'maintenances',
      items: await cped.maintenances(),
      render: renderMaintenances,
      whenEmpty: 'Nothing is under maintenance.',
    });
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

export const maintenanceCommands: readonly Command[] = [
  maintenanceSet,
  maintenanceClear,
  maintenanceList,
  startLimitSet,
];
