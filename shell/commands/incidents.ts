/**
 * The commands for incidents: incident_list, incident_show.
 */
import { maxPage } from '../../model/cped-answers.ts';
import { PcloudError } from '../../model/errors.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { momentMs } from '../duration.ts';
import { printJson, printList, viewOf } from '../output.ts';
import { renderIncident, renderIncidents } from '../render-incidents.ts';

const defaultLimit = 20;

const incidentList = defineCommand({
  name: 'incident_list',
  topic: 'incidents',
  summary: 'list incidents: what failed, why, and how it ended',
  help: [
    'One line for each failure from its first sign to its end, oldest first. Without a limit the newest 20 of those that the options let through.',
  ],
  example: 'incident_list --open --since 2h',
  arguments: [],
  options: [
    { name: 'open', kind: 'flag', about: 'only those that have not ended' },
    { name: 'deployable', kind: 'deployable', value: 'DEPLOYABLE', about: 'only those of this deployable' },
    {
      name: 'since',
      kind: 'moment',
      value: 'TIME',
      about: 'only those noticed since then: how long ago (2h), or RFC 3339 (2026-11-22T12:00:00Z)',
    },
    { name: 'limit', kind: 'count', value: 'N', about: `the newest N, up to ${maxPage}` },
    jsonOption,
  ],
  async run(_, context, options) {
    const limit = options.limit ?? defaultLimit;
    if (limit > maxPage) throw tooMany(limit);
    const cped = await context.services.cped();
    const { open, deployable, since } = options;
    const items = await cped.incidents({
      open,
      deployable,
      since: since === undefined ? undefined : momentMs(since, context.clock.wallMs()),
      limit,
    });
    printList(context, {
      json: options.json,
      key: 'incidents',
      items,
      render: renderIncidents,
      whenEmpty: open ? 'No incident is open.' : 'No incidents.',
    });
    if (!options.json && items.length === limit)
      context.screen.print([context.screen.style.dim(`the newest ${limit}; --limit N shows more`)]);
  },
});

function tooMany(limit: number): PcloudError {
  return new PcloudError({
    code: 'usage',
    category: 'invalid',
    message: `incident_list: --limit must be at most ${maxPage}, not ${limit}.`,
    hint: 'Take --since TIME or --deployable DEPLOYABLE for fewer of them.',
  });
}

const incidentShow = defineCommand({
  name: 'incident_show',
  topic: 'incidents',
  summary: 'show one incident: cause, evidence, what was done, how it ended',
  help: [
    'With its verdict, the signals that it was made from, the files that were kept on the host of the service, each action with its time from the beginning, and what the journal has of it.',
  ],
  example: 'incident_show 12',
  arguments: [
    {
      name: 'INCIDENT',
      kind: 'incident',
      presence: 'required',
      about: 'id of an incident (incident_list)',
    },
  ],
  options: [jsonOption],
  async run({ INCIDENT }, context, options) {
    const cped = await context.services.cped();
    const incident = await cped.incident(INCIDENT);
    const { events } = await cped.journalPage({ incident: INCIDENT, limit: maxPage });
    if (options.json) printJson(context, { incident, events });
    else context.screen.print(renderIncident(incident, events, viewOf(context)));
  },
});

export const incidentCommands: readonly Command[] = [incidentList, incidentShow];
