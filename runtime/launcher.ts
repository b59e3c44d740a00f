/**
 * Makes an assembly ready to start: finds and pins its image, makes its disk, key and forwarded ports, and
 * says what domain to start. It starts nothing; the hypervisor does, when the supervisor says so.
 */
import { assemblyPaths, domainNameOf, guestSocketPath } from '../catalogue/assembly-paths.ts';
import type { LauncherDirectories } from '../catalogue/assembly-paths.ts';
import type { Releases } from '../catalogue/releases.ts';
import { requirementOf } from '../model/definition.ts';
import type { AssemblyDefinition } from '../model/definition.ts';
import { dataDiskTexts } from '../model/machine-pending.ts';
import { interfaceText } from '../model/network-attachment.ts';
import type { DomainNetwork, DomainSpec } from '../model/domain-spec.ts';
import type { ResourceTemplate } from '../model/resource-template.ts';
import type { Logger } from '../service/logger.ts';
import { checkSocketPath } from '../service/unix-socket.ts';
import type { LaunchStore } from './adapters/sqlite-launches.ts';
import type { AssemblyFiles } from './definitions/context.ts';
import { conflict } from './definitions/refusals.ts';
import type { DefinitionStore } from './definitions/store.ts';
import { pinOf } from './images.ts';
import type { ImageSource, RuntimeImage } from './images.ts';
import {
  checkDiskSpace,
  domainDisks,
  kernelWithDisks,
  prepareDataDisks,
  removeDataDisk,
} from './launcher-data-disks.ts';
import {
  checkFreeSpace,
  clearMark,
  fileExists,
  makeAssemblyDirectory,
  makeOverlay,
  putMark,
  removeAssemblyFiles,
  removeDisk,
  sweepAssemblies,
} from './launcher-disk.ts';
import { keepEvidence } from './launcher-evidence.ts';
import { createImageVerifier } from './launcher-image.ts';
import { ensureKey, readPublicKey } from './launcher-keys.ts';
import type { KeyReaders } from './launcher-keys.ts';
import { importDisk, placeImport, removeStaged } from './launcher-import.ts';
import { domainInterfaces, networkWaiter } from './launcher-networks.ts';
import { createPortAllocator } from './launcher-ports.ts';
import type { PortRange } from './launcher-ports.ts';
import { changedMeanwhile, diskMissing, noImage, unknownAssembly } from './launcher-refusals.ts';
import { createAssemblySsh, sshPortOf } from './launcher-ssh.ts';
import type { AssemblySsh } from './launcher-ssh.ts';
import { valuesOf } from './launcher-values.ts';
import type { Clock, Hypervisor, Launcher } from './ports.ts';

/** `user`: QEMU's own network with forwards; else the name of a libvirt network. */
export type NetworkChoice =
  { readonly kind: 'user' } | { readonly kind: 'libvirt'; readonly network: string };

export type LauncherOptions = {
  readonly directories: LauncherDirectories;
  readonly store: DefinitionStore;
  readonly launches: LaunchStore;
  readonly images: ImageSource;
  readonly releases: Releases;
  readonly templates: ReadonlyMap<string, ResourceTemplate>;
  readonly hypervisor: Pick<Hypervisor, 'list' | 'undefine' | 'networkProblem'>;
  readonly owner: string;
  readonly network: NetworkChoice;
  readonly portRange: PortRange;
  readonly keyReaders: KeyReaders;
  /** Known once the probe has run. */
  readonly accelerator: () => 'kvm' | 'tcg';
  readonly clock: Clock;
  readonly log: Logger;
};

export type AssemblyLauncher = Launcher &
  AssemblyFiles & {
    /** Before anything is started: leftovers of a service that died, and keys that are missing. */
    recover(): Promise<void>;
    /** The private key that leads into the assembly; made when it is missing. */
    identityFile(assembly: string): Promise<string>;
    /** How ssh gets into assemblies. */
    readonly ssh: AssemblySsh;
  };

