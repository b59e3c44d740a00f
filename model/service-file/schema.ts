/**
 * A whole service in one file: what may stand in it. The words are those of the definitions, and times are in
 * milliseconds as in resource templates, but for windows of maintenance, which are a person's. Nothing is taken that would not be carried out: a key that is not here is
 * refused. The JSON Schema for editors comes from this one (`json-schema.ts`); what it means is `wanted.ts`.
 */
import { z } from 'zod';
import { diskMountSchema, diskNameSchema, diskSizeGiBSchema, maxDataDisks } from '../data-disk.ts';
import { checkSchema, maxChecks } from '../check-declaration.ts';
import {
  architectureSchema,
  escalationPolicySchema,
  extraPortsSchema,
  memoryMiBSchema,
  monitoringSchema,
  parameterNameSchema,
  vcpusSchema,
  watchingSchema,
} from '../definition.ts';
import { alertWords, maxAlerts, rungs } from '../deployable-alert.ts';
import { severities } from '../event.ts';
import { maxWindows, timeOfDaySchema, timeZoneSchema, weekdays } from '../maintenance-window.ts';
import { nameSchema } from '../names.ts';
import { bridgeSchema, libvirtNetworkSchema, macSchema, maxNetworks } from '../network-attachment.ts';

/** A file of a thousand assemblies has some 300 KiB. */
export const maxServiceFileBytes = 1024 * 1024;

const name = nameSchema.meta({ description: 'Letters, digits, ".", "_" and "-".' });

const escalation = escalationPolicySchema.optional().meta({
  description:
    'So many failures within periodMs go to the next rung instead of being mended on this one; or never.',
});

const restart = z
  .boolean()
  .default(false)
  .meta({ description: 'Restart this one, too, whenever what it depends on was restarted.' });

const parameterValue = z.union([z.string().max(512), z.number(), z.boolean()]).meta({
  description:
    'A text; or @ASSEMBLY:address, @ASSEMBLY:port/N, @ASSEMBLY:endpoint/N for a value of another assembly, @secret:NAME for a secret. A text that begins with @ is written with @@.',
});

const resource = z.strictObject({
  template: name.meta({ description: 'What it is: a resource template (resource_template_list).' }),
  parameters: z
    .record(parameterNameSchema, parameterValue)
    .optional()
    .meta({ description: 'What it is given; resource_template_show says what a template takes.' }),
  escalation,
  dependsOn: z
    .array(z.strictObject({ assembly: name, resource: name, restart }))
    .max(1000)
    .optional()
    .meta({ description: 'Resources that must be active before this one is started.' }),
  monitorIntervalMs: watchingSchema.shape.monitorIntervalMs.unwrap().optional(),
  monitorTimeoutMs: watchingSchema.shape.monitorTimeoutMs.unwrap().optional(),
  startTimeoutMs: watchingSchema.shape.startTimeoutMs.unwrap().optional(),
  stopTimeoutMs: watchingSchema.shape.stopTimeoutMs.unwrap().optional(),
  checks: z
    .array(checkSchema)
    .max(maxChecks)
    .optional()
    .meta({ description: 'In place of all checks of its template; written as there.' }),
});

const maintenanceWindow = z
  .strictObject({
    every: z
      .union([z.enum(['day', ...weekdays]), z.array(z.enum(weekdays)).min(1).max(weekdays.length)], {
        error: 'must be day, a day of the week such as sunday, or a list of those',
      })
      .meta({ description: 'day, a day of the week, or a list of those.' }),
    at: timeOfDaySchema.meta({ description: 'When it begins there, such as "03:00".' }),
    for: z
      .string()
      .regex(/^\d{1,9}[smhd]$/, 'must be a time such as 30m or 2h')
      .meta({ description: 'How long, such as 30m or 2h.' }),
    timeZone: timeZoneSchema
      .default('UTC')
      .meta({ description: 'Whose clocks show that time, such as Europe/Berlin.' }),
  })
  .meta({ description: 'It begins and ends by itself: monitored and reported, not acted on.' });

const maintenance = z
  .array(maintenanceWindow)
  .max(maxWindows)
  .optional()
  .meta({ description: 'Windows of maintenance that come back.' });

const disk = z.strictObject({
  sizeGiB: diskSizeGiBSchema.meta({ description: 'It may grow, and never shrinks.' }),
  mount: diskMountSchema.optional().meta({
    description: 'Where the guest mounts it; without it, it is there as /dev/disk/by-id/virtio-NAME.',
  }),
});

const oneNetwork = 'must be { network: NAME } or { bridge: NAME }';

