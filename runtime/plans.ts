/**
 * From what the operator defined to what the supervisor runs: each resource's template resolved for the
 * family and the init of the image that its assembly stands on. Pure. What cannot be resolved becomes a
 * problem beside the plan, so that one of them does not keep the rest from running.
 */
import type { AssemblyDefinition, DeployableDefinition, ResourceDefinition } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import type { ResourceClass } from '../model/guest-protocol.ts';
import { isReference, isSecret } from '../model/parameter.ts';
import type { ResourceTemplate } from '../model/resource-template.ts';
import type { AssemblyPlan, DeployablePlan, ParameterReference, ResourcePlan } from './control.ts';
import type { PinnedImage } from './definitions/store.ts';
import { checkOrder } from './plan-order.ts';
import { parametersOf } from './template-parameters.ts';

export type ImageFacts = Pick<PinnedImage, 'family' | 'init'>;

export type PlanProblem = {
  readonly assembly: string;
  /** Null when it concerns the whole assembly: it is left out, or its order is not kept. */
  readonly resource: string | null;
  readonly error: PcloudError;
};

export type PlanResult = { readonly plan: DeployablePlan; readonly problems: readonly PlanProblem[] };

export type PlanInput = {
  readonly deployable: DeployableDefinition;
  /** Its members, in order. */
  readonly assemblies: readonly AssemblyDefinition[];
  readonly templates: ReadonlyMap<string, ResourceTemplate>;
  /** What the assembly's image is, or why there is none. */
  readonly imageOf: (assembly: AssemblyDefinition) => ImageFacts | PcloudError;
  /** The value of one of the deployable's secrets. */
  readonly secretOf?: SecretOf;
};

export type SecretOf = (name: string) => string | undefined;
const noSecrets: SecretOf = () => undefined;

/** The plan of a deployable, with all that had to be left out of it. */
export function planDeployable(input: PlanInput): PlanResult {
  const { name, intent, monitoring, escalation } = input.deployable;
  const order = checkOrder(input.deployable, input.assemblies, input.templates);
  const problems: PlanProblem[] = [...order.problems];
  const assemblies: AssemblyPlan[] = [];
  for (const assembly of order.assemblies) {
    const image = input.imageOf(assembly);
    if (image instanceof PcloudError)
      problems.push({ assembly: assembly.name, resource: null, error: image });
    else assemblies.push(planAssembly(assembly, image, input, problems));
  }
  const planned = withoutWhatIsLeftOut(assemblies);
  return { plan: { name, intent, monitoring, escalation, assemblies: planned }, problems };
}

/** Nobody waits for what is not in the plan: it has a problem of its own, and would be waited for forever. */
function withoutWhatIsLeftOut(assemblies: readonly AssemblyPlan[]): readonly AssemblyPlan[] {
  const planned = new Map(assemblies.map(({ name, resources }) => [name, resources.map((one) => one.name)]));
  return assemblies.map(({ dependsOn, ...assembly }) => ({
    ...assembly,
    ...dependingOn(dependsOn?.filter((on) => planned.has(on.assembly))),
    resources: assembly.resources.map(({ dependsOn: awaited, ...resource }) => ({
      ...resource,
      ...dependingOn(awaited?.filter((on) => planned.get(on.assembly)?.includes(on.resource) === true)),
    })),
  }));
}

function dependingOn<T>(on: readonly T[] | undefined): { readonly dependsOn?: readonly T[] } {
  return on === undefined || on.length === 0 ? {} : { dependsOn: on };
}

function planAssembly(
  assembly: AssemblyDefinition,
  image: ImageFacts,
  { templates, secretOf = noSecrets, deployable }: PlanInput,
  problems: PlanProblem[],
): AssemblyPlan {
  const resources: ResourcePlan[] = [];
  for (const resource of assembly.resources) {
    const plan =
      secretMissing(deployable.name, resource, secretOf) ??
      planResource(resource, image, templates.get(resource.template), secretOf);
    if (plan instanceof PcloudError)
      problems.push({ assembly: assembly.name, resource: resource.name, error: plan });
    else resources.push(plan);
  }
  const { name, escalation, dependsOn } = assembly;
  return { name, escalation, resources, dependsOn };
}

