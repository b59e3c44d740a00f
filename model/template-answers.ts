/**
 * What pcloud-cped answers about resource templates: which there are, what is wrong with files that would be
 * some, and all of one. Its server writes them, its client checks them.
 */
import { z } from 'zod';
import { resourceClassSchema } from './resource-template.ts';
import { templateFaultSchema } from './template-fault.ts';

const source = {
  origin: z.enum(['shipped', 'operator']),
  file: z.string(),
  /** The shipped file that this one of the operator's takes the place of. */
  overrides: z.string().nullable(),
};

const templateViewSchema = z.object({
  name: z.string(),
  summary: z.string(),
  families: z.array(z.string()),
  ...source,
  /** Names of its checks. */
  checks: z.array(z.string()),
});
export type TemplateView = z.infer<typeof templateViewSchema>;

export const templatesAnswer = z.object({
  templates: z.array(templateViewSchema),
  faults: z.array(templateFaultSchema),
});
export type TemplatesView = z.infer<typeof templatesAnswer>;

const probeSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('http'),
    guestPort: z.int(),
    path: z.string(),
    statusFrom: z.int(),
    statusTo: z.int(),
    bodyContains: z.string().optional(),
  }),
  z.object({ kind: z.literal('tcp'), guestPort: z.int() }),
  z.object({ kind: z.literal('command'), arguments: z.array(z.string()) }),
]);

const templateDetailsSchema = z.object({
  name: z.string(),
  summary: z.string(),
  class: resourceClassSchema,
  /** `provider:type` for class ocf, else null. */
  ocfAgent: z.string().nullable(),
  ...source,
  /** What is wrong with its file now, where an earlier reading is in use. */
  fault: templateFaultSchema.nullable(),
  families: z.record(
    z.string(),
    z.object({
      service: z.string(),
      packages: z.array(z.string()),
      /** Paths of the files that it brings. */
      files: z.array(z.string()).default([]),
    }),
  ),
  ports: z.array(z.object({ guestPort: z.int(), scheme: z.enum(['http', 'https', 'tcp']) })),
  monitorIntervalMs: z.int(),
  monitorTimeoutMs: z.int(),
  startTimeoutMs: z.int(),
  stopTimeoutMs: z.int(),
  checks: z.array(
    z.object({
      name: z.string(),
      probe: probeSchema,
      intervalMs: z.int(),
      timeoutMs: z.int(),
      failuresNeeded: z.int(),
      startGraceMs: z.int(),
    }),
  ),
  parameters: z.array(
    z.object({
      name: z.string(),
      summary: z.string(),
      required: z.boolean(),
      /** By family; empty where the resource's own default holds. */
      defaults: z.record(z.string(), z.string()),
    }),
  ),
});
export type TemplateDetails = z.infer<typeof templateDetailsSchema>;

export const templateAnswer = z.object({ template: templateDetailsSchema });
