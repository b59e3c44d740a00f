/**
 * The answers of pcloud-cped beside those of `cped-api.ts`: what a change leads to, history, and who
 * stands on which image. Its server writes them, its client checks them.
 */
import { z } from 'zod';
import { assemblyAnswer, deployableAnswer, resourceStatusSchema } from './cped-api.ts';
import { deployableAlertsSchema } from './deployable-alert.ts';
import { incidentSchema, journalEventSchema } from './event.ts';
import { maintenanceWindowSchema } from './maintenance-window.ts';

/** When a change of definitions reaches the VMs, and in words what is left to do. */
const effect = {
  takesEffect: z.enum(['at-start', 'at-reload']),
  note: z.string().nullable(),
};
export const assemblyChangeAnswer = assemblyAnswer.extend(effect);
export const deployableChangeAnswer = deployableAnswer.extend(effect);

export const resourcesAnswer = z.object({ resources: z.array(resourceStatusSchema) });

export const journalAnswer = z.object({ events: z.array(journalEventSchema), lastSeq: z.int().min(0) });
export const incidentsAnswer = z.object({ incidents: z.array(incidentSchema) });
export const incidentAnswer = z.object({ incident: incidentSchema });
/** Files that show why something failed; a file may be gone the next moment, when newer ones are kept. */
export const evidenceAnswer = z.object({
  files: z.array(
    z.object({
      name: z.string(),
      contentType: z.string(),
      sizeBytes: z.int().nonnegative(),
      takenAtMs: z.number(),
    }),
  ),
});
export type EvidenceFile = z.infer<typeof evidenceAnswer>['files'][number];

/** Who stands on images: by digest for those with a disk, and all names that the question covers. */
export const imagesInUseAnswer = z.object({
  assemblies: z.array(z.string()),
  images: z.array(z.object({ digest: z.string(), assemblies: z.array(z.string()) })),
});
/** Whether the secret was, or would be, another one than before. */
export const secretAnswer = z.object({ changed: z.boolean(), note: z.string().nullable() });
export const alertsAnswer = z.object({ alerts: deployableAlertsSchema });
export const doneAnswer = z.object({ done: z.literal(true) });

/** `target` as `deployable:D`, `assembly:A` or `resource:A/R`; `untilMs` null: until it is cleared. */
const maintenance = z.object({
  target: z.string(),
  untilMs: z.number().nullable(),
  setAtMs: z.number(),
  /** The window that began it, in words; null: a person did. */
  window: z.string().nullable(),
});
export type MaintenanceEntry = z.infer<typeof maintenance>;
export const maintenanceAnswer = z.object({ maintenance });
/** A window of a target, and when it begins next. */
const windowEntry = z.object({
  target: z.string(),
  window: maintenanceWindowSchema,
  nextMs: z.number(),
});
export type WindowEntry = z.infer<typeof windowEntry>;
export const maintenanceListAnswer = z.object({
  maintenances: z.array(maintenance),
  windows: z.array(windowEntry),
});
export type MaintenanceList = z.infer<typeof maintenanceListAnswer>;
/** All windows of the target after the change. */
export const maintenanceWindowsAnswer = z.object({ target: z.string(), windows: z.array(windowEntry) });
export type TargetWindows = z.infer<typeof maintenanceWindowsAnswer>;
/** `goesOn`: what it stands in is under a maintenance still. */
export const maintenanceClearedAnswer = z.object({
  target: z.string(),
  goesOn: z.object({ untilMs: z.number().nullable() }).nullable(),
});
export type MaintenanceCleared = z.infer<typeof maintenanceClearedAnswer>;

/** How many journal events or incidents one answer holds at most. */
export const maxPage = 1000;
