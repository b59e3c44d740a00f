/**
 * A resource template: what an operator means by `httpd`, on each family of guest. Templates are data
 * (`templates/resources/*.yaml`); this file says what such a file may hold.
 */
import { z } from 'zod';
import { nameSchema } from './names.ts';

export const families = ['debian', 'fedora', 'rhel'] as const;
export const familySchema = z.enum(families);
export type Family = z.infer<typeof familySchema>;

/** How a service is spoken to inside the guest. `service` is the guest's own init: LSB script or systemd unit. */
export const resourceClassSchema = z.enum(['service', 'ocf']);

const portSchema = z.object({
  guestPort: z.int().min(1).max(65535),
  /** Shown as a URL in `deployable_status` when it is http or https. */
  scheme: z.enum(['http', 'https', 'tcp']),
});

/** Debian policy §5.6.1 and RPM names: no spaces, no shell or option characters at the start. */
export const packageNameSchema = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9+._-]*$/);
/** A systemd unit or SysV script name without its suffix. */
export const serviceNameSchema = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9@:._-]*$/);

export const resourceTemplateSchema = z.strictObject({
  name: nameSchema,
  summary: z.string().min(1).max(200),
  class: resourceClassSchema,
  /** For class ocf: `provider:type`, such as `heartbeat:pgsql`. */
  ocfAgent: z
    .string()
    .regex(/^[a-z0-9-]+:[A-Za-z0-9-]+$/)
    .optional(),
  /** Between two recurring monitors; ANCESTOR.md gives each template's. */
  monitorIntervalMs: z.int().min(1000).max(3_600_000),
  monitorTimeoutMs: z.int().min(100).max(600_000).default(20_000),
  startTimeoutMs: z.int().min(100).max(600_000).default(60_000),
  stopTimeoutMs: z.int().min(100).max(600_000).default(60_000),
  families: z.partialRecord(
    familySchema,
    z.strictObject({ service: serviceNameSchema, packages: z.array(packageNameSchema).max(50) }),
  ),
  ports: z.array(portSchema).max(20).default([]),
});
export type ResourceTemplate = z.infer<typeof resourceTemplateSchema>;
