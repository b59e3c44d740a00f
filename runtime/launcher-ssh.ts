/**
 * Where ssh finds the guest of an assembly, with which key, and what its host key has to be: for the link of one
 * without an agent, and for the second transport of one with it. It connects to nothing.
 */
import type { LauncherDirectories } from '../catalogue/assembly-paths.ts';
import { assemblyPaths } from '../catalogue/assembly-paths.ts';
import type { Releases } from '../catalogue/releases.ts';
import type { AssemblyDefinition } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import { keyTypeFor } from '../model/ssh.ts';
import type { SshAlgorithms, Transport } from '../model/ssh.ts';
import type { SshTarget, SshTargets } from './adapters/ssh-arguments.ts';
import type { LaunchStore } from './adapters/sqlite-launches.ts';
import type { DefinitionStore } from './definitions/store.ts';
import { keyPairOf } from './launcher-keys.ts';
import type { KeyPair } from './launcher-keys.ts';

export const sshGuestPort = 22;

export type AssemblySsh = SshTargets & {
  /** For an assembly with an agent; null where its host key or a port to it is not known. */
  secondTarget(assembly: string): SshTarget | null;
  transportOf(assembly: string): Transport['kind'];
  keyPair(assembly: AssemblyDefinition): KeyPair;
  /** What today's ssh has to be told for a guest of this release. */
  algorithms(assembly: AssemblyDefinition): SshAlgorithms;
};

export type AssemblySshOptions = {
  readonly directories: LauncherDirectories;
  readonly store: Pick<DefinitionStore, 'assembly'>;
  readonly launches: Pick<LaunchStore, 'forwards' | 'hostKey'>;
  readonly releases: Releases;
  /** On a libvirt network no port of this host leads to a guest. */
  readonly network: 'user' | 'libvirt';
};

/** Where sshd listens in the guest. */
export function sshPortOf(transport: Transport): number {
  return transport.kind === 'ssh' ? transport.port : sshGuestPort;
}

export function createAssemblySsh(options: AssemblySshOptions): AssemblySsh {
  const { store, launches, releases } = options;
  // A release that is not in the catalogue (any more): today's algorithms.
  const algorithms = (assembly: AssemblyDefinition): SshAlgorithms =>
    releases.get(assembly.release)?.ssh ?? {};
  const keyPair = (assembly: AssemblyDefinition): KeyPair => {
    const paths = assemblyPaths(options.directories, assembly.name);
    return keyPairOf(paths, assembly.transport, keyTypeFor(algorithms(assembly)));
  };
  const forwarded = (assembly: AssemblyDefinition): number | undefined => {
    if (options.network === 'libvirt') return undefined;
    const guestPort = sshPortOf(assembly.transport);
    return launches.forwards(assembly.name).find((forward) => forward.guestPort === guestPort)?.hostPort;
  };
  const targetAt = (assembly: AssemblyDefinition, port: number): SshTarget => {
    const { transport } = assembly;
    const user = transport.kind === 'ssh' ? transport.user : 'root';
    return {
      assembly: assembly.name,
      host: '127.0.0.1',
      port,
      user,
      identityFile: keyPair(assembly).privateKey,
      hostKey: launches.hostKey(assembly.name) ?? null,
      trustFirst: transport.kind === 'ssh' && transport.trustFirst,
      algorithms: algorithms(assembly),
      elevate: user !== 'root',
      runDirectory: '/run',
    };
  };

  return {
    algorithms,
    keyPair,
    transportOf: (name) => store.assembly(name)?.transport.kind ?? 'agent',
    target(name) {
      const assembly = store.assembly(name);
      const port = assembly === undefined ? undefined : forwarded(assembly);
      if (assembly !== undefined && port !== undefined) return targetAt(assembly, port);
      throw new PcloudError({
        code: 'no-forwarded-port',
        category: 'conflict',
        message: `No port of this host leads to the ssh of assembly ${name}.`,
        hint: 'An assembly that is spoken to by ssh needs the network `user` (PCLOUD_NETWORK).',
      });
    },
    secondTarget(name) {
      const assembly = store.assembly(name);
      if (assembly?.transport.kind !== 'agent') return null;
      const port = forwarded(assembly);
      const known = launches.hostKey(name) !== undefined;
      return port === undefined || !known ? null : targetAt(assembly, port);
    },
  };
}
