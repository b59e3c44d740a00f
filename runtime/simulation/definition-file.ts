/**
 * A deployable as a file for `pcloud-cped simulate`, YAML or JSON: its assemblies and resources with their
 * policies and their order. What it leaves out has the service's defaults.
 *
 *   deployable: shop
 *   assemblies:
 *     front:
 *       escalation: { failures: 3, periodMs: 3600000 }     # or never
 *       dependsOn: [{ assembly: back, restart: false }]
 *       resources: { web: { escalation: never } }
 *     back: { resources: { db: {} } }
 */
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import {
  defaultEscalation,
  escalationPolicySchema,
  monitoringSchema,
  type EscalationPolicy,
} from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { nameSchema } from '../../model/names.ts';
import type { AssemblyPlan, DeployablePlan, ResourcePlan } from '../control.ts';

const timeMs = z.int().min(1).max(3_600_000);
const resourceSchema = z.strictObject({
  escalation: escalationPolicySchema.default(defaultEscalation.resource),
  monitorIntervalMs: timeMs.default(10_000),
  monitorTimeoutMs: timeMs.default(20_000),
  startTimeoutMs: timeMs.default(60_000),
  stopTimeoutMs: timeMs.default(60_000),
  dependsOn: z
    .array(
      z.strictObject({ assembly: nameSchema, resource: nameSchema, restart: z.boolean().default(false) }),
    )
    .max(64)
    .default([]),
});
const assemblySchema = z.strictObject({
  escalation: escalationPolicySchema.default(defaultEscalation.assembly),
  dependsOn: z
    .array(z.strictObject({ assembly: nameSchema, restart: z.boolean().default(false) }))
    .max(64)
    .default([]),
  resources: z.record(nameSchema, resourceSchema).default({}),
});
const definitionSchema = z.strictObject({
  deployable: nameSchema,
  monitoring: monitoringSchema.default('am'),
  escalation: escalationPolicySchema.default(defaultEscalation.deployable),
  assemblies: z.record(nameSchema, assemblySchema),
});

/** @throws PcloudError `definition-broken`, which names the line where there is one. */
export function readDefinition(text: string, name: string): DeployablePlan {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined)
    throw broken(
      `${name}, line ${lines.linePos(error.pos[0]).line}: ${error.message.split('\n', 1).join('')}`,
    );
  const parsed = definitionSchema.safeParse(document.toJS({ maxAliasCount: 100 }));
  if (parsed.success) return planOf(parsed.data);
  const issue = parsed.error.issues[0];
  const at = issue?.path.join('.') ?? '';
  const node: unknown = document.getIn(issue?.path ?? [], true);
  throw broken(
    `${name}${lineOf(node, lines)}: ${at === '' ? '' : `${at}: `}${issue?.message ?? 'not a definition'}`,
  );
}

function lineOf(node: unknown, lines: LineCounter): string {
  const range =
    typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
      ? Number(node.range[0])
      : Number.NaN;
  return Number.isNaN(range) ? '' : `, line ${lines.linePos(range).line}`;
}

function broken(message: string): PcloudError {
  return new PcloudError({
    code: 'definition-broken',
    category: 'invalid',
    message: message.endsWith('.') ? message : `${message}.`,
    hint: '`pcloud-cped simulate --help` shows the form of a definition.',
  });
}

function planOf(definition: z.infer<typeof definitionSchema>): DeployablePlan {
  return {
    name: definition.deployable,
    intent: 'down',
    monitoring: definition.monitoring,
    escalation: definition.escalation,
    assemblies: Object.entries(definition.assemblies).map(
      ([name, { resources, ...assembly }]): AssemblyPlan => ({
        name,
        ...assembly,
        resources: Object.entries(resources).map(([resource, settings]): ResourcePlan => ({
          name: resource,
          class: 'systemd',
          service: resource,
          parameters: {},
          ...settings,
        })),
      }),
    ),
  };
}

export type Policies = Partial<Record<'resource' | 'assembly' | 'deployable', EscalationPolicy>>;

/** The same deployable with another policy on the rungs that are named. */
export function withPolicies(plan: DeployablePlan, policies: Policies): DeployablePlan {
  return {
    ...plan,
    escalation: policies.deployable ?? plan.escalation,
    assemblies: plan.assemblies.map((assembly) => ({
      ...assembly,
      escalation: policies.assembly ?? assembly.escalation,
      resources: assembly.resources.map((resource) => ({
        ...resource,
        escalation: policies.resource ?? resource.escalation,
      })),
    })),
  };
}

const rungPattern = /^(resource|assembly|deployable)=(?:(never)|(\d{1,5})\/(\d{1,8})(s|m|h)?)$/;
const unitMs = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/** `resource=3/60s`, `assembly=never`. @throws PcloudError `bad-escalation`. */
export function readPolicy(word: string): Policies {
  const [, rung, never, failures, period, unit = 's'] = rungPattern.exec(word) ?? [];
  const isUnit = unit === 's' || unit === 'm' || unit === 'h';
  const policy =
    never === undefined && isUnit
      ? { failures: Number(failures), periodMs: Number(period) * unitMs[unit] }
      : 'never';
  const parsed = escalationPolicySchema.safeParse(policy);
  if (parsed.success && (rung === 'resource' || rung === 'assembly' || rung === 'deployable'))
    return { [rung]: parsed.data };
  throw new PcloudError({
    code: 'bad-escalation',
    category: 'invalid',
    message: `${JSON.stringify(word.slice(0, 80))} is no policy.`,
    hint: 'RUNG=FAILURES/PERIOD or RUNG=never, such as resource=3/60s, assembly=2/1h, deployable=never.',
  });
}
