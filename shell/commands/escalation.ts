/**
 * The commands that say when failures go to the next rung: escalation_resource_set, escalation_assembly_set,
 * escalation_deployable_set.
 */
import type { EscalationPolicy } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import type { Command } from '../command.ts';
import { printNote } from '../output.ts';
import { describePolicy } from '../render-status.ts';
import { assemblyArgument, deployableArgument, resourceArgument } from './arguments.ts';

const failures = {
  name: 'FAILURES',
  kind: 'failures',
  presence: 'required',
  about: 'this many failures within PERIOD escalate; or never',
} as const;
const period = {
  name: 'PERIOD',
  kind: 'period',
  presence: 'optional',
  about: 'seconds, or a time such as 10s, 5m, 1h; or never',
} as const;

const windows =
  'The Nth failure within the period escalates instead of restarting, and the window starts anew. With "never" this rung keeps restarting.';

/**
 * `5 3600` is a window; `never` in either place is never.
 * @throws PcloudError `usage` when the period is missing.
 */
function policyOf(count: number | 'never', periodMs: number | 'never' | undefined): EscalationPolicy {
  if (count === 'never' || periodMs === 'never') return 'never';
  if (periodMs !== undefined) return { failures: count, periodMs };
  throw new PcloudError({
    code: 'usage',
    category: 'invalid',
    message: 'PERIOD is missing: a number of failures means nothing without one.',
    hint: 'Such as: escalation_assembly_set assy1 3 1h; or "never" instead of both.',
  });
}

const resourceSet = defineCommand({
  name: 'escalation_resource_set',
  topic: 'escalation',
  summary: 'set when failures of a resource restart its assembly',
  help: [windows],
  example: 'escalation_resource_set httpdone assy1 5 3600',
  arguments: [resourceArgument, assemblyArgument, failures, period],
  async run({ RESOURCE, ASSEMBLY, FAILURES, PERIOD }, context) {
    const policy = policyOf(FAILURES, PERIOD);
    const cped = await context.services.cped();
    const note = await cped.setResourceEscalation(ASSEMBLY, RESOURCE, policy);
    context.screen.print([
      `resource ${RESOURCE} in assembly ${ASSEMBLY}: escalation ${describePolicy(policy)}`,
    ]);
    printNote(note, context);
  },
});

const assemblySet = defineCommand({
  name: 'escalation_assembly_set',
  topic: 'escalation',
  summary: 'set when failures of an assembly restart its deployable',
  help: [windows],
  example: 'escalation_assembly_set assy1 3 1h',
  arguments: [assemblyArgument, failures, period],
  async run({ ASSEMBLY, FAILURES, PERIOD }, context) {
    const policy = policyOf(FAILURES, PERIOD);
    const cped = await context.services.cped();
    const note = await cped.setAssemblyEscalation(ASSEMBLY, policy);
    context.screen.print([`assembly ${ASSEMBLY}: escalation ${describePolicy(policy)}`]);
    printNote(note, context);
  },
});

const deployableSet = defineCommand({
  name: 'escalation_deployable_set',
  topic: 'escalation',
  summary: 'set when restarts of a deployable end in blocked',
  help: [
    windows,
    'Beyond this rung there is only a person: the deployable is blocked until deployable_recover.',
  ],
  example: 'escalation_deployable_set dep1 2 1h',
  arguments: [deployableArgument, failures, period],
  async run({ DEPLOYABLE, FAILURES, PERIOD }, context) {
    const policy = policyOf(FAILURES, PERIOD);
    const cped = await context.services.cped();
    const note = await cped.setDeployableEscalation(DEPLOYABLE, policy);
    context.screen.print([`deployable ${DEPLOYABLE}: escalation ${describePolicy(policy)}`]);
    printNote(note, context);
  },
});

export const escalationCommands: readonly Command[] = [resourceSet, assemblySet, deployableSet];
