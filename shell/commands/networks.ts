/**
 * The commands for further networks of assemblies: assembly_network_add, _remove, _list. A service file has them as
 * `networks`.
 */
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { printList, printNote } from '../output.ts';
import { printable } from '../printable.ts';
import { renderNetworks } from '../render-status.ts';
import { assemblyArgument } from './arguments.ts';

const networkArgument = {
  name: 'NETWORK',
  kind: 'text',
  presence: 'required',
  about: 'network:NAME for a network of libvirt, bridge:NAME for a bridge of the host',
} as const;

const networkAdd = defineCommand({
  name: 'assembly_network_add',
  topic: 'assemblies',
  summary: 'attach an assembly to a further network',
  help: [
    'The machine gets a further network card from its next start on, besides the one by which we reach it. In a guest of debian12 it asks for an address (DHCP); in others its set-up is the guest’s.',
    'The hardware address stays the same as long as the assembly does; --mac asks for a certain one. Said again it replaces the one that was asked for before, or takes it back.',
    'Before each start the network is looked up. One that is not there is awaited for 20 seconds; then the machine is blocked and the message says what is missing.',
  ],
  example: 'assembly_network_add assy1 bridge:br0',
  arguments: [assemblyArgument, networkArgument],
  options: [
    { name: 'mac', kind: 'text', value: 'ADDRESS', about: 'hardware address, such as 52:54:00:12:34:56' },
  ],
  async run({ ASSEMBLY, NETWORK }, context, { mac }) {
    const cped = await context.services.cped();
    const note = await cped.setNetwork(ASSEMBLY, NETWORK, mac ?? null);
    context.screen.print([
      `assembly ${ASSEMBLY}: ${printable(NETWORK)}, from the next start of its machine on`,
    ]);
    printNote(note, context);
  },
});

const networkRemove = defineCommand({
  name: 'assembly_network_remove',
  topic: 'assemblies',
  summary: 'detach an assembly from a further network',
  help: ['A machine that runs keeps its card until its next start.'],
  example: 'assembly_network_remove assy1 bridge:br0',
  arguments: [assemblyArgument, networkArgument],
  options: [],
  async run({ ASSEMBLY, NETWORK }, context) {
    const cped = await context.services.cped();
    const note = await cped.removeNetwork(ASSEMBLY, NETWORK);
    context.screen.print([
      `assembly ${ASSEMBLY}: no ${printable(NETWORK)} any more, from the next start of its machine on`,
    ]);
    printNote(note, context);
  },
});

const networkList = defineCommand({
  name: 'assembly_network_list',
  topic: 'assemblies',
  summary: 'list the further networks of an assembly',
  help: ['Shows them as they are defined, each with the hardware address that its card has there.'],
  example: 'assembly_network_list assy1',
  arguments: [assemblyArgument],
  options: [jsonOption],
  async run({ ASSEMBLY }, context, { json }) {
    const cped = await context.services.cped();
    const { networks } = await cped.assembly(ASSEMBLY);
    printList(context, {
      json,
      key: 'networks',
      items: networks,
      render: renderNetworks,
      whenEmpty: 'No further networks; assembly_network_add ASSEMBLY NETWORK attaches it to one.',
    });
  },
});

export const networkCommands: readonly Command[] = [networkAdd, networkRemove, networkList];
