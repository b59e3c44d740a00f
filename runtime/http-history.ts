/**
 * The routes of what happened: the journal as pages and as an event stream that resumes where a client left
 * off, and incidents. Each stream has a cursor of its own into the journal, so nothing queues up for a slow one.
 */
import { z } from 'zod';
import {
  evidenceAnswer,
  incidentAnswer,
  incidentsAnswer,
  journalAnswer,
  maxPage,
} from '../model/cped-answers.ts';
import { PcloudError } from '../model/errors.ts';
import { journalEventSchema } from '../model/event.ts';
import type { Incident } from '../model/event.ts';
import { quoteForMessage } from '../model/names.ts';
import { parseInput } from '../service/http-server.ts';
import { routesWith } from '../service/route.ts';
import { lastEventIdOf, openSse } from '../service/sse.ts';
import type { SseConnection } from '../service/sse.ts';
import type { Journal } from './adapters/sqlite-memory.ts';
import { evidenceTypes, listEvidence, readEvidence } from './evidence-files.ts';
import type { EvidencePlace } from './evidence-files.ts';
import type { CpedHttp } from './http-context.ts';

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
const evidenceParams = z.object({ id: incidentId, name: z.string().min(1).max(200) });
const eventsQuery = z.strictObject({ after: count.optional() });

/** Of what cped's routes are given. */
type History = Pick<CpedHttp, 'journal' | 'evidenceDirectory'>;
const route = routesWith<History>();

export const historyRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/journal',
      access: 'read',
      summary: 'A page of the journal: the newest events, or those after a number, oldest first',
      query: journalQuery,
      answer: journalAnswer,
    },
    ({ journal }, { query }) => {
      // Before the events are read: whoever goes on behind it misses nothing.
      const lastSeq = journal.lastSeq();
      const { after: afterSeq, since: sinceMs, incident } = query;
      return { events: journal.find({ afterSeq, sinceMs, incident }, query.limit), lastSeq };
    },
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/incidents',
      access: 'read',
      summary: 'The newest incidents, oldest first',
      query: incidentsQuery,
      answer: incidentsAnswer,
    },
    ({ journal }, { query }) => {
      const { open, deployable, since: sinceMs, limit: most } = query;
      const filter = { open: open === undefined ? undefined : open === 'true', deployable, sinceMs };
      return { incidents: journal.newest(most, filter) };
    },
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/incidents/:id',
      access: 'read',
      summary: 'One incident: cause, evidence, what was done, how it ended',
      params: incidentParams,
      answer: incidentAnswer,
      errors: { 'not-found': ['unknown-incident'] },
    },
    (cped, { params }) => ({ incident: findIncident(cped, params.id) }),
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/incidents/:id/evidence',
      access: 'read',
      summary: 'The files that were kept as evidence of an incident',
      params: incidentParams,
      answer: evidenceAnswer,
      errors: { 'not-found': ['unknown-incident'] },
    },
    async (cped, { params }) => ({ files: await listEvidence(evidenceOf(cped, params.id)) }),
  ),
  route.bytes(
    {
      method: 'GET',
      path: '/v1/incidents/:id/evidence/:name',
      access: 'read',
      summary: 'One file of the evidence: the screen of the failed machine, or the end of its console',
      params: evidenceParams,
      contentTypes: [...new Set(Object.values(evidenceTypes))],
      description: 'The file. The words of a console are a guest’s own: show them as text alone.',
      errors: { 'not-found': ['unknown-incident', 'unknown-evidence'] },
    },
    async (cped, { params, reply }) => {
      const file = await readEvidence(evidenceOf(cped, params.id), params.name);
      // It never changes, and it may be gone; a browser must not guess that it is something else.
      return await reply
        .headers({ 'cache-control': 'private, max-age=3600', 'x-content-type-options': 'nosniff' })
        .type(file.contentType)
        .send(file.bytes);
    },
  ),
  route.events(
    {
      method: 'GET',
      path: '/v1/events',
      access: 'read',
      summary: 'Every event of the journal from now on, or from after a number on',
      query: eventsQuery,
      event: journalEventSchema,
      id: "The id is the event's `seq`. `Last-Event-ID` (or `after`) goes on behind it, without a gap or a repetition.",
    },
    ({ journal }, { query, request, reply }) => {
      const { after } = parseInput(eventsQuery, { after: lastEventIdOf(request) ?? query.after });
      streamJournal(openSse(reply), journal, after ?? journal.lastSeq());
    },
  ),
];

function findIncident({ journal }: History, id: string): Incident {
  const incident = journal.incident(id);
  if (incident === undefined) throw noSuchIncident(id);
  return incident;
}

function evidenceOf(history: History, id: string): EvidencePlace {
  const incident = findIncident(history, id);
  return { incident, directory: history.evidenceDirectory(incident.assembly) };
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
