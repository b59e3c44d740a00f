/**
 * Where an assembly's own files and its guest link stand, and what its domain is called. Pure: nothing here looks
 * at a disk. The runtime makes and uses them; the builder shows them (`render domain`).
 */
import path from 'node:path';

export type LauncherDirectories = {
  /** PCLOUD_STATE_DIR, absolute. */
  readonly stateDir: string;
  /** PCLOUD_RUNTIME_DIR, absolute and short. */
  readonly runtimeDir: string;
};

export type AssemblyPaths = {
  readonly directory: string;
  readonly disk: string;
  readonly consoleLog: string;
  readonly evidence: string;
  readonly privateKey: string;
  readonly publicKey: string;
  /** Of another kind than Ed25519, where the guest's sshd is too old for that; and the operator's own. */
  readonly rsaKey: string;
  readonly givenKey: string;
  /** Its disk was made before it was defined; see `launcher-disk.ts`. */
  readonly unclaimedMark: string;
  /** Its removal has begun. */
  readonly removalMark: string;
};

export function assembliesDirectory(directories: LauncherDirectories): string {
  return path.join(directories.stateDir, 'assemblies');
}

/** Names are checked where they enter (`model/names.ts`), so they are safe as a directory name here. */
export function assemblyPaths(directories: LauncherDirectories, assembly: string): AssemblyPaths {
  const directory = path.join(assembliesDirectory(directories), assembly);
  return {
    directory,
    disk: path.join(directory, 'disk.qcow2'),
    consoleLog: path.join(directory, 'console.log'),
    evidence: path.join(directory, 'evidence'),
    privateKey: path.join(directory, 'ssh_ed25519'),
    publicKey: path.join(directory, 'ssh_ed25519.pub'),
    rsaKey: path.join(directory, 'ssh_rsa'),
    givenKey: path.join(directory, 'ssh_given'),
    unclaimedMark: path.join(directory, '.unclaimed'),
    removalMark: path.join(directory, '.removing'),
  };
}

/** A data disk of an assembly; the name is checked where it enters. */
export function dataDiskPath(paths: Pick<AssemblyPaths, 'directory'>, disk: string): string {
  return path.join(paths.directory, `data-${disk}.raw`);
}

/**
 * The socket of an assembly's guest link, by UUID because a name of 63 characters would not fit. Whether the
 * kernel can bind it is for its user to check.
 */
export function guestSocketPath(directories: LauncherDirectories, uuid: string): string {
  return path.join(directories.runtimeDir, 'g', `${uuid.replaceAll('-', '')}.sock`);
}

/** The domain's name in libvirt, as virt-manager shows it. */
export function domainNameOf(assembly: string): string {
  return `pcloud-${assembly}`;
}
