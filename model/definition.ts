/**
 * What the operator defined: assemblies with their resources and escalation settings, and deployables.
 * cped owns these (SQLite). Intent is here too, because it is the operator's word and not an observation.
 */
import { z } from 'zod';
import { checkPlanSchema, maxChecks } from './check-declaration.ts';
import { dataDisksSchema } from './data-disk.ts';
import { nameSchema } from './names.ts';
import { networkAttachmentsSchema } from './network-attachment.ts';
import { familySchema } from './resource-template.ts';
import { transportSchema } from './ssh.ts';

export const architectures = ['x86_64'] as const;
export const architectureSchema = z.enum(architectures);
export type Architecture = z.infer<typeof architectureSchema>;

/** `failures` within `periodMs` escalate to the next rung; `never` keeps restarting on this rung. */
export const escalationPolicySchema = z.union([
  z.literal('never'),
  z.strictObject({
    failures: z.int().min(1).max(10_000),
    periodMs: z
      .int()
      .min(1)
      .max(366 * 24 * 3_600_000),
  }),
]);
export type EscalationPolicy = z.infer<typeof escalationPolicySchema>;

/** DESIGN.md §6: resource 5 in 3600 s, assembly 3 in 3600 s, deployable 2 in 3600 s. */
export const defaultEscalation = {
  resource: { failures: 5, periodMs: 3_600_000 },
  assembly: { failures: 3, periodMs: 3_600_000 },
  deployable: { failures: 2, periodMs: 3_600_000 },
} as const satisfies Record<string, EscalationPolicy>;

/** As the guest link carries it (`guest-codec.ts`), less the one name that no JSON object can hold. */
export const parameterNameSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,61}$/)
  .refine((name) => name !== '__proto__');

/** What an assembly gives to others: its address, or where its guest port N is reached. */
export const referenceValueSchema = z
  .string()
  .regex(/^(?:address|(?:port|endpoint)\/[1-9][0-9]{0,4})$/)
  .refine((value) => Number(value.split('/')[1] ?? 1) <= 65_535);

const parameterReferenceSchema = z.strictObject({ assembly: nameSchema, value: referenceValueSchema });
export type ParameterReferenceValue = z.infer<typeof parameterReferenceSchema>;

/** A secret of the deployable that the resource is in, by its name; the value stands in no definition. */
const parameterSecretSchema = z.strictObject({ secret: nameSchema });

/** It stands in one line of a guest's environment; empty ones are mistakes. */
export const secretValueSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u);

/** A text, a value of an assembly that is filled in when it is known, or a secret. */
export const parameterValueSchema = z.union([
  z
    .string()
    .max(512)
    .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u),
  parameterReferenceSchema,
  parameterSecretSchema,
]);
export type ParameterValue = z.infer<typeof parameterValueSchema>;

/** `restart`: what depends is restarted when what it depends on was. */
export const resourceDependencySchema = z.strictObject({
  assembly: nameSchema,
  resource: nameSchema,
  restart: z.boolean(),
});
export const assemblyDependencySchema = z.strictObject({ assembly: nameSchema, restart: z.boolean() });

/** What an operator has changed of how a resource is watched; what is not given is the template's. */
export const watchingSchema = z.strictObject({
  monitorIntervalMs: z.exactOptional(z.int().min(1000).max(3_600_000)),
  monitorTimeoutMs: z.exactOptional(z.int().min(100).max(600_000)),
  startTimeoutMs: z.exactOptional(z.int().min(100).max(600_000)),
  stopTimeoutMs: z.exactOptional(z.int().min(100).max(600_000)),
  /** In place of all of the template's. */
  checks: z.exactOptional(z.array(checkPlanSchema).max(maxChecks)),
});
export type Watching = z.infer<typeof watchingSchema>;

export const resourceDefinitionSchema = z.strictObject({
  name: nameSchema,
  /** Name of a resource template. */
  template: nameSchema,
  escalation: escalationPolicySchema,
  /** Given to the resource in the guest, by name. */
  parameters: z.record(parameterNameSchema, parameterValueSchema).default({}),
  /** Resources that must be active before this one is started, of this or another assembly. */
  dependsOn: z.array(resourceDependencySchema).default([]),
  watching: watchingSchema.default({}),
});
export type ResourceDefinition = z.infer<typeof resourceDefinitionSchema>;

