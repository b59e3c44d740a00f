/**
 * The command line of a build's own QEMU (qemu(1), 7.1 or newer), as a list. Pure; starting it is
 * `guest-machine.ts`. Why, where it is not obvious:
 *
 * - `setpriv --pdeathsig KILL`: the machine dies with the builder, also when the builder is killed.
 * - `-blockdev` as JSON: a path may hold a comma.
 * - `no-flush`: the overlay is thrown away unless the build succeeds, and QEMU's end is followed by one fsync; the
 *   package manager's own thousands of fsyncs would be most of the disk's work.
 * - `werror=stop`: a full disk of the host stops the guest, and we are told, before its file system sees an error.
 * - `romfile=`: no network boot to wait for.
 * - `pvpanic` twice: old kernels know the one on the ISA bus, a JEOS's initrd loads the driver of the other.
 * - `panic=pause` and a screen: a crashed kernel stays to be looked at.
 */

export const agentPortName = 'org.pacemaker-cloud.agent.0';

export type GuestMachineSpec = {
  readonly overlayPath: string;
  /** Boot by these; null where the disk boots by itself. */
  readonly kernel: {
    readonly path: string;
    readonly initrdPath: string;
    readonly cmdline: string;
  } | null;
  readonly machine: 'pc' | 'q35';
  readonly accelerator: 'kvm' | 'tcg';
  readonly memoryMiB: number;
  /** Absolute, at most 107 bytes. */
  readonly agentSocketPath: string;
  readonly consolePath: string;
};

/** In option lists a comma is doubled. */
function plain(value: string): string {
  return value.replaceAll(',', ',,');
}

/** Program and arguments, the program first. */
export function qemuArgv(spec: GuestMachineSpec): readonly [string, ...string[]] {
  const kvm = spec.accelerator === 'kvm';
  const disk = {
    driver: 'qcow2',
    'node-name': 'disk',
    discard: 'unmap',
    cache: { 'no-flush': true, direct: false },
    file: {
      driver: 'file',
      filename: spec.overlayPath,
      discard: 'unmap',
      cache: { 'no-flush': true, direct: false },
    },
  };
  const options = [
    ['-nodefaults', '-no-user-config', '-no-reboot', '-name', 'pcloud-build'],
    ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny'],
    ['-machine', spec.machine, '-accel', kvm ? 'kvm' : 'tcg,tb-size=256', '-cpu', kvm ? 'host' : 'max'],
    ['-m', `${spec.memoryMiB}`, '-smp', '1'],
    spec.kernel === null
      ? []
      : ['-kernel', spec.kernel.path, '-initrd', spec.kernel.initrdPath, '-append', spec.kernel.cmdline],
    ['-blockdev', JSON.stringify(disk)],
    ['-device', 'virtio-blk-pci,drive=disk,werror=stop,rerror=stop'],
    ['-netdev', 'user,id=network,ipv6=off', '-device', 'virtio-net-pci,netdev=network,romfile='],
    ['-device', 'virtio-serial-pci'],
    ['-chardev', `socket,id=agent,path=${plain(spec.agentSocketPath)},server=on,wait=off`],
    ['-device', `virtserialport,chardev=agent,name=${agentPortName}`],
    ['-chardev', `file,id=console,path=${plain(spec.consolePath)}`, '-serial', 'chardev:console'],
    ['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    ['-device', 'pvpanic', '-device', 'pvpanic-pci', '-action', 'panic=pause'],
    ['-display', 'none', '-vga', 'std'],
    ['-qmp', 'stdio'],
  ];
  return ['setpriv', '--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...options.flat()];
}
