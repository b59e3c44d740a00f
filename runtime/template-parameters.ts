/** Which parameters a resource is run with: what the operator set, over what its template gives by itself. Pure. */
import { PcloudError } from '../model/errors.ts';
import { defaultParameter } from '../model/resource-template.ts';
import type { Family, ResourceTemplate } from '../model/resource-template.ts';

export type GivenParameters = {
  /** Name of the resource, for the message. */
  readonly resource: string;
  readonly template: Pick<ResourceTemplate, 'name' | 'parameters'>;
  /** Of the guest's release. */
  readonly family: Family;
  /** What the operator set. */
  readonly values: Readonly<Record<string, string>>;
  /** Parameters whose value another assembly gives: they have no value yet, and need no default. */
  readonly referred?: readonly string[];
};

/** The parameters, or `parameter-missing` when a required one has no value. */
export function parametersOf(given: GivenParameters): Readonly<Record<string, string>> | PcloudError {
  const { template, family, values, referred = [] } = given;
  const defaults: Record<string, string> = {};
  for (const parameter of template.parameters) {
    if (Object.hasOwn(values, parameter.name) || referred.includes(parameter.name)) continue;
    const value = defaultParameter(parameter, family);
    if (value !== undefined) defaults[parameter.name] = value;
    else if (parameter.required) return missing(given, parameter.name, parameter.summary);
  }
  return { ...defaults, ...values };
}

function missing({ resource, template }: GivenParameters, name: string, summary: string): PcloudError {
  return new PcloudError({
    code: 'parameter-missing',
    category: 'conflict',
    message: `Resource ${resource} has no value for ${name} (${summary}), and its template ${template.name} cannot be run without.`,
    hint: `Set it with \`resource_parameter_set ${resource} ASSEMBLY ${name} VALUE\`; \`resource_template_show ${template.name}\` says what there is.`,
    facts: { resource, template: template.name, parameter: name },
  });
}
