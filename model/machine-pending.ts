/**
 * What a running machine has, and what it is defined to have by now: the difference takes effect at its next start. Pure.
 */
import { z } from 'zod';
import { maxDataDisks } from './data-disk.ts';
import type { DataDisk } from './data-disk.ts';
import { maxNetworks } from './network-attachment.ts';

/** What a machine was started with; `ports`: of the guest, those that lead there, null where no forwards do. */
export const machineStartSchema = z.object({
  memoryMiB: z.int(),
  vcpus: z.int(),
  ports: z.array(z.int()).max(1000).nullable(),
  /** Data disks in words (`dataDiskTexts`); null where a machine was started before that was kept. */
  disks: z.array(z.string().max(300)).max(maxDataDisks).nullable().default(null),
  /** Further networks in words (`interfaceText`); null likewise. */
  networks: z.array(z.string().max(200)).max(maxNetworks).nullable().default(null),
});
export type MachineStart = z.infer<typeof machineStartSchema>;

/** `data of 10 GiB at /var/lib/mysql` */
export function dataDiskTexts(disks: readonly DataDisk[]): string[] {
  return disks.map(
    ({ name, sizeGiB, mount }) => `${name} of ${sizeGiB} GiB${mount === null ? '' : ` at ${mount}`}`,
  );
}

/** Clauses such as `256 MiB of memory (now 128)`; none where there is no difference. */
export function pendingOf(started: MachineStart, defined: MachineStart): readonly string[] {
  const { memoryMiB, vcpus, ports, disks, networks } = defined;
  const list = (all: readonly number[]): string => (all.length === 0 ? 'none' : all.join(', '));
  return [
    ...(memoryMiB === started.memoryMiB ? [] : [`${memoryMiB} MiB of memory (now ${started.memoryMiB})`]),
    ...(vcpus === started.vcpus ? [] : [`${vcpus} ${vcpus === 1 ? 'CPU' : 'CPUs'} (now ${started.vcpus})`]),
    ...(ports === null || started.ports === null || list(ports) === list(started.ports)
      ? []
      : [`ports ${list(ports)} (now ${list(started.ports)})`]),
    ...(disks ?? [])
      .filter((disk) => started.disks?.includes(disk) === false)
      .map((disk) => `data disk ${disk}`),
    ...(networks ?? []).filter((network) => started.networks?.includes(network) === false),
    ...(started.networks ?? [])
      .filter((network) => networks?.includes(network) === false)
      .map((network) => `no ${network} any more`),
  ];
}

/** `256 MiB of memory (now 128) and 2 CPUs (now 1) take effect at the next start of its machine`. */
export function pendingText(pending: readonly string[]): string {
  const [last = '', ...before] = pending.toReversed();
  const all = before.length === 0 ? last : `${before.toReversed().join(', ')} and ${last}`;
  const isOne = pending.length === 1 && !last.startsWith('ports') && !last.includes('CPUs');
  return `${all} ${isOne ? 'takes' : 'take'} effect at the next start of its machine`;
}
