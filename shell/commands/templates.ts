/**
 * The commands for resource templates: resource_template_list, resource_template_show.
 */
import { faultText } from '../../model/template-fault.ts';
import type { TemplateFault } from '../../model/template-fault.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import type { ShellContext } from '../context.ts';
import { printJson, viewOf } from '../output.ts';
import { renderWarning } from '../render-message.ts';
import { renderTemplate, renderTemplates } from '../render-templates.ts';

const templateList = defineCommand({
  name: 'resource_template_list',
  topic: 'resources',
  summary: 'list the resource templates, and files that cannot be used as one',
  help: [
    'What assembly_resource_add takes as TEMPLATE, and on which families of releases. A template is a file. Your own go into /etc/pacemaker-cloud/resources.d (PCLOUD_RESOURCE_TEMPLATES_DIR of both services) as NAME.yaml: it is there with the next command, and takes the place of the one of that name that came with the program. No restart is needed.',
    'A file that cannot be used is named with the line and the reason, and costs the others nothing.',
  ],
  example: 'resource_template_list',
  aliases: ['template_list'],
  arguments: [],
  options: [jsonOption],
  async run(_, context, options) {
    const cped = await context.services.cped();
    const { templates, faults } = await cped.templates();
    if (options.json) return printJson(context, { templates, faults });
    if (templates.length === 0) context.screen.print(['There are no resource templates.']);
    else context.screen.print(renderTemplates(templates, viewOf(context)));
    for (const fault of faults) warnOf(fault, context);
    return undefined;
  },
});

const templateShow = defineCommand({
  name: 'resource_template_show',
  topic: 'resources',
  summary: 'show all that a resource template says',
  help: [
    'Its service and packages on each family of releases, its times, ports, checks and parameters, and the file that it is in. A copy of that file is a good beginning for one of your own.',
  ],
  example: 'resource_template_show httpd',
  arguments: [
    {
      name: 'TEMPLATE',
      kind: 'template',
      presence: 'required',
      about: 'name of a resource template (resource_template_list)',
    },
  ],
  options: [jsonOption],
  async run({ TEMPLATE }, context, options) {
    const cped = await context.services.cped();
    const template = await cped.template(TEMPLATE);
    if (options.json) return printJson(context, { template });
    context.screen.print(renderTemplate(template, viewOf(context)));
    if (template.fault !== null) warnOf(template.fault, context);
    return undefined;
  },
});

function warnOf(fault: TemplateFault, context: ShellContext): void {
  const hint = fault.usesEarlier
    ? 'What was read of it before is still in use, until pcloud-cped is restarted.'
    : undefined;
  context.screen.complain(renderWarning(`${faultText(fault)}.`, hint, context.screen.style));
}

export const templateCommands: readonly Command[] = [templateList, templateShow];
