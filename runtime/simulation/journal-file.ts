/**
 * A recorded journal as a file: one event a line, as `pcloudsh events --json` writes it or as it stands in an HTTP
 * answer. Checked line by line, because a file may come from anywhere.
 */
import { z } from 'zod';
import { journalEventSchema, type JournalEvent } from '../../model/event.ts';
import { PcloudError } from '../../model/errors.ts';

/** As `pcloudsh events --json` writes each; the events of an HTTP answer stand without it. */
const wrappedSchema = z.object({ version: z.number(), event: z.record(z.string(), z.unknown()) });

/** Longer than any event may become. */
const maxLineLength = 65_536;
const maxEvents = 1_000_000;

/**
 * The events, oldest first.
 * @throws PcloudError `journal-broken`, which names the line, `journal-empty`, `journal-too-long`.
 */
export function readJournal(text: string, name: string): readonly JournalEvent[] {
  const events: JournalEvent[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    if (events.length >= maxEvents)
      throw new PcloudError({
        code: 'journal-too-long',
        category: 'invalid',
        message: `${name} has more than ${maxEvents} events.`,
        hint: 'Cut it: `pcloudsh events --since 1d --json` writes the last day alone.',
      });
    events.push(eventOf(line, index + 1, name, events.at(-1)));
  }
  if (events.length > 0) return events;
  throw new PcloudError({
    code: 'journal-empty',
    category: 'invalid',
    message: `${name} has no event.`,
    hint: '`pcloudsh events --json > FILE` writes one.',
  });
}

function eventOf(line: string, number: number, name: string, before: JournalEvent | undefined): JournalEvent {
  if (line.length > maxLineLength)
    throw broken(name, number, `it is longer than ${maxLineLength} characters`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw broken(name, number, 'it is no JSON object (one event a line)');
  }
  const wrapped = wrappedSchema.safeParse(value);
  const parsed = journalEventSchema.safeParse(wrapped.success ? wrapped.data.event : value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw broken(name, number, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is no event'}`);
  }
  if (before !== undefined && parsed.data.seq <= before.seq)
    throw broken(name, number, `its seq ${parsed.data.seq} does not come after ${before.seq}`);
  return parsed.data;
}

function broken(name: string, line: number, why: string): PcloudError {
  return new PcloudError({
    code: 'journal-broken',
    category: 'invalid',
    message: `${name}, line ${line}: ${why}.`,
    hint: 'A journal is what `pcloudsh events --json` writes, unchanged.',
    facts: { line },
  });
}