export function createLauncher(options: LauncherOptions): AssemblyLauncher {
  const { directories, store, launches, log, clock } = options;
  const nowMs = (): number => clock.wallMs();
  const verifier = createImageVerifier(options.images, launches);
  const ports = createPortAllocator(launches, options.portRange, log);
  const networksOf = networkWaiter({
    ...options,
    firstNetwork: options.network.kind === 'libvirt' ? options.network.network : null,
  });
  const pathsOf = (assembly: string) => assemblyPaths(directories, assembly);
  const ssh = createAssemblySsh({
    directories,
    store,
    launches,
    releases: options.releases,
    network: options.network.kind,
  });
  const ensureKeyOf = async (assembly: AssemblyDefinition): Promise<void> =>
    await ensureKey(pathsOf(assembly.name), ssh.keyPair(assembly), assembly.name, options.keyReaders);
  const defined = (name: string): AssemblyDefinition => {
    const assembly = store.assembly(name);
    if (assembly !== undefined) return assembly;
    throw unknownAssembly(name);
  };
  const uuidOf = (name: string): string => {
    const uuid = store.assemblyUuid(name);
    if (uuid !== undefined) return uuid;
    throw unknownAssembly(name);
  };

  const networkOf = async (assembly: AssemblyDefinition): Promise<DomainNetwork> => {
    if (options.network.kind === 'libvirt') return options.network;
    return {
      kind: 'user',
      forwards: await ports.forwardsFor(assembly.name, guestPortsOf(assembly, options.templates)),
    };
  };

  const specOf = async (
    assembly: AssemblyDefinition,
    image: Pick<RuntimeImage, 'machine' | 'kernel'>,
  ): Promise<DomainSpec> => ({
    assembly: assembly.name,
    domainName: domainNameOf(assembly.name),
    uuid: assembly.uuid,
    owner: options.owner,
    accelerator: options.accelerator(),
    machine: image.machine,
    memoryMiB: assembly.memoryMiB,
    vcpus: assembly.vcpus,
    diskPath: pathsOf(assembly.name).disk,
    dataDisks: domainDisks(assembly, pathsOf(assembly.name)),
    kernel: kernelWithDisks(assembly, image.kernel),
    macAddress: assembly.macAddress,
    network: await networkOf(assembly),
    interfaces: domainInterfaces(assembly),
    agentSocketPath: checkSocketPath(guestSocketPath(directories, assembly.uuid)),
    consoleLogPath: pathsOf(assembly.name).consoleLog,
    // By the release, not by the image: one that was built before its release had a watchdog never opens it.
    // It is the agent that pets it.
    watchdog:
      assembly.transport.kind === 'agent' ? (options.releases.get(assembly.release)?.watchdog ?? null) : null,
  });

  /** An imported disk is the assembly's own, and boots by itself. */
  const diskOf = async (assembly: AssemblyDefinition): Promise<Pick<RuntimeImage, 'machine' | 'kernel'>> => {
    if (assembly.imported === null) return await imageOf(assembly);
    const { disk } = pathsOf(assembly.name);
    if (!(await fileExists(disk))) throw diskMissing(assembly, disk);
    return { machine: assembly.imported.machine, kernel: null };
  };

  /** The image that the assembly stands on, with its disk made on it if this is the first start. */
  const imageOf = async (assembly: AssemblyDefinition): Promise<RuntimeImage> => {
    const { disk } = pathsOf(assembly.name);
    const pinned = assembly.imageDigest;
    const image =
      pinned === null
        ? (await options.images.read()).find(requirementOf(assembly))
        : await options.images.byDigest(pinned);
    if (image === undefined) throw noImage(assembly);
    await verifier.verify(image);
    if (pinned !== null) {
      if (await fileExists(disk)) return image;
      throw diskMissing(assembly, disk);
    }
    await makeOverlay(pathsOf(assembly.name), image.disk.path, nowMs(), log);
    pin(store, assembly, image);
    return image;
  };

  return {
    async prepare(name) {
      const waiting = networksOf(name);
      if (waiting !== undefined) await waiting;
      const assembly = defined(name);
      await makeAssemblyDirectory(pathsOf(name));
      await checkFreeSpace(pathsOf(name).directory);
      const image = await diskOf(assembly);
      await prepareDataDisks(assembly, pathsOf(name), { store, nowMs: nowMs(), log });
      if (assembly.transport.kind !== 'none') await ensureKeyOf(assembly);
      return await specOf(assembly, image);
    },
    uuidOf,
    agentSocketPath: (name) => checkSocketPath(guestSocketPath(directories, uuidOf(name))),
    identity(name) {
      const assembly = defined(name);
      // Another's guest keeps its keys; nobody would write ours there.
      if (assembly.transport.kind !== 'agent') return { hostname: name };
      return { hostname: name, authorizedKey: readPublicKey(ssh.keyPair(assembly), name) };
    },
    keepEvidence: async (name, incident, screenshot) =>
      await keepEvidence(pathsOf(name), incident, screenshot, nowMs()),
    rememberStarted: ({ assembly, memoryMiB, vcpus, network, interfaces }) =>
      launches.saveStartedWith(assembly, {
        memoryMiB,
        vcpus,
        ports: network.kind === 'user' ? network.forwards.map(({ guestPort }) => guestPort) : null,
        disks: dataDiskTexts(store.assembly(assembly)?.disks ?? []),
        networks: interfaces.map(interfaceText),
      }),
    rememberHostKey: (name, hostKey) => launches.saveHostKey(name, hostKey),
    values(name, toldAddress) {
      const assembly = store.assembly(name);
      if (assembly === undefined) return {};
      const guestPorts = guestPortsOf(assembly, options.templates);
      const network = options.network.kind;
      return valuesOf({ network, guestPorts, forwards: launches.forwards(name), toldAddress });
    },

    checkImage: async (image) => await verifier.verify(image),
    async stageDisk(name, image) {
      await putMark(pathsOf(name), 'unclaimedMark');
      await makeOverlay(pathsOf(name), image.disk.path, nowMs(), log);
    },
    claimDisk: async (name) => await clearMark(pathsOf(name), 'unclaimedMark'),
    async beginRemoval(assembly) {
      // Without a disk it never had a domain, and libvirt need not be there.
      if (assembly.imageDigest !== null || assembly.imported !== null)
        await removeDomain(options.hypervisor, assembly);
      if (await fileExists(pathsOf(assembly.name).directory))
        await putMark(pathsOf(assembly.name), 'removalMark');
    },
    checkDiskSpace: async (assembly, disk, neededGiB) =>
      await checkDiskSpace(directories.stateDir, { assembly, disk }, neededGiB),
    removeDisk: async (name, disk) => await removeDataDisk(pathsOf(name), disk, nowMs()),
    forgetDomain: async (assembly) => await removeDomain(options.hypervisor, assembly),
    removeOverlay: async (name, commit) =>
      await removeDisk(pathsOf(name), pathsOf(name).disk, nowMs(), commit),
    forgetHostKey: (name) => launches.forgetHostKey(name),
    removeFiles: async (name) => await removeAssemblyFiles(pathsOf(name)),
    importDisk: async ({ disk, format, keyFile, rsaOnly }) =>
      await importDisk({ disk, format, keyFile, rsaOnly, directories, log }),
    placeImport: async (staged, name) => await placeImport(directories, staged, name),
    removeStaged,
    pinHostKey: (name, hostKey) => launches.saveHostKey(name, hostKey),
    async publicKey(name) {
      const assembly = defined(name);
      await ensureKeyOf(assembly);
      return readPublicKey(ssh.keyPair(assembly), name);
    },

    async recover() {
      const assemblies = store.assemblies();
      const swept = await sweepAssemblies(directories, new Set(assemblies.map(({ name }) => name)));
      for (const name of swept.removed)
        log.info({ assembly: name }, 'finished an interrupted removal or clone');
      for (const directory of swept.orphans)
        log.warn({ directory }, 'files of an assembly that is not defined; left as they are');
      for (const assembly of assemblies)
        if (assembly.imageDigest !== null && ssh.keyPair(assembly).type !== 'given')
          await ensureKeyOf(assembly);
    },
    async identityFile(name) {
      const assembly = defined(name);
      await ensureKeyOf(assembly);
      return ssh.keyPair(assembly).privateKey;
    },
    ssh,
  };
}

