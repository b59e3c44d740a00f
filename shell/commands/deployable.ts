/**
 * The commands for deployables that define and look: deployable_create, _delete, _list, _assembly_add,
 * _assembly_remove, _assembly_list, _status. Starting and stopping stand in `lifecycle.ts`.
 */
import { PcloudError } from '../../model/errors.ts';
import { quoteForMessage } from '../../model/names.ts';
import { agreesToLoss, yesOption } from '../agree.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { printJson, printList, printNote, viewOf } from '../output.ts';
import { renderAssemblies, renderDeployables } from '../render-status.ts';
import { noDeployables, renderTrees } from '../render-tree.ts';
import { assemblyArgument, deployableArgument } from './arguments.ts';

const deployableCreate = defineCommand({
  name: 'deployable_create',
  topic: 'deployables',
  summary: 'define a deployable: the assemblies of one service',
  help: [
    'INFRASTRUCTURE and USER are taken for compatibility and ignored: everything runs on the host of the service.',
    'am watches the resources and the virtual machines; pm ("passive") watches the virtual machines alone.',
  ],
  example: 'deployable_create dep1',
  arguments: [
    {
      name: 'NAME',
      kind: 'deployable',
      presence: 'required',
      about: 'name of the new deployable',
      isNew: true,
    },
    { name: 'INFRASTRUCTURE', kind: 'text', presence: 'optional', about: 'ignored (compatibility)' },
    { name: 'USER', kind: 'text', presence: 'optional', about: 'ignored (compatibility)' },
    { name: 'am|pm', kind: 'monitoring', presence: 'optional', about: 'what is watched; am unless given' },
  ],
  async run(args, context) {
    const { NAME, INFRASTRUCTURE, USER, 'am|pm': monitoring } = args;
    if (INFRASTRUCTURE !== undefined && USER === undefined)
      throw new PcloudError({
        code: 'usage',
        category: 'invalid',
        message: 'deployable_create: USER is missing after INFRASTRUCTURE.',
        hint: 'Usage: deployable_create NAME [INFRASTRUCTURE USER [am|pm]]; one host needs only NAME.',
      });
    const cped = await context.services.cped();
    await cped.createDeployable(NAME, monitoring);
    const ignored =
      INFRASTRUCTURE === undefined
        ? []
        : [
            `infrastructure ${quoteForMessage(INFRASTRUCTURE)} and user ${quoteForMessage(USER ?? '')} are ignored: it runs on the host of this service`,
          ];
    const passive = monitoring === 'pm' ? ' (passive: only the virtual machines are watched)' : '';
    context.screen.print([`deployable ${NAME} created${passive}`, ...ignored]);
  },
});

const deployableDelete = defineCommand({
  name: 'deployable_delete',
  topic: 'deployables',
  summary: 'delete a deployable; its assemblies stay',
  help: ['Refused while it runs. It asks first; a script says --yes.'],
  example: 'deployable_delete dep1 --yes',
  arguments: [deployableArgument],
  options: [yesOption],
  exitCodes: [['1', 'not deleted: nobody said yes, or the message says why']],
  async run({ DEPLOYABLE }, context, { yes }) {
    const cped = await context.services.cped();
    const question = async (): Promise<string> => {
      const { name } = await cped.deployable(DEPLOYABLE);
      return `Delete the deployable ${name}? Its assemblies stay.`;
    };
    if (!(await agreesToLoss({ yes, call: `deployable_delete ${DEPLOYABLE}`, question }, context))) return 1;
    await cped.deleteDeployable(DEPLOYABLE);
    context.screen.print([`deployable ${DEPLOYABLE} deleted`]);
    return 0;
  },
});

const deployableList = defineCommand({
  name: 'deployable_list',
  topic: 'deployables',
  summary: 'list deployables with their state',
  help: ['Shows state, intent, monitoring and assemblies of each.'],
  example: 'deployable_list',
  arguments: [],
  options: [jsonOption],
  async run(_, context, options) {
    const cped = await context.services.cped();
    printList(context, {
      json: options.json,
      key: 'deployables',
      items: await cped.deployables(),
      render: renderDeployables,
      whenEmpty: noDeployables,
    });
  },
});

const assemblyAdd = defineCommand({
  name: 'deployable_assembly_add',
  topic: 'deployables',
  summary: 'add an assembly to a deployable',
  help: ['An assembly is in one deployable at most.'],
  example: 'deployable_assembly_add dep1 assy1',
  arguments: [deployableArgument, assemblyArgument],
  async run({ DEPLOYABLE, ASSEMBLY }, context) {
    const cped = await context.services.cped();
    const note = await cped.addAssembly(DEPLOYABLE, ASSEMBLY);
    context.screen.print([`assembly ${ASSEMBLY} added to deployable ${DEPLOYABLE}`]);
    printNote(note, context);
  },
});

const assemblyRemove = defineCommand({
  name: 'deployable_assembly_remove',
  topic: 'deployables',
  summary: 'take an assembly out of a deployable',
  help: ['Refused while it runs. The assembly itself stays.'],
  example: 'deployable_assembly_remove dep1 assy3',
  arguments: [deployableArgument, assemblyArgument],
  async run({ DEPLOYABLE, ASSEMBLY }, context) {
    const cped = await context.services.cped();
    await cped.removeAssembly(DEPLOYABLE, ASSEMBLY);
    context.screen.print([`assembly ${ASSEMBLY} taken out of deployable ${DEPLOYABLE}`]);
  },
});

const assemblyList = defineCommand({
  name: 'deployable_assembly_list',
  topic: 'deployables',
  summary: 'list the assemblies of a deployable',
  help: ['The same table as assembly_list, for one deployable.'],
  example: 'deployable_assembly_list dep1',
  arguments: [deployableArgument],
  options: [jsonOption],
  async run({ DEPLOYABLE }, context, options) {
    const cped = await context.services.cped();
    const { assemblies } = await cped.deployable(DEPLOYABLE);
    if (options.json) printJson(context, { deployable: DEPLOYABLE, assemblies });
    else if (assemblies.length === 0)
      context.screen.print([
        `deployable ${DEPLOYABLE} has no assemblies; deployable_assembly_add ${DEPLOYABLE} ASSEMBLY adds one`,
      ]);
    else context.screen.print(renderAssemblies(assemblies, viewOf(context)));
  },
});

const deployableStatus = defineCommand({
  name: 'deployable_status',
  topic: 'deployables',
  summary: 'show deployables with assemblies and resources as a tree',
  help: [
    'For each: its state, for how long, failures in the escalation window, and where it can be reached: the URL of a resource, the ssh port of an assembly. Below the tree: why something is not well, what is under maintenance and until when, what depends on what, and parameters. Without a name, all deployables.',
  ],
  example: 'deployable_status dep1',
  arguments: [{ ...deployableArgument, presence: 'optional' }],
  options: [jsonOption],
  async run({ DEPLOYABLE }, context, options) {
    const cped = await context.services.cped();
    const deployables =
      DEPLOYABLE === undefined ? await cped.deployables() : [await cped.deployable(DEPLOYABLE)];
    printList(context, {
      json: options.json,
      key: 'deployables',
      items: deployables,
      render: renderTrees,
      whenEmpty: noDeployables,
    });
  },
});

export const deployableCommands: readonly Command[] = [
  deployableCreate,
  deployableDelete,
  deployableList,
  assemblyAdd,
  assemblyRemove,
  assemblyList,
  deployableStatus,
];
