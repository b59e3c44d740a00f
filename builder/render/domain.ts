/**
 * The virtual machine that an image of a release would run in, as the runtime describes it to libvirt: with a
 * sample assembly's name, UUID, address and ports, and the paths that the service would use. Pure; turning it
 * into XML is `catalogue/domain-xml.ts`, the runtime's own renderer.
 */
import path from 'node:path';
import { assemblyPaths, domainNameOf, guestSocketPath } from '../../catalogue/assembly-paths.ts';
import type { LauncherDirectories } from '../../catalogue/assembly-paths.ts';
import type { DomainSpec } from '../../model/domain-spec.ts';
import type { Release } from '../../model/release.ts';

export type SampleDomain = {
  readonly directories: LauncherDirectories;
  readonly imageDirectory: string;
  readonly accelerator: 'kvm' | 'tcg';
  /** Of the assembly's resources; ssh is always forwarded. */
  readonly ports: readonly number[];
};

const sampleUuid = '00000000-0000-4000-8000-000000000000';
const sampleDigest = '0'.repeat(64);
const sampleFirstPort = 20_000;

export function sampleDomainSpec(release: Release, sample: SampleDomain): DomainSpec {
  const assembly = `sample-${release.name}`;
  const paths = assemblyPaths(sample.directories, assembly);
  const image = path.join(sample.imageDirectory, sampleDigest);
  return {
    assembly,
    domainName: domainNameOf(assembly),
    uuid: sampleUuid,
    owner: 'pacemaker-cloud',
    accelerator: sample.accelerator,
    machine: release.machine,
    memoryMiB: release.memoryMiB,
    vcpus: 1,
    diskPath: paths.disk,
    dataDisks: [],
    interfaces: [],
    // What the engine bootstrap makes has no boot loader; an installer's disk boots by itself.
    kernel:
      release.engine === 'bootstrap'
        ? {
            kernelPath: path.join(image, 'vmlinuz'),
            initrdPath: path.join(image, 'initrd'),
            cmdline: release.bootstrap.cmdline,
          }
        : null,
    macAddress: '52:54:00:00:00:01',
    network: {
      kind: 'user',
      forwards: [22, ...sample.ports].map((guestPort, index) => ({
        hostPort: sampleFirstPort + index,
        guestPort,
      })),
    },
    agentSocketPath: guestSocketPath(sample.directories, sampleUuid),
    consoleLogPath: paths.consoleLog,
    watchdog: release.watchdog ?? null,
  };
}
