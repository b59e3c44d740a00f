/**
 * A scenario's `definition.yaml`, checked, as the plan that the supervisor gets.
 */
import { parse } from 'yaml';
import { z } from 'zod';
import { defaultEscalation, escalationPolicySchema, monitoringSchema } from '../../model/definition.ts';
import type { DeployablePlan, ResourcePlan } from '../../runtime/control.ts';
import { defaultLimits, type Limits } from '../../runtime/supervisor/limits.ts';

const checkSchema = z.strictObject({
  everyMs: z.int().default(10_000),
  timeoutMs: z.int().default(5000),
  failures: z.int().min(1).default(3),
  graceMs: z.int().default(0),
});

const resourceSchema = z.strictObject({
  escalation: escalationPolicySchema.default(defaultEscalation.resource),
  class: z.enum(['lsb', 'systemd', 'ocf']).default('systemd'),
  parameters: z.record(z.string(), z.string()).default({}),
  /** By the check's name; each asks for the page of that name on port 80. */
  checks: z.record(z.string(), checkSchema).default({}),
  dependsOn: z
    .array(
      z.strictObject({ assembly: z.string(), resource: z.string(), restart: z.boolean().default(false) }),
    )
    .optional(),
  /** Parameter: ASSEMBLY:VALUE. */
  references: z.record(z.string(), z.templateLiteral([z.string(), ':', z.string()])).optional(),
});

const definitionSchema = z.strictObject({
  deployable: z.string(),
  /** The base of the delays between restarts; null: the service's own. */
  backoffBaseMs: z.int().min(0).nullable().default(null),
  monitoring: monitoringSchema.default('am'),
  escalation: escalationPolicySchema.default(defaultEscalation.deployable),
  assemblies: z.record(
    z.string(),
    z.strictObject({
      escalation: escalationPolicySchema.default(defaultEscalation.assembly),
      dependsOn: z
        .array(z.strictObject({ assembly: z.string(), restart: z.boolean().default(false) }))
        .optional(),
      resources: z.record(z.string(), resourceSchema),
    }),
  ),
});

/** The plan that a definition's text stands for; times are those of the `httpd` template. */
export function planOf(text: string): DeployablePlan {
  const definition = definitionSchema.parse(parse(text));
  return {
    name: definition.deployable,
    intent: 'down',
    monitoring: definition.monitoring,
    escalation: definition.escalation,
    assemblies: Object.entries(definition.assemblies).map(([name, assembly]) => ({
      name,
      escalation: assembly.escalation,
      ...(assembly.dependsOn === undefined ? {} : { dependsOn: assembly.dependsOn }),
      resources: Object.entries(assembly.resources).map(([resource, settings]) =>
        resourcePlanOf(resource, settings),
      ),
    })),
  };
}

/** The supervisor's limits there: the service's defaults, but for what the definition says. */
export function limitsOf(text: string): Limits {
  const { backoffBaseMs } = definitionSchema.parse(parse(text));
  const limits = defaultLimits('kvm');
  if (backoffBaseMs === null) return limits;
  return { ...limits, backoff: { ...limits.backoff, baseMs: backoffBaseMs } };
}

function resourcePlanOf(name: string, settings: z.infer<typeof resourceSchema>): ResourcePlan {
  return {
    name,
    class: settings.class,
    service: settings.class === 'ocf' ? 'heartbeat:Dummy' : 'apache2',
    parameters: settings.parameters,
    escalation: settings.escalation,
    monitorIntervalMs: 10_000,
    monitorTimeoutMs: 20_000,
    startTimeoutMs: 60_000,
    stopTimeoutMs: 60_000,
    checks: Object.entries(settings.checks).map(([check, given]) => ({
      name: check,
      probe: { kind: 'http', guestPort: 80, path: `/${check}`, statusFrom: 200, statusTo: 399 },
      intervalMs: given.everyMs,
      timeoutMs: given.timeoutMs,
      failuresNeeded: given.failures,
      startGraceMs: given.graceMs,
    })),
    ...(settings.dependsOn === undefined ? {} : { dependsOn: settings.dependsOn }),
    references: Object.entries(settings.references ?? {}).map(([parameter, reference]) => {
      const [assembly = '', value = ''] = reference.split(/:(.*)/s);
      return { parameter, assembly, value };
    }),
  };
}