// One object and not a union of two: whoever mistypes a key is told of that key.
const network = z
  .strictObject(
    {
      network: libvirtNetworkSchema
        .optional()
        .meta({ description: 'A network of libvirt (virsh net-list --all).' }),
      bridge: bridgeSchema
        .optional()
        .meta({ description: 'A bridge of the host (ip link show type bridge).' }),
      mac: macSchema.optional().meta({
        description: "Hardware address of its card; without it one that comes from the assembly's identity.",
      }),
    },
    { error: oneNetwork },
  )
  .refine((one) => (one.network === undefined) !== (one.bridge === undefined), oneNetwork);

const assembly = z.strictObject({
  release: name.meta({ description: 'Such as debian12 (release_list).' }),
  architecture: architectureSchema.default('x86_64'),
  memoryMiB: memoryMiBSchema
    .optional()
    .meta({ description: "Memory; without it what the release's image has, or what it was." }),
  vcpus: vcpusSchema.default(1),
  ports: extraPortsSchema
    .optional()
    .meta({ description: 'Ports of the guest to forward besides those of its resources.' }),
  disks: z
    .record(diskNameSchema, disk)
    .refine((all) => Object.keys(all).length <= maxDataDisks, `holds more than ${maxDataDisks}`)
    .optional()
    .meta({
      description:
        'Data disks, by name. They outlive the image, and go with the assembly; one that is taken out of the file stays, unless --prune is given.',
    }),
  networks: z
    .array(network)
    .max(maxNetworks)
    .optional()
    .meta({ description: 'Networks that the machine is attached to besides its first one.' }),
  escalation,
  dependsOn: z
    .array(z.strictObject({ assembly: name, restart }))
    .max(1000)
    .optional()
    .meta({ description: 'Assemblies that must be up with all their resources before this one is started.' }),
  maintenance,
  resources: z.record(nameSchema, resource).default({}).meta({ description: 'What runs in it, by name.' }),
});

const oneOrMore = <T extends z.ZodType>(item: T, what: string) =>
  z.union([item, z.array(item).min(1).max(100)], { error: `must be ${what}, or a list of those` }).optional();

const alertMatch = z
  .strictObject({
    rung: oneOrMore(alertWords.rung, rungs.join(', ')),
    severity: oneOrMore(alertWords.severity, severities.join(', ')),
    assembly: oneOrMore(alertWords.glob, 'a name with *, ?, [...] or {a,b}'),
    resource: oneOrMore(alertWords.glob, 'a name with *, ?, [...] or {a,b}'),
  })
  .optional()
  .meta({ description: 'Only what fits all that is given here; as in alerts.yaml.' });

const alert = z.union([
  z.strictObject({
    webhook: alertWords.webhook.meta({
      description: 'Address that alerts are posted to; @secret:NAME where it is not to be shown.',
    }),
    token: alertWords.token.optional().meta({ description: 'Bearer token: @secret:NAME.' }),
    match: alertMatch,
  }),
  z.strictObject({
    program: alertWords.program.meta({
      description: "One of the administrator's alert programs, by its name.",
    }),
    match: alertMatch,
  }),
]);

const secret = z
  .union([
    z.strictObject({ generate: z.literal(true) }),
    z.strictObject({ fromFile: z.string().min(1).max(4096) }),
  ])
  .meta({
    description:
      'generate: true has the service draw one where there is none; fromFile takes the first line of a file, beside this one unless absolute.',
  });

export const serviceFileSchema = z
  .strictObject({
    version: z.literal(1).meta({ description: 'Of this form.' }),
    name: name.meta({ description: 'Name of the deployable.' }),
    monitoring: monitoringSchema
      .default('am')
      .meta({ description: 'am watches resources and machines, pm the machines alone.' }),
    escalation,
    maintenance,
    alerts: z
      .array(alert)
      .max(maxAlerts)
      .optional()
      .meta({ description: 'Whom else to tell of what happens to this service.' }),
    secrets: z
      .record(nameSchema, secret)
      .default({})
      .meta({ description: 'Values that no list, answer or export ever shows, by name.' }),
    assemblies: z
      .record(nameSchema, assembly)
      .refine((all) => Object.keys(all).length <= 1000, 'holds more than 1000')
      .meta({ description: 'The virtual machines of the service, by name.' }),
  })
  .meta({
    title: 'A service of Pacemaker Cloud',
    description: 'Applied with `pcloudsh deployable_apply -f FILE`.',
  });
export type ServiceFile = z.infer<typeof serviceFileSchema>;
/** As it stands in the file, with what may be left out left out. */
export type ServiceFileText = z.input<typeof serviceFileSchema>;
