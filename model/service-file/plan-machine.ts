/**
 * The part of a plan that is about machines: memory, CPUs, ports, data disks, networks, and what a running machine takes at its next
 * start. In which order that comes is `plan.ts`. Pure.
 */
import type { AssemblyStatus } from '../cped-api.ts';
import type { Change, MachineChange } from './change.ts';
import { isSamePlace } from '../network-attachment.ts';
import { isSameData } from './equal.ts';
import type { WantedAssembly } from './wanted.ts';

/** Ports only come here: those that go may be referred to still. */
export function machineChanges(wanted: WantedAssembly, there: AssemblyStatus | undefined): Change[] {
  const { name } = wanted;
  const before = { memoryMiB: there?.memoryMiB, vcpus: there?.vcpus ?? 1, ports: portsOf(there) };
  const ports = [...new Set([...before.ports, ...wanted.ports])].toSorted((a, b) => a - b);
  const to: MachineChange = {
    ...(wanted.memoryMiB === null || wanted.memoryMiB === before.memoryMiB
      ? {}
      : { memoryMiB: wanted.memoryMiB }),
    ...(wanted.vcpus === before.vcpus ? {} : { vcpus: wanted.vcpus }),
    ...(isSameData(ports, before.ports) ? {} : { ports }),
  };
  const from = there === undefined ? null : machineOf(there);
  return [
    ...(Object.keys(to).length > 0 ? [{ kind: 'set-machine', assembly: name, to, from } as const] : []),
    ...diskChanges(wanted, there),
    ...networkChanges(wanted, there),
  ];
}

function diskChanges(wanted: WantedAssembly, there: AssemblyStatus | undefined): Change[] {
  return wanted.disks.flatMap(({ name, ...to }): Change[] => {
    const before = there?.disks.find((disk) => disk.name === name);
    const from = before === undefined ? null : { sizeGiB: before.sizeGiB, mount: before.mount };
    return isSameData(from, to) ? [] : [{ kind: 'set-disk', assembly: wanted.name, disk: name, to, from }];
  });
}

function networkChanges(wanted: WantedAssembly, there: AssemblyStatus | undefined): Change[] {
  return wanted.networks.flatMap((network): Change[] => {
    const before = there?.networks.find((one) => isSamePlace(one, network));
    if (before !== undefined && givenMac(before) === network.mac) return [];
    return [
      {
        kind: 'set-network',
        assembly: wanted.name,
        network,
        fromMac: before?.mac ?? null,
        isNewAssembly: there === undefined,
        isOnTheWay: false,
      },
    ];
  });
}

type Pair = { readonly assembly: WantedAssembly; readonly there: AssemblyStatus | undefined };
type Card = AssemblyStatus['networks'][number];

/** Networks that go, before any come; and addresses that another card shall have, which no two may have at a time. */
export function networksGone(pairs: readonly Pair[], pruned: readonly AssemblyStatus[]): Change[] {
  const wantedMacs = new Set(pairs.flatMap(({ assembly }) => assembly.networks.map(({ mac }) => mac)));
  const freed = pruned.flatMap(({ name: assembly, networks }) =>
    networks.filter(({ mac }) => wantedMacs.has(mac)).map((card) => removal(assembly, card)),
  );
  const gone = pairs.flatMap(({ assembly: { name: assembly, networks }, there }) =>
    (there?.networks ?? []).flatMap((card): Change[] => {
      const { kind, name, mac: fromMac } = card;
      const stays = networks.find((one) => isSamePlace(one, card));
      if (stays === undefined) return [removal(assembly, card)];
      if (givenMac(card) === stays.mac || !wantedMacs.has(fromMac)) return [];
      const network = { kind, name, mac: null };
      return [{ kind: 'set-network', assembly, network, fromMac, isNewAssembly: false, isOnTheWay: true }];
    }),
  );
  return [...freed, ...gone];
}

/**
 * Hardware addresses that cards of assemblies have which the file does not speak of: no two may have one.
 * @param pruned names of assemblies that go where the file does not have them
 */
export function takenMacs(
  defined: readonly AssemblyStatus[],
  wanted: readonly WantedAssembly[],
  pruned: readonly string[],
): { readonly path: readonly PropertyKey[]; readonly message: string }[] {
  const others = defined.filter(
    ({ name }) => !pruned.includes(name) && !wanted.some((one) => one.name === name),
  );
  return wanted.flatMap(({ name, networks }) =>
    networks.flatMap(({ mac }, index) => {
      const owner = others.find((one) => mac !== null && one.networks.some((card) => card.mac === mac));
      if (owner === undefined) return [];
      const message = `a card of assembly ${owner.name}, which is not in the file, has that address`;
      return [{ path: ['assemblies', name, 'networks', index, 'mac'], message }];
    }),
  );
}

function removal(assembly: string, { kind, name }: Card): Change {
  return { kind: 'remove-network', assembly, network: { kind, name } };
}

function givenMac({ mac, macGiven }: Card): string | null {
  return macGiven ? mac : null;
}

export function surplusDisks(
  wanted: WantedAssembly,
  there: AssemblyStatus | undefined,
): { readonly assembly: string; readonly disk: string }[] {
  return (there?.disks ?? [])
    .filter(({ name }) => !wanted.disks.some((disk) => disk.name === name))
    .map(({ name }) => ({ assembly: wanted.name, disk: name }));
}

export function portsGone(wanted: WantedAssembly, there: AssemblyStatus | undefined): Change[] {
  if (there === undefined || portsOf(there).every((port) => wanted.ports.includes(port))) return [];
  return [{ kind: 'set-machine', assembly: there.name, to: { ports: wanted.ports }, from: machineOf(there) }];
}

function portsOf(there: AssemblyStatus | undefined): number[] {
  return (there?.ports ?? []).map(({ guestPort }) => guestPort).toSorted((a, b) => a - b);
}

function machineOf(there: AssemblyStatus): MachineChange {
  return { memoryMiB: there.memoryMiB, vcpus: there.vcpus, ports: portsOf(there) };
}

const machineKinds: ReadonlySet<Change['kind']> = new Set([
  'set-machine',
  'set-disk',
  'set-network',
  'remove-network',
]);

/** What is pending where these changes set nothing of the machine themselves. */
export function pendingIn(
  pairs: readonly { readonly there: AssemblyStatus | undefined }[],
  changes: readonly Change[],
): { readonly assembly: string; readonly what: readonly string[] }[] {
  const changed = new Set(
    changes.flatMap((change) =>
      machineKinds.has(change.kind) && 'assembly' in change && change.assembly !== null
        ? [change.assembly]
        : [],
    ),
  );
  return pairs.flatMap(({ there }) =>
    there === undefined || there.atNextStart.length === 0 || changed.has(there.name)
      ? []
      : [{ assembly: there.name, what: there.atNextStart }],
  );
}
