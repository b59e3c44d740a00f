/**
 * The routes of what happened: the journal as pages and as an event stream that resumes where a client left
 * off, and incidents. Each stream has a cursor of its own into the journal, so nothing queues up for a slow one.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { PcloudError } from '../model/errors.ts';
import { quoteForMessage } from '../model/names.ts';
import { parseInput } from '../service/http-server.ts';
import { lastEventIdOf, openSse } from '../service/sse.ts';
import type { SseConnection } from '../service/sse.ts';
import type { Incidents, Journal } from './adapters/sqlite-memory.ts';
import { maxPage } from '../model/cped-answers.ts';

/** Events a stream reads from the journal at once. */
const streamPage = 200;

const count = z.coerce.number().pipe(z.int().min(0).max(Number.MAX_SAFE_INTEGER));
const limit = z.coerce.number().pipe(z.int().min(1).max(maxPage)).default(100);
const incidentId = z.string().min(1).max(200);
const journalQuery = z.strictObject({
  after: count.optional(),
  since: count.optional(),
  incident: incidentId.optional(),
  limit,
});
const incidentsQuery = z.strictObject({
  open: z.enum(['true', 'false']).optional(),
  deployable: z.string().min(1).max(200).optional(),
  since: count.optional(),
  limit,
});
const incidentParams = z.object({ id: incidentId });
const eventsQuery = z.strictObject({ after: count.optional() });

export function registerHistoryRoutes(app: FastifyInstance, journal: Journal & Incidents): void {
  app.get('/v1/journal', (request) => {
    const query = parseInput(journalQuery, request.query);
    // Before the events are read: whoever goes on behind it misses nothing.
    const lastSeq = journal.lastSeq();
    const { after: afterSeq, since: sinceMs, incident } = query;
    return { events: journal.find({ afterSeq, sinceMs, incident }, query.limit), lastSeq };
  });
  app.get('/v1/incidents', (request) => {
    const { open, deployable, since: sinceMs, limit: most } = parseInput(incidentsQuery, request.query);
    const filter = { open: open === undefined ? undefined : open === 'true', deployable, sinceMs };
    return { incidents: journal.newest(most, filter) };
  });
  app.get('/v1/incidents/:id', (request) => {
    const { id } = parseInput(incidentParams, request.params);
    const incident = journal.incident(id);
    if (incident === undefined) throw noSuchIncident(id);
    return { incident };
  });
  app.get('/v1/events', (request, reply) => {
    const { after } = parseInput(eventsQuery, { after: lastEventIdOf(request) ?? queryAfter(request.query) });
    streamJournal(openSse(reply), journal, after ?? journal.lastSeq());
  });
}

/**
 * Sends every event after `afterSeq`, then each new one. One beyond our last number comes from another
 * database; such a client begins at our end.
 */
export function streamJournal(sse: SseConnection, journal: Journal, afterSeq: number): void {
  let cursor = Math.min(afterSeq, journal.lastSeq());
  let running = false;
  let again = false;
  const pump = async (): Promise<void> => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      do {
        again = false;
        const page = journal.readAfter(cursor, streamPage);
        for (const event of page) {
          if (!sse.send(event.seq, event)) return;
          cursor = event.seq;
        }
        await sse.drained();
        if (page.length === streamPage) again = true;
      } while (again && sse.open);
    } finally {
      running = false;
    }
  };
  const advance = (): void => {
    // A journal that cannot be read ends the stream; the client comes back and is told why by its next request.
    pump().catch(() => sse.close());
  };
  sse.onClose(journal.subscribe(advance));
  advance();
}

function noSuchIncident(id: string): PcloudError {
  return new PcloudError({
    code: 'unknown-incident',
    category: 'not-found',
    message: `There is no incident ${quoteForMessage(id)}.`,
    hint: 'incident_list shows them; the oldest are forgotten in time.',
    facts: { id },
  });
}

function queryAfter(query: unknown): unknown {
  return typeof query === 'object' && query !== null && 'after' in query ? query.after : undefined;
}
