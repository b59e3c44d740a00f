/**
 * The commands about who waits for whom and what resources are told: assembly_depends_set, _clear,
 * resource_depends_set, _clear, resource_parameter_set, _clear.
 */
import { formatParameterValue, parseParameterText } from '../../model/parameter.ts';
import { defineCommand } from '../command.ts';
import type { Command } from '../command.ts';
import { printNote } from '../output.ts';
import { printable } from '../printable.ts';
import { assemblyArgument, resourceArgument } from './arguments.ts';

const onAssembly = {
  name: 'ON_ASSEMBLY',
  kind: 'assembly',
  presence: 'required',
  about: 'the assembly that it is in; the same one, or another of the deployable',
} as const;
const onResource = {
  name: 'ON_RESOURCE',
  kind: 'resource',
  presence: 'required',
  about: 'the resource that it depends on',
} as const;
const parameterArgument = {
  name: 'NAME',
  kind: 'text',
  presence: 'required',
  about: 'name of the parameter: letters, digits and "_"',
} as const;
const restartOption = {
  name: 'restart',
  kind: 'flag',
  about: 'restart it, too, whenever what it depends on was restarted',
} as const;

const circles = 'A circle is refused, and named. Said again, it changes whether --restart holds.';
const restarts = (restart: true | undefined): string => (restart ? ', and restarts with it' : '');

const assemblySet = defineCommand({
  name: 'assembly_depends_set',
  topic: 'order and parameters',
  summary: 'have an assembly wait for another one',
  help: [
    'ASSEMBLY is started when ON is up with all its resources, and stopped before ON is. Both must be in one deployable when that is started.',
    circles,
  ],
  example: 'assembly_depends_set web db --restart',
  arguments: [
    assemblyArgument,
    { name: 'ON', kind: 'assembly', presence: 'required', about: 'the assembly that it depends on' },
  ],
  options: [restartOption],
  async run({ ASSEMBLY, ON }, context, options) {
    const cped = await context.services.cped();
    const note = await cped.setAssemblyDependency(ASSEMBLY, ON, options.restart ?? false);
    context.screen.print([`assembly ${ASSEMBLY} depends on assembly ${ON}${restarts(options.restart)}`]);
    printNote(note, context);
  },
});

const assemblyClear = defineCommand({
  name: 'assembly_depends_clear',
  topic: 'order and parameters',
  summary: 'take back that an assembly waits for another one',
  help: ['deployable_status shows what depends on what.'],
  example: 'assembly_depends_clear web db',
  arguments: [
    assemblyArgument,
    { name: 'ON', kind: 'assembly', presence: 'required', about: 'the assembly that it depends on' },
  ],
  async run({ ASSEMBLY, ON }, context) {
    const cped = await context.services.cped();
    const note = await cped.clearAssemblyDependency(ASSEMBLY, ON);
    context.screen.print([`assembly ${ASSEMBLY} does not depend on assembly ${ON} any more`]);
    printNote(note, context);
  },
});

const resourceSet = defineCommand({
  name: 'resource_depends_set',
  topic: 'order and parameters',
  summary: 'have a resource wait for another one',
  help: [
    'RESOURCE is started when ON_RESOURCE is active, and stopped before it is. It may be in another assembly of the same deployable.',
    circles,
  ],
  example: 'resource_depends_set httpdone web mysqldone db',
  arguments: [resourceArgument, assemblyArgument, onResource, onAssembly],
  options: [restartOption],
  async run({ RESOURCE, ASSEMBLY, ON_RESOURCE, ON_ASSEMBLY }, context, options) {
    const cped = await context.services.cped();
    const note = await cped.setResourceDependency(
      { assembly: ASSEMBLY, resource: RESOURCE },
      { assembly: ON_ASSEMBLY, resource: ON_RESOURCE },
      options.restart ?? false,
    );
    context.screen.print([
      `resource ${RESOURCE} in assembly ${ASSEMBLY} depends on ${ON_RESOURCE} in ${ON_ASSEMBLY}${restarts(options.restart)}`,
    ]);
    printNote(note, context);
  },
});

const resourceClear = defineCommand({
  name: 'resource_depends_clear',
  topic: 'order and parameters',
  summary: 'take back that a resource waits for another one',
  help: ['deployable_status shows what depends on what.'],
  example: 'resource_depends_clear httpdone web mysqldone db',
  arguments: [resourceArgument, assemblyArgument, onResource, onAssembly],
  async run({ RESOURCE, ASSEMBLY, ON_RESOURCE, ON_ASSEMBLY }, context) {
    const cped = await context.services.cped();
    const note = await cped.clearResourceDependency(
      { assembly: ASSEMBLY, resource: RESOURCE },
      { assembly: ON_ASSEMBLY, resource: ON_RESOURCE },
    );
    context.screen.print([
      `resource ${RESOURCE} in assembly ${ASSEMBLY} does not depend on ${ON_RESOURCE} in ${ON_ASSEMBLY} any more`,
    ]);
    printNote(note, context);
  },
});

const parameterSet = defineCommand({
  name: 'resource_parameter_set',
  topic: 'order and parameters',
  summary: 'give a resource a parameter: a text, or a value of another assembly',
  help: [
    'A resource agent (class ocf) gets it as OCF_RESKEY_NAME, any other service in its environment as NAME.',
    'With @ASSEMBLY:address it is the address of that assembly as this one reaches it, with @ASSEMBLY:port/N where its port N is reached there, with @ASSEMBLY:endpoint/N both, as ADDRESS:PORT. It is filled in when it is known; the resource is not started before, and is told when it changes. @@ stands for a text that begins with @.',
  ],
  example: 'resource_parameter_set httpdone web DB_HOST @db:address',
  arguments: [
    resourceArgument,
    assemblyArgument,
    parameterArgument,
    {
      name: 'VALUE',
      kind: 'text',
      presence: 'required',
      about: 'the text, at most 512 characters, or a reference; after -- where it begins with a dash',
    },
  ],
  async run({ RESOURCE, ASSEMBLY, NAME, VALUE }, context) {
    const value = parseParameterText(VALUE);
    const cped = await context.services.cped();
    const note = await cped.setParameter({ assembly: ASSEMBLY, resource: RESOURCE }, NAME, value);
    context.screen.print([
      `resource ${RESOURCE} in assembly ${ASSEMBLY}: ${NAME}=${printable(formatParameterValue(value))}`,
    ]);
    printNote(note, context);
  },
});

const parameterClear = defineCommand({
  name: 'resource_parameter_clear',
  topic: 'order and parameters',
  summary: 'take a parameter back from a resource',
  help: ['assembly_resource_list shows the parameters of each resource.'],
  example: 'resource_parameter_clear httpdone web DB_HOST',
  arguments: [resourceArgument, assemblyArgument, parameterArgument],
  async run({ RESOURCE, ASSEMBLY, NAME }, context) {
    const cped = await context.services.cped();
    const note = await cped.clearParameter({ assembly: ASSEMBLY, resource: RESOURCE }, NAME);
    context.screen.print([`resource ${RESOURCE} in assembly ${ASSEMBLY} has no parameter ${NAME} any more`]);
    printNote(note, context);
  },
});

export const orderCommands: readonly Command[] = [
  assemblySet,
  assemblyClear,
  resourceSet,
  resourceClear,
  parameterSet,
  parameterClear,
];
