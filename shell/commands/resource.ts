/**
 * The commands for the resources of an assembly: assembly_resource_add, _remove, _list.
 */
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { printJson, queueImage, viewOf } from '../output.ts';
import { renderResources } from '../render-status.ts';
import { assemblyArgument, resourceArgument } from './arguments.ts';

const resourceAdd = defineCommand({
  name: 'assembly_resource_add',
  topic: 'resources',
  summary: 'add a managed resource to an assembly',
  help: [
    'The template knows package, service and monitoring of the resource on each family of releases. The image that the assembly now needs is queued at once; the command does not wait for it.',
    'Where the builder is not running, the definition stands and a warning says so: deployable_start asks for the image again.',
  ],
  example: 'assembly_resource_add httpdone httpd assy1',
  arguments: [
    {
      name: 'RESOURCE',
      kind: 'resource',
      presence: 'required',
      about: 'name of the new resource',
      isNew: true,
    },
    {
      name: 'TEMPLATE',
      kind: 'template',
      presence: 'required',
      about: 'what it is: httpd, … (resource_template_list)',
    },
    assemblyArgument,
  ],
  async run({ RESOURCE, TEMPLATE, ASSEMBLY }, context) {
    const cped = await context.services.cped();
    const changed = await cped.addResource(ASSEMBLY, RESOURCE, TEMPLATE);
    context.screen.print([`resource ${RESOURCE} (${TEMPLATE}) added to assembly ${ASSEMBLY}`]);
    await queueImage(ASSEMBLY, changed, context);
  },
});

const resourceRemove = defineCommand({
  name: 'assembly_resource_remove',
  topic: 'resources',
  summary: 'remove a resource from an assembly',
  help: ['It is no longer managed. Its package stays on a disk that is made already.'],
  example: 'assembly_resource_remove httpdone assy1',
  arguments: [resourceArgument, assemblyArgument],
  async run({ RESOURCE, ASSEMBLY }, context) {
    const cped = await context.services.cped();
    const changed = await cped.removeResource(ASSEMBLY, RESOURCE);
    context.screen.print([`resource ${RESOURCE} removed from assembly ${ASSEMBLY}`]);
    await queueImage(ASSEMBLY, changed, context);
  },
});

const resourceList = defineCommand({
  name: 'assembly_resource_list',
  topic: 'resources',
  summary: 'list the resources of an assembly with their state',
  help: [
    'Shows template, state, failures in the window and URL of each; below, maintenance, what each depends on, and its parameters.',
  ],
  example: 'assembly_resource_list assy1',
  arguments: [assemblyArgument],
  options: [jsonOption],
  async run({ ASSEMBLY }, context, options) {
    const cped = await context.services.cped();
    const { resources } = await cped.assembly(ASSEMBLY);
    if (options.json) printJson(context, { assembly: ASSEMBLY, resources });
    else if (resources.length === 0) context.screen.print([`assembly ${ASSEMBLY} has no resources`]);
    else context.screen.print(renderResources(resources, viewOf(context)));
  },
});

export const resourceCommands: readonly Command[] = [resourceAdd, resourceRemove, resourceList];
