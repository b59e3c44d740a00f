/**
 * The HTTP interface of pcloud-cped on its Unix socket, as schemas: what goes in is checked by them on the
 * server, what comes out is checked by them in the client. Paths stand in `runtime/http.ts`.
 */
import { z } from 'zod';
import {
  architectureSchema,
  assemblyDefinitionSchema,
  assemblyDependencySchema,
  deployableDefinitionSchema,
  escalationPolicySchema,
  intentSchema,
  monitoringSchema,
  parameterValueSchema,
  requirementSchema,
  resourceDependencySchema,
  watchingSchema,
} from './definition.ts';
import { alertAddressSchema, deployableAlertSchema, deployableAlertsSchema } from './deployable-alert.ts';
import { maintenanceWindowSchema, maintenanceWindowsSchema } from './maintenance-window.ts';
import { networkKinds } from './network-attachment.ts';
import { sshAlgorithmsSchema } from './ssh.ts';

export const assemblyStates = [
  'stopped',
  'starting',
  'booting',
  'online',
  'suspect',
  'fencing',
  'waiting',
  'stopping',
  'blocked',
  // In maintenance: it has failed, and nothing is done about it.
  'failed',
] as const;
export type AssemblyStateName = (typeof assemblyStates)[number];

export const resourceStates = [
  'stopped',
  'probing',
  'starting',
  'active',
  'recovering',
  'waiting',
  'stopping',
  'unrecoverable',
  'unmonitored',
  // In maintenance: it has failed, and nothing is done about it.
  'failed',
] as const;
export type ResourceStateName = (typeof resourceStates)[number];

export const deployableStates = [
  'stopped',
  'starting',
  'active',
  'recovering',
  'stopping',
  'blocked',
  // Something in it has failed in maintenance.
  'degraded',
] as const;
export type DeployableStateName = (typeof deployableStates)[number];

/** Strings from a request are only bounded here; `model/names.ts` judges them, so that the message is its. */
const text = z.string().max(4096);

export const createAssemblyBody = z.strictObject({ name: text, release: text, architecture: text });
export const importAssemblyBody = z.strictObject({
  name: text,
  /** Absolute paths on the host of the service. */
  disk: text,
  keyFile: text.optional(),
  format: text.optional(),
  release: text.optional(),
  family: text.optional(),
  init: text.optional(),
  machine: text.optional(),
  memoryMiB: z.number().optional(),
  vcpus: z.number().optional(),
  transport: text.optional(),
  user: text.optional(),
  port: z.number().optional(),
  /** A line of public key, as the guest's /etc/ssh holds it. */
  hostKey: z.string().max(16_384).optional(),
  trustFirst: z.literal(true).optional(),
});
export const cloneAssemblyBody = z.strictObject({ name: text });
export const addResourceBody = z.strictObject({ name: text, template: text });
export const escalationBody = z.strictObject({ policy: escalationPolicySchema });
export const createDeployableBody = z.strictObject({ name: text, monitoring: monitoringSchema.optional() });
export const addDeployableAssemblyBody = z.strictObject({ assembly: text });

/** `restart`: restarted when what it depends on was. */
export const assemblyDependsBody = z.strictObject({ on: text, restart: z.boolean() });
export const resourceDependsBody = z.strictObject({ assembly: text, resource: text, restart: z.boolean() });
export const parameterBody = z.strictObject({
  value: z.union([text, z.strictObject({ assembly: text, value: text }), z.strictObject({ secret: text })]),
});
/** What is not given stays. */
export const machineBody = z.strictObject({
  memoryMiB: z.number().optional(),
  vcpus: z.number().optional(),
  ports: z.array(z.number()).max(1000).optional(),
});
/** A mount that is not given stays; null takes it away. */
export const diskBody = z.strictObject({ sizeGiB: z.number(), mount: text.nullable().optional() });
/** A hardware address that is not given, or null: one that comes from the assembly's identity. */
export const networkBody = z.strictObject({ mac: text.nullable().optional() });
/** All of it at once; what is not given is the template's. */
export const watchingBody = z.strictObject({ watching: watchingSchema });
/** All of them at once. */
export const alertsBody = z.strictObject({ alerts: deployableAlertsSchema });
/** One more, unless it is there. */
export const addAlertBody = z.strictObject({ alert: deployableAlertSchema });
export const removeAlertBody = z.strictObject({ address: alertAddressSchema });
/** Without a value one is drawn, unless there is one; `dryRun` only tells whether it would change anything. */
export const secretBody = z.strictObject({ value: text.optional(), dryRun: z.literal(true).optional() });

/** `forMs` null: until it is cleared. */
export const setMaintenanceBody = z.strictObject({ target: text, forMs: z.number().nullable() });
export const clearMaintenanceBody = z.strictObject({ target: text });
/** In place of all windows that the target has. */
export const setWindowsBody = z.strictObject({ target: text, windows: maintenanceWindowsSchema });
/** One more, or in place of the one of the same days and time. */
export const addWindowBody = z.strictObject({ target: text, window: maintenanceWindowSchema });
export const removeWindowBody = z.strictObject({
  target: text,
  every: maintenanceWindowSchema.shape.every,
  at: maintenanceWindowSchema.shape.at,
});
/** Null: the host's default. */
export const startLimitBody = z.strictObject({ slots: z.number().nullable() });

/** Monitored and reported, not acted on; `untilMs` null: until it is cleared. */
const maintenanceStatus = z.object({ untilMs: z.number().nullable() }).nullable();

