/**
 * The routes of what happened: the journal as pages and as an event stream that resumes where a client left
 * off, and incidents. Each stream has a cursor of its own into the journal, so nothing queues up for a slow one.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseInput } from '../service/http-server.ts';
import { lastEventIdOf, openSse } from '../service/sse.ts';
import type { SseConnection } from '../service/sse.ts';
import type { Incidents, Journal } from './adapters/sqlite-memory.ts';
import { maxPage } from '../model/cped-answers.ts';

/** Events a stream reads from the journal at once. */
const streamPage = 200;

const count = z.coerce.number().pipe(z.int().min(0).max(Number.MAX_SAFE_INTEGER));
const limit = z.coerce.number().pipe(z.int().min(1).max(maxPage)).default(100);
const journalQuery = z.strictObject({ after: count.optional(), limit });
const incidentsQuery = z.strictObject({ limit });
const eventsQuery = z.strictObject({ after: count.optional() });

export function registerHistoryRoutes(app: FastifyInstance, journal: Journal & Incidents): void {
  app.get('/v1/journal', (request) => {
    const query = parseInput(journalQuery, request.query);
    const events =
      query.after === undefined
        ? journal.readNewest(query.limit)
        : journal.readAfter(query.after, query.limit);
    return { events, lastSeq: journal.lastSeq() };
  });
  app.get('/v1/incidents', (request) => ({
    incidents: journal.newest(parseInput(incidentsQuery, request.query).limit),
  }));
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

function queryAfter(query: unknown): unknown {
  return typeof query === 'object' && query !== null && 'after' in query ? query.after : undefined;
}