/** ssh, what the templates of its resources listen on, and what the operator added; each once, sorted. */
export function guestPortsOf(
  assembly: AssemblyDefinition,
  templates: ReadonlyMap<string, ResourceTemplate>,
): readonly number[] {
  const ofTemplates = assembly.resources.flatMap(
    (resource) => templates.get(resource.template)?.ports.map((port) => port.guestPort) ?? [],
  );
  const all = [sshPortOf(assembly.transport), ...ofTemplates, ...assembly.ports];
  return [...new Set(all)].toSorted((a, b) => a - b);
}

/** Only if nothing changed while the disk was made; else the next start makes a new one. */
function pin(store: DefinitionStore, before: AssemblyDefinition, image: RuntimeImage): void {
  store.transaction(() => {
    const now = store.assembly(before.name);
    const same =
      now?.uuid === before.uuid &&
      now.imageDigest === null &&
      requirementOf(now).templates.join() === requirementOf(before).templates.join();
    if (!same) throw changedMeanwhile(before.name);
    store.pinImage(before.name, pinOf(image));
  });
}

async function removeDomain(
  hypervisor: Pick<Hypervisor, 'list' | 'undefine'>,
  assembly: AssemblyDefinition,
): Promise<void> {
  const domains = await hypervisor.list();
  const domain = domains.find(({ uuid }) => uuid === assembly.uuid);
  if (domain !== undefined && domain.state !== 'off' && domain.state !== 'absent')
    throw conflict(
      'assembly-running',
      `The domain ${domainNameOf(assembly.name)} of assembly ${assembly.name} is ${domain.state} (${domain.reason}).`,
      `Shut it down first, for example with \`virsh destroy ${domainNameOf(assembly.name)}\`.`,
      { assembly: assembly.name },
    );
  await hypervisor.undefine(assembly.uuid);
}
