/** The routes about resource templates. */
import { findResourceTemplate } from '../catalogue/resource-templates.ts';
import type { TemplateLibrary, TemplateSource } from '../catalogue/template-library.ts';
import { defaultParameter } from '../model/resource-template.ts';
import type { Family, ResourceTemplate, TemplateParameter } from '../model/resource-template.ts';
import { templateAnswer, templatesAnswer } from '../model/template-answers.ts';
import type { TemplateDetails, TemplateView } from '../model/template-answers.ts';
import { route } from './http-context.ts';

export const templateRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/templates',
      access: 'read',
      summary: 'The resource templates, and files that would be some and cannot be used',
      answer: templatesAnswer,
    },
    ({ library }) => {
      const templates = [...library.templates.values()].map((template) => viewOf(library, template));
      return { templates, faults: [...library.faults()] };
    },
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/templates/:name',
      access: 'read',
      summary: 'All of one resource template',
      answer: templateAnswer,
      errors: { invalid: ['unknown-template'], conflict: ['template-broken'] },
    },
    ({ library }, { params }) => {
      const template = findResourceTemplate(library.templates, params.name);
      return { template: detailsOf(library, template) };
    },
  ),
];

function viewOf(library: TemplateLibrary, template: ResourceTemplate): TemplateView {
  const { name, summary, families, checks } = template;
  return {
    name,
    summary,
    families: Object.keys(families),
    ...sourceOf(library, name),
    checks: checks.map((check) => check.name),
  };
}

function detailsOf(library: TemplateLibrary, template: ResourceTemplate): TemplateDetails {
  const { ocfAgent, families, checks, parameters, ...same } = template;
  const known = Object.keys(families) as Family[];
  const source = sourceOf(library, template.name);
  return {
    ...same,
    ocfAgent: ocfAgent ?? null,
    ...source,
    fault: library.faults().find(({ file }) => file === source.file) ?? null,
    families: Object.fromEntries(known.map((family) => [family, familyOf(families[family])])),
    checks: checks.map((check) => ({ ...check, probe: probeOf(check.probe) })),
    parameters: parameters.map((parameter) => ({
      name: parameter.name,
      summary: parameter.summary,
      required: parameter.required,
      defaults: defaultsOf(parameter, known),
    })),
  };
}

function familyOf(given: ResourceTemplate['families'][Family]): TemplateDetails['families'][string] {
  const { service = '', packages = [], files = [] } = given ?? {};
  return { service, packages: [...packages], files: files.map((file) => file.path) };
}

/** A copy that the answer may own. */
function probeOf(
  probe: ResourceTemplate['checks'][number]['probe'],
): TemplateDetails['checks'][number]['probe'] {
  return probe.kind === 'command' ? { kind: 'command', arguments: [...probe.arguments] } : probe;
}

function defaultsOf(parameter: TemplateParameter, families: readonly Family[]): Record<string, string> {
  const defaults = families.map((family) => [family, defaultParameter(parameter, family)] as const);
  return Object.fromEntries(defaults.filter((one): one is [Family, string] => one[1] !== undefined));
}

function sourceOf(library: TemplateLibrary, name: string): TemplateSource {
  const source = library.sourceOf(name);
  if (source === undefined) throw new Error(`the template ${name} comes from nowhere`);
  return source;
}
