/**
 * A scenario's `definition.yaml`, checked, as the plan that the supervisor gets.
 */
import { parse } from 'yaml';
import { z } from 'zod';
import { defaultEscalation, escalationPolicySchema, monitoringSchema } from '../../model/definition.ts';
import type { DeployablePlan } from '../../runtime/control.ts';

const definitionSchema = z.strictObject({
  deployable: z.string(),
  monitoring: monitoringSchema.default('am'),
  escalation: escalationPolicySchema.default(defaultEscalation.deployable),
  assemblies: z.record(
    z.string(),
    z.strictObject({
      escalation: escalationPolicySchema.default(defaultEscalation.assembly),
      resources: z.record(
        z.string(),
        z.strictObject({
          escalation: escalationPolicySchema.default(defaultEscalation.resource),
          class: z.enum(['lsb', 'systemd', 'ocf']).default('systemd'),
          parameters: z.record(z.string(), z.string()).default({}),
        }),
      ),
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
      resources: Object.entries(assembly.resources).map(([resource, settings]) => ({
        name: resource,
        class: settings.class,
        service: settings.class === 'ocf' ? 'heartbeat:Dummy' : 'apache2',
        parameters: settings.parameters,
        escalation: settings.escalation,
        monitorIntervalMs: 10_000,
        monitorTimeoutMs: 20_000,
        startTimeoutMs: 60_000,
        stopTimeoutMs: 60_000,
      })),
    })),
  };
}
