/**
 * A resource template: what an operator means by `httpd`, on each family of guest. Templates are data
 * (`templates/resources/*.yaml`); this file says what such a file may hold.
 */
import { z } from 'zod';
import { checkSchema, maxChecks } from './check-declaration.ts';
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

/**
 * A file that comes with a template, put into the image when an assembly's is built: what makes a service read its
 * parameters. Below /etc and /usr alone, so that no link of the root (/lib, /bin) is replaced by a directory.
 */
export const templateFileSchema = z.strictObject({
  path: z
    .string()
    .max(200)
    .regex(/^\/(?:etc|usr)(?:\/[A-Za-z0-9@._-]+)+$/, 'must be a plain path below /etc or /usr')
    .refine((file) => !file.split('/').some((part) => part === '..' || part === '.'), 'must not go up'),
  /** Run rather than read: mode 0755 instead of 0644; root's in either case. */
  executable: z.boolean().default(false),
  content: z.string().max(16_384),
});
export type TemplateFile = z.infer<typeof templateFileSchema>;

/** As the definitions have them: the agent makes a variable of it, `OCF_RESKEY_NAME` or `NAME`. */
export const parameterNameSchema = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/);
/** It stands in one line in the guest. */
export const parameterValueSchema = z
  .string()
  .max(512)
  .regex(/^\P{C}*$/u, 'must be plain text in one line');

const parameterSchema = z
  .strictObject({
    name: parameterNameSchema,
    summary: z.string().min(1).max(200),
    /** Given to the resource where the operator sets nothing; one for all families, or one for each. */
    default: z.union([parameterValueSchema, z.partialRecord(familySchema, parameterValueSchema)]).optional(),
    /** Nothing is run without a value. */
    required: z.boolean().default(false),
  })
  .refine((parameter) => !parameter.required || parameter.default === undefined, {
    path: ['required'],
    error: 'one with a default is never missing',
  });

const maxParameters = 50;

export const resourceTemplateSchema = z
  .strictObject({
    name: nameSchema,
    summary: z.string().min(1).max(200),
    class: resourceClassSchema,
    /** For class ocf: `provider:type`, such as `heartbeat:pgsql`. */
    ocfAgent: z
      .string()
      .regex(/^[a-z0-9-]+:[A-Za-z0-9-]+$/)
      .optional(),
    /** Between two recurring monitors; ANCESTOR.md gives those of the templates of 2011. */
    monitorIntervalMs: z.int().min(1000).max(3_600_000),
    monitorTimeoutMs: z.int().min(100).max(600_000).default(20_000),
    startTimeoutMs: z.int().min(100).max(600_000).default(60_000),
    stopTimeoutMs: z.int().min(100).max(600_000).default(60_000),
    families: z.partialRecord(
      familySchema,
      z.strictObject({
        service: serviceNameSchema,
        packages: z.array(packageNameSchema).max(50),
        files: z.array(templateFileSchema).max(20).default([]),
      }),
    ),
    ports: z.array(portSchema).max(20).default([]),
    /** What the application is asked while it runs, beyond whether its process is there. */
    checks: z.array(checkSchema).max(maxChecks).default([]),
    /** What an operator may set on a resource of it, for people to read; others are passed on as well. */
    parameters: z.array(parameterSchema).max(maxParameters).default([]),
  })
  .superRefine((template, context) => {
    // What a transformation has refused is not there to be looked at.
    if (context.issues.length > 0) return;
    const refuse = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    if (template.class === 'ocf' && template.ocfAgent === undefined)
      refuse(['ocfAgent'], 'is missing: class ocf has to say which agent');
    for (const list of ['checks', 'parameters'] as const)
      for (const [index, { name }] of template[list].entries())
        if (template[list].findIndex((one) => one.name === name) < index)
          refuse([list, index, 'name'], `"${name}" is there twice`);
    const open = template.ports.map(({ guestPort }) => guestPort);
    for (const [index, { probe }] of template.checks.entries())
      if (probe.kind !== 'command' && !open.includes(probe.guestPort))
        refuse(
          ['checks', index, probe.kind, 'guestPort'],
          `${probe.guestPort} is not in ports, so that nothing leads there`,
        );
  });
export type ResourceTemplate = z.infer<typeof resourceTemplateSchema>;
export type TemplateParameter = ResourceTemplate['parameters'][number];

/** What a parameter is where nobody sets it; undefined: it is not given, and the resource's own default holds. */
export function defaultParameter(parameter: TemplateParameter, family: Family): string | undefined {
  const { default: given } = parameter;
  return typeof given === 'object' ? given[family] : given;
}
