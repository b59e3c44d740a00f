/**
 * Whether what a service file names is there: releases, resource templates, and the parameters that a template
 * cannot do without. Asked before anything is changed, so that it is told with the line.
 */
import { PcloudError } from '../../model/errors.ts';
import type { FileFault, WantedService } from '../../model/service-file/wanted.ts';
import type { TemplateDetails } from '../../model/template-answers.ts';
import type { ShellContext } from '../context.ts';
import { suggest } from '../suggest.ts';

export async function namesThatAreNotThere(
  service: WantedService,
  context: ShellContext,
): Promise<readonly FileFault[]> {
  const cped = await context.services.cped();
  const [{ templates }, releases] = await Promise.all([cped.templates(), releasesOf(context)]);
  const known = templates.map(({ name }) => name);
  const used = new Set(
    service.assemblies.flatMap(({ resources }) => resources.map(({ template }) => template)),
  );
  const details = new Map<string, TemplateDetails>();
  for (const name of used) if (known.includes(name)) details.set(name, await cped.template(name));
  return service.assemblies.flatMap((assembly) => {
    const path = ['assemblies', assembly.name];
    const faults: FileFault[] = [];
    if (releases !== undefined && !releases.includes(assembly.release))
      faults.push({
        path: [...path, 'release'],
        message: `there is no release "${assembly.release}"${meant(assembly.release, releases)}`,
      });
    for (const { name, template, parameters } of assembly.resources) {
      const at = [...path, 'resources', name];
      const found = details.get(template);
      if (found === undefined)
        faults.push({
          path: [...at, 'template'],
          message: `there is no resource template "${template}"${meant(template, known)}`,
        });
      for (const parameter of found?.parameters ?? [])
        if (parameter.required && !Object.hasOwn(parameters, parameter.name))
          faults.push({
            path: [...at, 'parameters'],
            message: `${parameter.name} is missing (${parameter.summary}): ${template} cannot be run without`,
          });
    }
    return faults;
  });
}

function meant(word: string, known: readonly string[]): string {
  const near = suggest(word, known);
  return near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
}

/** Names and other names of releases; undefined where the builder cannot be asked: then the service judges. */
async function releasesOf(context: ShellContext): Promise<readonly string[] | undefined> {
  try {
    const releases = await (await context.services.builder()).releases();
    return releases.flatMap(({ name, aliases }) => [name, ...aliases]);
  } catch (error) {
    if (error instanceof PcloudError && error.category === 'unavailable') return undefined;
    throw error;
  }
}