/** How one resource is run in a guest of this image, or why it cannot be. */
export function planResource(
  resource: ResourceDefinition,
  image: ImageFacts,
  template: ResourceTemplate | undefined,
  secretOf: SecretOf = noSecrets,
): ResourcePlan | PcloudError {
  if (template === undefined)
    return new PcloudError({
      code: 'template-missing',
      category: 'conflict',
      message: `Resource ${resource.name} needs the template ${resource.template}, which is not installed any more.`,
      hint: `Put ${resource.template}.yaml back into a directory of resource templates (\`resource_template_list\` says which there are and what is wrong with them); no restart is needed.`,
    });
  const service = serviceOf(template, image);
  if (service === undefined)
    return new PcloudError({
      code: 'template-not-for-family',
      category: 'conflict',
      message: `Resource template ${template.name} knows no service for the family ${image.family}.`,
      hint: `Add ${image.family} to ${template.name}.yaml, or remove the resource.`,
    });
  const { texts, references } = splitParameters(resource, secretOf);
  const { watching } = resource;
  const parameters = parametersOf({
    resource: resource.name,
    template,
    family: image.family,
    values: texts,
    referred: references.map(({ parameter }) => parameter),
  });
  if (parameters instanceof PcloudError) return parameters;
  return {
    name: resource.name,
    ...service,
    parameters,
    ...(references.length === 0 ? {} : { references }),
    dependsOn: resource.dependsOn,
    escalation: resource.escalation,
    monitorIntervalMs: watching.monitorIntervalMs ?? template.monitorIntervalMs,
    monitorTimeoutMs: watching.monitorTimeoutMs ?? template.monitorTimeoutMs,
    startTimeoutMs: watching.startTimeoutMs ?? template.startTimeoutMs,
    stopTimeoutMs: watching.stopTimeoutMs ?? template.stopTimeoutMs,
    checks: watching.checks ?? template.checks,
  };
}

/** It may have been put into a deployable that has no such secret. */
function secretMissing(
  deployable: string,
  resource: ResourceDefinition,
  secretOf: SecretOf,
): PcloudError | undefined {
  for (const [parameter, value] of Object.entries(resource.parameters))
    if (isSecret(value) && secretOf(value.secret) === undefined)
      return new PcloudError({
        code: 'secret-missing',
        category: 'conflict',
        message: `Resource ${resource.name} is to be given the secret ${value.secret} as ${parameter}, and deployable ${deployable} has no secret of that name.`,
        hint: `Set it with \`deployable_secret_set ${deployable} ${value.secret}\`.`,
        facts: { deployable, secret: value.secret },
      });
  return undefined;
}

/** Texts as they are; what another assembly gives is filled in by the supervisor when it is known. */
function splitParameters(
  { parameters }: ResourceDefinition,
  secretOf: SecretOf,
): {
  readonly texts: Readonly<Record<string, string>>;
  readonly references: readonly ParameterReference[];
} {
  const texts: Record<string, string> = {};
  const references: ParameterReference[] = [];
  for (const [parameter, value] of Object.entries(parameters))
    if (isReference(value)) references.push({ parameter, ...value });
    else if (isSecret(value)) texts[parameter] = secretOf(value.secret) ?? '';
    else texts[parameter] = value;
  return { texts, references };
}

function serviceOf(
  template: ResourceTemplate,
  image: ImageFacts,
): { readonly class: ResourceClass; readonly service: string } | undefined {
  switch (template.class) {
    case 'ocf':
      return template.ocfAgent === undefined ? undefined : { class: 'ocf', service: template.ocfAgent };
    case 'service': {
      const entry = template.families[image.family];
      if (entry === undefined) return undefined;
      return { class: image.init === 'systemd' ? 'systemd' : 'lsb', service: entry.service };
    }
  }
}
