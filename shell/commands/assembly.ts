/**
 * The commands for assemblies: assembly_create, _clone, _renew, _delete, _list, _ssh.
 */
import { dataDiskWords } from '../../model/service-file/change.ts';
import { agreesToLoss, yesOption } from '../agree.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { printList, queueImage } from '../output.ts';
import { renderAssemblies } from '../render-status.ts';
import { runSsh } from '../ssh.ts';

const assemblyCreate = defineCommand({
  name: 'assembly_create',
  topic: 'assemblies',
  summary: 'define an assembly on a JEOS',
  help: [
    'An assembly is a JEOS plus managed resources, run as one virtual machine. Its disk is made when it is started for the first time.',
  ],
  example: 'assembly_create assy1 debian12 x86_64',
  arguments: [
    { name: 'NAME', kind: 'assembly', presence: 'required', about: 'name of the new assembly', isNew: true },
    { name: 'RELEASE', kind: 'release', presence: 'required', about: 'a release, such as debian12' },
    { name: 'ARCH', kind: 'architecture', presence: 'required', about: 'the architecture: x86_64' },
  ],
  async run({ NAME, RELEASE, ARCH }, context) {
    const cped = await context.services.cped();
    await cped.createAssembly(NAME, RELEASE, ARCH);
    context.screen.print([`assembly ${NAME} created (${RELEASE} ${ARCH})`]);
  },
});

const assemblyClone = defineCommand({
  name: 'assembly_clone',
  topic: 'assemblies',
  summary: 'define an assembly like another one',
  help: [
    'The clone has the resources and escalation settings of the source, and an identity of its own: name, UUID, MAC address, host name, machine id and ssh host keys. What is on the disk of the source is not copied.',
  ],
  example: 'assembly_clone assy1 assy2',
  arguments: [
    { name: 'SRC', kind: 'assembly', presence: 'required', about: 'the assembly to clone (assembly_list)' },
    { name: 'NEW', kind: 'assembly', presence: 'required', about: 'name of the clone', isNew: true },
  ],
  async run({ SRC, NEW }, context) {
    const cped = await context.services.cped();
    await cped.cloneAssembly(SRC, NEW);
    context.screen.print([`assembly ${NEW} created like ${SRC}`]);
  },
});

const assemblyRenew = defineCommand({
  name: 'assembly_renew',
  topic: 'assemblies',
  summary: 'give an assembly a new disk on the newest image',
  help: [
    'An assembly keeps the image that it was first started on. This removes its disk, with all that is on it; its next start makes another on the newest image with what its resources need: after a new JEOS, after resources that the image does not have, or when the guest is broken beyond mending.',
    'Its data disks stay, and so do its name, its keys for ssh, addresses, resources and settings. Refused while it runs. It asks first; a script says --yes.',
  ],
  example: 'assembly_renew assy3 --yes',
  arguments: [
    { name: 'NAME', kind: 'assembly', presence: 'required', about: 'the assembly (assembly_list)' },
  ],
  options: [yesOption],
  exitCodes: [['1', 'not renewed: nobody said yes, or the message says why']],
  async run({ NAME }, context, { yes }) {
    const cped = await context.services.cped();
    const question = async (): Promise<string> => {
      const { imageDigest, disks } = await cped.assembly(NAME);
      if (imageDigest === null)
        return `Have the assembly ${NAME}, which has no disk yet, take the newest image?`;
      const kept = disks.filter(({ made }) => made).map(({ name }) => name);
      const stays = kept.length === 0 ? '' : ` (not what is on its data disks: ${kept.join(', ')})`;
      return `Remove the disk of assembly ${NAME}, with all that is on it${stays}, for a new one at its next start?`;
    };
    if (!(await agreesToLoss({ yes, call: `assembly_renew ${NAME}`, question }, context))) return 1;
    const changed = await cped.renewAssembly(NAME);
    context.screen.print([`assembly ${NAME}: its next start makes a new disk on the newest image`]);
    await queueImage(NAME, changed, context);
    return 0;
  },
});

const assemblyDelete = defineCommand({
  name: 'assembly_delete',
  topic: 'assemblies',
  summary: 'delete an assembly and its disks',
  help: [
    'Refused while it runs or is in a deployable. What its disk and its data disks hold is gone, so it asks first; a script says --yes.',
  ],
  example: 'assembly_delete assy3 --yes',
  arguments: [
    { name: 'NAME', kind: 'assembly', presence: 'required', about: 'the assembly (assembly_list)' },
  ],
  options: [yesOption],
  exitCodes: [['1', 'not deleted: nobody said yes, or the message says why']],
  async run({ NAME }, context, { yes }) {
    const cped = await context.services.cped();
    const question = async (): Promise<string> => {
      const { imageDigest, imported, disks } = await cped.assembly(NAME);
      const data = dataDiskWords(disks.filter(({ made }) => made).map(({ name }) => name));
      return imageDigest === null && !imported && data === ''
        ? `Delete the assembly ${NAME}, which has no disk yet?`
        : `Delete the assembly ${NAME}, with its disk${data}, and all that is on ${data === '' ? 'it' : 'them'}?`;
    };
    if (!(await agreesToLoss({ yes, call: `assembly_delete ${NAME}`, question }, context))) return 1;
    await cped.deleteAssembly(NAME);
    context.screen.print([`assembly ${NAME} deleted`]);
    return 0;
  },
});

const assemblyList = defineCommand({
  name: 'assembly_list',
  topic: 'assemblies',
  summary: 'list assemblies with their state',
  help: ['Shows release, state, deployable, escalation and resources of each.'],
  example: 'assembly_list',
  arguments: [],
  options: [jsonOption],
  async run(_, context, options) {
    const cped = await context.services.cped();
    printList(context, {
      json: options.json,
      key: 'assemblies',
      items: await cped.assemblies(),
      render: renderAssemblies,
      whenEmpty: 'No assemblies; assembly_create NAME RELEASE ARCH makes one.',
    });
  },
});

const assemblySsh = defineCommand({
  name: 'assembly_ssh',
  topic: 'assemblies',
  summary: 'log in to an assembly, or run a command in it',
  help: [
    "Uses the system's ssh with a key made for this assembly, and trusts only the host key that the guest told over the guest link. Everything after NAME goes to the guest as ssh would send it: quote what the guest's shell shall see as one piece.",
  ],
  example: 'assembly_ssh assy1 killall -9 apache2',
  arguments: [
    { name: 'NAME', kind: 'assembly', presence: 'required', about: 'the assembly (assembly_list)' },
    { name: 'COMMAND', kind: 'text', presence: 'rest', about: 'what to run; none: an interactive login' },
  ],
  exitCodes: [
    ['0-254', 'that of the command in the guest'],
    ['255', 'ssh could not connect'],
  ],
  async run({ NAME, COMMAND }, context) {
    const cped = await context.services.cped();
    return await runSsh(NAME, await cped.access(NAME), COMMAND, context);
  },
});

export const assemblyCommands: readonly Command[] = [
  assemblyCreate,
  assemblyClone,
  assemblyRenew,
  assemblyDelete,
  assemblyList,
  assemblySsh,
];