/** What a machine may have; an image that asks for anything else could be built and never be run. */
export const memoryMiBSchema = z.int().min(64).max(1_048_576);

export const vcpusSchema = z.int().min(1).max(64);

/** QEMU takes 64 forwards; the templates have some, too. */
export const extraPortsSchema = z.array(z.int().min(1).max(65_535)).max(32);

/**
 * What an imported disk is, since no manifest says it. Family and init are null for a guest that nobody speaks to.
 */
export const importedDiskSchema = z.strictObject({
  family: familySchema.nullable(),
  init: z.enum(['systemd', 'sysv']).nullable(),
  machine: z.enum(['pc', 'q35']),
});
export type ImportedDisk = z.infer<typeof importedDiskSchema>;

/** The release of an imported assembly whose operator named none. */
export const unnamedRelease = 'imported';

export const assemblyDefinitionSchema = z.strictObject({
  name: nameSchema,
  release: nameSchema,
  architecture: architectureSchema,
  /** Stable identity of the domain, made when the assembly is created or cloned. */
  uuid: z.uuid(),
  /** Locally administered unicast address (IEEE 802, 52:54:00 is QEMU's customary prefix). */
  macAddress: z.string().regex(/^52:54:00(:[0-9a-f]{2}){3}$/),
  memoryMiB: memoryMiBSchema,
  vcpus: vcpusSchema,
  /** Ports of the guest that are forwarded besides those of its resources' templates. */
  ports: extraPortsSchema.default([]),
  /** Besides the one with the system; by name, sorted. */
  disks: dataDisksSchema.default([]),
  /** Besides the first one; in the order in which the guest finds their cards. */
  networks: networkAttachmentsSchema.default([]),
  /** Digest of the image that the assembly's own disk was made on; null until its first start. */
  imageDigest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  escalation: escalationPolicySchema,
  /** How its guest is spoken to. */
  transport: transportSchema,
  /** Null: its disk is made on an image. */
  imported: importedDiskSchema.nullable(),
  resources: z.array(resourceDefinitionSchema),
  /** Assemblies that must be up with all their resources before this one is started. */
  dependsOn: z.array(assemblyDependencySchema).default([]),
});
export type AssemblyDefinition = z.infer<typeof assemblyDefinitionSchema>;

export const intentSchema = z.enum(['up', 'down']);
export type Intent = z.infer<typeof intentSchema>;

/** `pm` watches the VM alone (ANCESTOR.md, "passive"); `am` watches the resources too. */
export const monitoringSchema = z.enum(['am', 'pm']);
export type Monitoring = z.infer<typeof monitoringSchema>;

export const deployableDefinitionSchema = z.strictObject({
  name: nameSchema,
  monitoring: monitoringSchema,
  intent: intentSchema,
  escalation: escalationPolicySchema,
  /** Names of assemblies; an assembly is in at most one deployable. */
  assemblies: z.array(nameSchema),
});
export type DeployableDefinition = z.infer<typeof deployableDefinitionSchema>;

/** What an image must provide for an assembly to run on it; the builder is asked to `ensure` it. */
export const requirementSchema = z.strictObject({
  release: nameSchema,
  architecture: architectureSchema,
  /** Names of resource templates whose packages the image must hold, sorted, without repeats. */
  templates: z.array(nameSchema),
});
export type Requirement = z.infer<typeof requirementSchema>;

/** The requirement that an assembly's definition implies, also as a status tells it. */
export function requirementOf(
  assembly: Pick<AssemblyDefinition, 'release' | 'architecture'> & {
    readonly resources: readonly Pick<ResourceDefinition, 'template'>[];
  },
): Requirement {
  const templates = [...new Set(assembly.resources.map((resource) => resource.template))].sort();
  return { release: assembly.release, architecture: assembly.architecture, templates };
}
