/**
 * What the supervisor tells people: one journal event per thing that happened, was decided, or ended, and
 * one incident per failure that ties cause, evidence, action and outcome together. The wording is
 * `runtime/supervisor/wording.ts`; how it looks on a terminal is the shell's.
 */
import { z } from 'zod';

export const eventKinds = [
  'deployable-starting',
  'deployable-active',
  'deployable-recovering',
  'deployable-stopping',
  'deployable-stopped',
  'deployable-blocked',
  'deployable-degraded',
  'assembly-starting',
  'assembly-active',
  'assembly-adopted',
  'assembly-failed',
  'assembly-fenced',
  'assembly-stopped',
  'assembly-suspect',
  'assembly-blocked',
  'assembly-waiting',
  'assembly-stalled',
  'assembly-resumed',
  'assembly-rebooted',
  'resource-active',
  'resource-failed',
  'resource-restarting',
  'resource-stopped',
  'resource-unrecoverable',
  'resource-waiting',
  'maintenance-begun',
  'maintenance-ending',
  'maintenance-ended',
  'alert-failed',
  'events-summed',
  'escalation',
  'hypervisor-lost',
  'hypervisor-back',
  'service-started',
  'service-stalled',
] as const;
export type EventKind = (typeof eventKinds)[number];

export const severities = ['info', 'warning', 'error'] as const;

/** An event as the supervisor makes it; the journal adds `seq`. */
export const supervisorEventSchema = z.object({
  /** Wall clock, ms since the epoch. */
  atMs: z.number(),
  kind: z.enum(eventKinds),
  severity: z.enum(severities),
  deployable: z.string().nullable(),
  assembly: z.string().nullable(),
  resource: z.string().nullable(),
  /** Identifier of the incident that this belongs to, such as `assy1/httpdone/3`. */
  incident: z.string().nullable(),
  /** One line for people: what happened, and what is done about it. */
  text: z.string(),
  /** For programs: `durationMs`, `failures`, `signal`, … */
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export type SupervisorEvent = z.infer<typeof supervisorEventSchema>;

/** A supervisor's event in the journal: `seq` grows by one and never repeats. */
export const journalEventSchema = supervisorEventSchema.extend({ seq: z.int().min(1) });
export type JournalEvent = z.infer<typeof journalEventSchema>;

/** What was done about an incident, and when; 0 where a first version of the service did not write the time down. */
const toldAction = z.object({ atMs: z.number(), text: z.string() });
const incidentActionSchema = z.union([
  toldAction,
  z
    .string()
    .transform((text) => ({ atMs: 0, text }))
    .pipe(toldAction),
]);

/** One failure from its first sign to its end. */
export const incidentSchema = z.object({
  id: z.string(),
  deployable: z.string().nullable(),
  assembly: z.string(),
  resource: z.string().nullable(),
  rung: z.enum(['resource', 'assembly', 'deployable']),
  /** The supervisor's word for it: `dead`, `crashed`, `hung`, `agent-lost`, `stalled`, `died`, `check`, …; null where it has none. */
  verdict: z.string().nullable().default(null),
  cause: z.string(),
  /** The signals that the verdict was made from, later causes, and files that were kept (`screen: PATH`). */
  evidence: z.array(z.string()),
  actions: z.array(incidentActionSchema),
  outcome: z.enum(['open', 'recovered', 'escalated', 'blocked', 'stopped', 'maintenance']),
  noticedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
});
export type Incident = z.infer<typeof incidentSchema>;
