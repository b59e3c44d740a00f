/**
 * The resource templates: what an operator can ask an assembly to run, and which packages and services that
 * means on each family of guests. What a running service knows of them is `template-library.ts`.
 */
import path from 'node:path';
import { PcloudError } from '../model/errors.ts';
import { checkName, quoteForMessage } from '../model/names.ts';
import { resourceTemplateSchema } from '../model/resource-template.ts';
import type { Family, ResourceTemplate } from '../model/resource-template.ts';
import { knownNamesHint } from './did-you-mean.ts';
import { faultText } from '../model/template-fault.ts';
import type { TemplateNeeds } from '../model/manifest.ts';
import type { TemplateFault } from '../model/template-fault.ts';
import { readYamlDirectory } from './yaml-directory.ts';

export type ResourceTemplates = ReadonlyMap<string, ResourceTemplate> & {
  /** Why a template that there is a file for is not there. */
  readonly faultOf?: (name: string) => TemplateFault | undefined;
};

/** Those that came with this version, all of them good. @throws PcloudError `catalogue-broken`. */
export async function loadResourceTemplates(templatesDirectory: string): Promise<ResourceTemplates> {
  return await readYamlDirectory(path.join(templatesDirectory, 'resources'), resourceTemplateSchema);
}

/**
 * The template of that name.
 * @throws PcloudError `bad-name`, `unknown-template` (lists the known ones), `template-broken`.
 */
export function findResourceTemplate(templates: ResourceTemplates, name: string): ResourceTemplate {
  checkName('template', name);
  const template = templates.get(name);
  if (template !== undefined) return template;
  const fault = templates.faultOf?.(name);
  if (fault !== undefined) throw templateBroken(name, fault);
  throw new PcloudError({
    code: 'unknown-template',
    category: 'invalid',
    message: `There is no resource template ${quoteForMessage(name)}.`,
    hint: knownNamesHint(name, 'resource templates', [...templates.keys()]),
    facts: { template: name },
  });
}

function templateBroken(name: string, fault: TemplateFault): PcloudError {
  return new PcloudError({
    code: 'template-broken',
    category: 'conflict',
    message: `The resource template "${name}" cannot be used: ${faultText(fault)}.`,
    hint: 'Correct the file, or take it away; no restart is needed. `resource_template_list` shows all such files.',
    facts: { template: name, file: fault.file },
  });
}

/**
 * Service, packages and files of a template on a family of guests.
 * @throws PcloudError `template-not-for-family`.
 */
export function templateOnFamily(
  template: ResourceTemplate,
  family: Family,
): TemplateNeeds & { readonly service: string } {
  const found = template.families[family];
  if (found !== undefined) return found;
  throw new PcloudError({
    code: 'template-not-for-family',
    category: 'invalid',
    message: `The resource template "${template.name}" does not say what it is on ${family} guests.`,
    hint: `It is known on: ${Object.keys(template.families).join(', ')}.`,
    facts: { template: template.name, family },
  });
}