export const resourceStatusSchema = z.object({
  name: z.string(),
  template: z.string(),
  state: z.enum(resourceStates),
  /** Wall clock ms of the last change of state. */
  sinceMs: z.number(),
  failuresInWindow: z.int(),
  escalation: escalationPolicySchema,
  /** Where a browser finds it, such as `http://127.0.0.1:20080/`; empty while the VM has no address. */
  urls: z.array(z.string()),
  parameters: z.record(z.string(), parameterValueSchema),
  dependsOn: z.array(resourceDependencySchema),
  /** What of its watching is not the template's. */
  watching: watchingSchema.default({}),
  /** Its own, or that of what it stands in; the longest. */
  maintenance: maintenanceStatus,
  /** Why it is not active, in words; null when there is nothing to say. */
  note: z.string().nullable(),
});

export const assemblyStatusSchema = z.object({
  name: z.string(),
  release: z.string(),
  architecture: architectureSchema,
  deployable: z.string().nullable(),
  state: z.enum(assemblyStates),
  sinceMs: z.number(),
  failuresInWindow: z.int(),
  escalation: escalationPolicySchema,
  imageDigest: z.string().nullable(),
  /** As defined; a running machine may have what was defined at its start. */
  memoryMiB: z.int(),
  vcpus: z.int(),
  /** What takes effect at the next start of its machine, which runs with something else; in words. */
  atNextStart: z.array(z.string()).default([]),
  /** Forwarded besides those of its resources; `hostPort` null until it has one. */
  ports: z.array(z.object({ guestPort: z.int(), hostPort: z.int().nullable() })),
  /** Data disks as defined, by name; a larger size is there from the next start on, `made` from the first. */
  disks: z
    .array(
      z.object({
        name: z.string(),
        sizeGiB: z.int(),
        mount: z.string().nullable(),
        made: z.boolean(),
      }),
    )
    .default([]),
  /** Further networks as defined; `mac` is what the card has, `macGiven` that somebody asked for that one. */
  networks: z
    .array(
      z.object({
        kind: z.enum(networkKinds),
        name: z.string(),
        mac: z.string(),
        macGiven: z.boolean(),
      }),
    )
    .default([]),
  /** True for a disk of the operator's own, which stands on no image. */
  imported: z.boolean().default(false),
  transport: z.enum(['agent', 'ssh', 'none']).default('agent'),
  domainName: z.string(),
  uuid: z.string(),
  /** Local port that leads to the guest's ssh, where there is one. */
  sshPort: z.int().nullable(),
  dependsOn: z.array(assemblyDependencySchema),
  maintenance: maintenanceStatus,
  /** Its own, which come back. */
  maintenanceWindows: z.array(maintenanceWindowSchema).default([]),
  note: z.string().nullable(),
  resources: z.array(resourceStatusSchema),
});
export type AssemblyStatus = z.infer<typeof assemblyStatusSchema>;

export const deployableStatusSchema = z.object({
  name: z.string(),
  intent: intentSchema,
  monitoring: monitoringSchema,
  state: z.enum(deployableStates),
  sinceMs: z.number(),
  escalation: escalationPolicySchema,
  /** Names of its secrets, sorted; their values are told to guests alone. */
  secrets: z.array(z.string()),
  /** Whom else to tell; an address or a token that is a secret only by its name. */
  alerts: deployableAlertsSchema.default([]),
  maintenance: maintenanceStatus,
  /** Its own, which come back. */
  maintenanceWindows: z.array(maintenanceWindowSchema).default([]),
  note: z.string().nullable(),
  assemblies: z.array(assemblyStatusSchema),
});
export type DeployableStatus = z.infer<typeof deployableStatusSchema>;

export const assemblyAnswer = z.object({
  assembly: assemblyDefinitionSchema,
  requirement: requirementSchema,
});
export const importAnswer = z.object({
  assembly: assemblyDefinitionSchema,
  copiedBytes: z.number(),
  durationMs: z.number(),
  /** To be put into the guest's authorized_keys; null where the operator gave a key, or none is needed. */
  publicKey: z.string().nullable(),
});
export const assemblyListAnswer = z.object({ assemblies: z.array(assemblyStatusSchema) });
export const deployableAnswer = z.object({ deployable: deployableDefinitionSchema });
export const deployableListAnswer = z.object({ deployables: z.array(deployableStatusSchema) });
/** What images the deployable's assemblies need that are not pinned yet; the shell asks the builder for them. */
export const requirementsAnswer = z.object({
  requirements: z.array(
    z.object({ assembly: z.string(), requirement: requirementSchema, imageDigest: z.string().nullable() }),
  ),
});
export const accessAnswer = z.object({
  user: z.string(),
  host: z.string(),
  port: z.int().min(1).max(65535),
  identityFile: z.string(),
  /** The guest's host key as told over the guest link, or as pinned; null while it is not known. */
  hostKey: z.string().nullable(),
  /** What today's ssh has to be told for an sshd of that age. */
  algorithms: sshAlgorithmsSchema.default({}),
});
export const cpedStatusAnswer = z.object({
  service: z.literal('pcloud-cped'),
  version: z.string(),
  pid: z.int(),
  startedAtMs: z.number(),
  owner: z.string(),
  hypervisor: z.object({
    uri: z.string(),
    state: z.enum(['up', 'down']),
    accelerator: z.enum(['kvm', 'tcg']),
    acceleratorReason: z.string(),
  }),
  lastSeq: z.int().min(0),
  /** How many assemblies may be starting at once, as the operator set it; null: the host's default. */
  startLimit: z.int().nullable(),
});
export type CpedStatus = z.infer<typeof cpedStatusAnswer>;
