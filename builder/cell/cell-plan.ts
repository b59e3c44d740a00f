/**
 * What a cell is: namespaces of its own for one install, in which oz or virt-install finds a libvirtd and a
 * network that nobody else sees. Its processes, mounts, bridge and domains end with its first process, however
 * that ends, so a build leaves none of them behind; its files are below one directory. As an unprivileged user
 * the cell has a user namespace too, and root in it is that user. Pure: paths and argument lists; `outer.ts`
 * and `inner.ts` are the programs that run in it (unshare(1), setpriv(1), tini(1), slirp4netns(1)).
 */
import path from 'node:path';
import { z } from 'zod';

/** Where machines of a cell find the network; guests get an address by DHCP from slirp4netns. */
export const cellBridge = 'pcloud0';

/** Within slirp4netns's network 10.0.2.0/24: .2 is the way out, .3 its name server, .15 and up are for guests. */
export const cellNetwork = { address: '10.0.2.10/24', gateway: '10.0.2.2', nameServer: '10.0.2.3' } as const;

/** What the host's 127.0.0.1 is called inside a cell that may reach it. */
export const hostLoopbackName = '10.0.2.2';

/** A tree on the host's disk is served here, inside the cell; the same in every cell, as it stands in kickstarts. */
export const cellServerUrl = 'http://10.0.2.10/';

/** Inside a cell: only its own libvirtd answers there. */
export const cellLibvirtUri = 'qemu:///system';

const absolute = z
  .string()
  .max(4096)
  .refine((value) => path.isAbsolute(value), 'it must be an absolute path');

/** What the cell's programs are told, as JSON in a file. */
export const cellSpecSchema = z.strictObject({
  /** Short: sockets below it have at most 107 bytes (unix(7)). Made before, removed after, by the caller. */
  directory: absolute,
  /** The tool, run in the cell when libvirtd answers; its exit code becomes the cell's. */
  command: z.array(z.string().max(65_536)).min(1).max(200),
  workDirectory: absolute,
  /** Whether guests may reach services on this host's loopback address: a mirror on the host itself. */
  hostLoopback: z.boolean(),
  /** A directory to serve at `cellServerUrl`. */
  served: absolute.nullable(),
  nodePath: absolute,
});
export type CellSpec = z.infer<typeof cellSpecSchema>;

/** [private directory or file, what it covers in the cell]. */
export function cellBinds(directory: string): readonly (readonly [string, string])[] {
  return [
    [path.join(directory, 'etc'), '/etc/libvirt'],
    [path.join(directory, 'lib'), '/var/lib/libvirt'],
    [path.join(directory, 'cache'), '/var/cache/libvirt'],
    [path.join(directory, 'log'), '/var/log/libvirt'],
    [path.join(directory, 'run'), '/run/libvirt'],
    [path.join(directory, 'passwd'), '/etc/passwd'],
    [path.join(directory, 'group'), '/etc/group'],
  ];
}

/**
 * What is covered for the inner program alone. Not for the network program: it asks the host's own name servers
 * for the cell, and reads this file to know them.
 */
export function innerBind(directory: string): readonly [string, string] {
  return [path.join(directory, 'resolv.conf'), '/etc/resolv.conf'];
}

/** The inner program in a network of the cell's own, which is empty but for `lo`. */
export function innerCommand(nodePath: string, innerProgram: string, specFile: string): readonly string[] {
  return ['unshare', '--net', '--mount', '--propagation', 'private', '--', nodePath, innerProgram, specFile];
}

/** An unprivileged user's PATH has no sbin, and libvirtd and ip are there. */
export function cellPath(searchPath: string | undefined): string {
  const known = (searchPath ?? '').split(':').filter((directory) => directory !== '');
  return [...new Set([...known, '/usr/local/sbin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'])].join(':');
}

/** The libvirtd of a cell, from outside of it. */
export function cellLibvirtUriFromOutside(directory: string): string {
  return `qemu:///system?socket=${path.join(directory, 'run/libvirt-sock')}`;
}

export function cellSpecFile(directory: string): string {
  return path.join(directory, 'cell.json');
}

export type CellPrograms = { readonly outer: string; readonly inner: string; readonly nodePath: string };

/**
 * The command that makes a cell and runs its outer program in it. The cell dies with its maker: its first
 * process is killed when `unshare` is, and `unshare` when the builder is (as root; making a user namespace
 * clears that, and there the sweep at the next start does it).
 */
export function cellCommand(
  directory: string,
  programs: CellPrograms,
  isRoot: boolean,
): readonly [string, ...string[]] {
  const user = isRoot ? [] : ['--user', '--map-root-user', '--map-auto'];
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    '--',
    'unshare',
    ...user,
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--kill-child',
    '--',
    // A first process that reaps: libvirt waits for a killed QEMU to vanish. -g: it puts its child into a group of
    // its own, and a signal is meant for the tool in there as well.
    'tini',
    '-s',
    '-g',
    '--',
    programs.nodePath,
    programs.outer,
    cellSpecFile(directory),
  ];
}

/** What runs between the new network and the host's: user-mode, so nothing of the host's network changes. */
export function networkCommand(spec: CellSpec, innerPid: number): readonly [string, ...string[]] {
  return [
    'slirp4netns',
    '--mtu=65520',
    ...(spec.hostLoopback ? [] : ['--disable-host-loopback']),
    String(innerPid),
    'tap0',
  ];
}

/** The steps that make the cell's network once `tap0` is there (ip(8)). */
export const networkSetup: readonly (readonly [string, ...string[]])[] = [
  ['ip', 'link', 'set', 'lo', 'up'],
  ['ip', 'link', 'add', cellBridge, 'type', 'bridge'],
  ['ip', 'link', 'set', 'tap0', 'master', cellBridge],
  ['ip', 'link', 'set', 'tap0', 'up'],
  ['ip', 'link', 'set', cellBridge, 'up'],
  ['ip', 'address', 'add', cellNetwork.address, 'dev', cellBridge],
  ['ip', 'route', 'add', 'default', 'via', cellNetwork.gateway],
];
