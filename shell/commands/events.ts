/**
 * The command events: the journal, of late or since a time, and on and on.
 */
import { PcloudError } from '../../model/errors.ts';
import { maxPage } from '../../model/cped-answers.ts';
import type { JournalEvent } from '../../model/event.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { stoppedExitCode } from '../context.ts';
import type { ShellContext } from '../context.ts';
import { momentMs } from '../duration.ts';
import { followJournal } from '../event-feed.ts';
import { printJson } from '../output.ts';
import type { CpedPort } from '../ports.ts';
import { renderByIncident } from '../render-journal.ts';
import { renderEvent, renderStampedEvent } from '../render-message.ts';
import { renderNotice } from '../render-services.ts';

const defaultTail = 20;

const events = defineCommand({
  name: 'events',
  topic: 'incidents',
  summary: 'show the journal: what failed, what was done about it, how it ended',
  help: [
    'The newest events, oldest first. With --since, all of that time, or with --tail the newest of them.',
    'With --follow it goes on until Ctrl-C; where the service is restarted meanwhile, nothing is lost and nothing is shown twice.',
    'With --by-incident each incident has its lines together, under a heading: what failed, what was done, how it ended.',
  ],
  example: 'events --since 2h --follow',
  arguments: [],
  options: [
    { name: 'tail', kind: 'count', value: 'N', about: `the newest N events (${defaultTail} unless given)` },
    {
      name: 'since',
      kind: 'moment',
      value: 'TIME',
      about: 'what was written since then: how long ago (2h), or RFC 3339 (2026-11-22T12:00:00Z)',
    },
    { name: 'follow', kind: 'flag', about: 'go on with new events until Ctrl-C' },
    { name: 'timestamps', kind: 'flag', about: 'whole dates in UTC, to the millisecond (RFC 3339)' },
    { name: 'by-incident', kind: 'flag', about: 'the lines of each incident together' },
    { ...jsonOption, about: 'one line of JSON an event (shapes: docs/pcloudsh.md)' },
  ],
  exitCodes: [['130', 'Ctrl-C ended --follow']],
  async run(_, context, options) {
    refuseTogether(options);
    const cped = await context.services.cped();
    const { style } = context.screen;
    const grouped: JournalEvent[] = [];
    const show = (event: JournalEvent): void => {
      if (options.json) printJson(context, { event });
      else if (options['by-incident']) grouped.push(event);
      else if (options.timestamps) context.screen.print([renderStampedEvent(event, style)]);
      else context.screen.print([renderEvent(event, context.clock.wallMs(), style)]);
    };
    const since = options.since === undefined ? undefined : momentMs(options.since, context.clock.wallMs());
    const lastSeq =
      since === undefined
        ? await showNewest(cped, options.tail ?? defaultTail, show)
        : await showSince(cped, since, options.tail, show, context);
    if (grouped.length > 0) {
      const incidents = await cped.incidents({ limit: maxPage });
      context.screen.print(renderByIncident(grouped, incidents, context.clock.wallMs(), style));
    }
    if (!options.follow) return 0;
    await followJournal({
      cped,
      afterSeq: lastSeq,
      startedAtMs: context.clock.wallMs(),
      signal: context.signal,
      onNotice: (notice) => {
        if (notice.kind === 'event') show(notice.event);
        else context.screen.complain(renderNotice(notice, context.screen.style));
      },
    });
    return stoppedExitCode;
  },
});

type Flags = { readonly [Name in 'follow' | 'json' | 'timestamps' | 'by-incident']: true | undefined };

/** What is still going on has no place to put a later line of an earlier incident; the others are two forms of one thing. */
function refuseTogether(flags: Flags): void {
  if (!flags['by-incident']) return;
  const other = (['follow', 'json', 'timestamps'] as const).find((name) => flags[name]);
  if (other === undefined) return;
  throw new PcloudError({
    code: 'usage',
    category: 'invalid',
    message: `events: --by-incident and --${other} do not go together.`,
    hint: 'Leave one of them out; with --json each event names its incident.',
  });
}

/** The number of the last event that was shown; 0 when there was none. */
async function showNewest(
  cped: CpedPort,
  tail: number,
  show: (event: JournalEvent) => void,
): Promise<number> {
  const recent = await cped.journal(tail);
  recent.forEach(show);
  return recent.at(-1)?.seq ?? 0;
}

/** Page by page, or the newest `tail` of them; the number up to which the journal was looked through. */
async function showSince(
  cped: CpedPort,
  since: number,
  tail: number | undefined,
  show: (event: JournalEvent) => void,
  { signal }: ShellContext,
): Promise<number> {
  if (tail !== undefined) {
    const { events: newest, lastSeq } = await cped.journalPage({ since, limit: tail });
    newest.forEach(show);
    return Math.max(lastSeq, newest.at(-1)?.seq ?? 0);
  }
  let after = 0;
  for (;;) {
    const page = await cped.journalPage({ since, after, limit: maxPage });
    page.events.forEach(show);
    after = page.events.at(-1)?.seq ?? after;
    if (page.events.length < maxPage || signal.aborted) return Math.max(page.lastSeq, after);
  }
}

export const eventCommands: readonly Command[] = [events];
