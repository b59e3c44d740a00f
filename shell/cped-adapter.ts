/**
 * pcloud-cped's client fitted to what the shell needs of it.
 */
import { cpedClient } from '../runtime/client.ts';
import type { CpedPort } from './ports.ts';

/** The port onto the service behind this socket. Connects with each call. */
export function cpedPort(socketPath: string): CpedPort {
  const client = cpedClient(socketPath);
  return {
    ...client,
    status: async (signal) => await client.status({ signal }),
    deployable: async (name, signal) => await client.deployable(name, { signal }),
    createAssembly: async (name, release, architecture) => {
      await client.createAssembly(name, release, architecture);
    },
    importAssembly: async (order, signal) => await client.importAssembly(order, { signal }),
    cloneAssembly: async (source, name) => {
      await client.cloneAssembly(source, name);
    },
    renewAssembly: async (name) => changedOf(await client.renewAssembly(name)),
    addResource: async (assembly, name, template) =>
      changedOf(await client.addResource(assembly, name, template)),
    removeResource: async (assembly, name) => changedOf(await client.removeResource(assembly, name)),
    setAssemblyEscalation: async (assembly, policy) =>
      (await client.setAssemblyEscalation(assembly, policy)).note,
    setResourceEscalation: async (assembly, resource, policy) =>
      (await client.setResourceEscalation(assembly, resource, policy)).note,
    setAssemblyDependency: async (assembly, on, restart) =>
      (await client.setAssemblyDependency(assembly, on, restart)).note,
    clearAssemblyDependency: async (assembly, on) =>
      (await client.clearAssemblyDependency(assembly, on)).note,
    setResourceDependency: async (waiting, on, restart) =>
      (await client.setResourceDependency(waiting, on, restart)).note,
    clearResourceDependency: async (waiting, on) => (await client.clearResourceDependency(waiting, on)).note,
    setParameter: async (of, parameter, value) => (await client.setParameter(of, parameter, value)).note,
    clearParameter: async (of, parameter) => (await client.clearParameter(of, parameter)).note,
    setMachine: async (assembly, machine) => (await client.setMachine(assembly, machine)).note,
    setDisk: async (assembly, disk, to) => (await client.setDisk(assembly, disk, to)).note,
    removeDisk: async (assembly, disk) => {
      await client.removeDisk(assembly, disk);
    },
    setNetwork: async (assembly, network, mac) => (await client.setNetwork(assembly, network, { mac })).note,
    removeNetwork: async (assembly, network) => (await client.removeNetwork(assembly, network)).note,
    setWatching: async (of, watching) => (await client.setWatching(of, watching)).note,
    createDeployable: async (name, monitoring) => {
      await client.createDeployable(name, monitoring);
    },
    addAssembly: async (deployable, assembly) => (await client.addAssembly(deployable, assembly)).note,
    removeAssembly: async (deployable, assembly) => {
      await client.removeAssembly(deployable, assembly);
    },
    setDeployableEscalation: async (deployable, policy) =>
      (await client.setDeployableEscalation(deployable, policy)).note,
    // A disk that is made stands on its image for good: it needs no other.
    requirements: async (deployable) =>
      (await client.requirements(deployable)).filter(({ imageDigest }) => imageDigest === null),
    startDeployable: async (name) => {
      await client.startDeployable(name);
    },
    stopDeployable: async (name) => {
      await client.stopDeployable(name);
    },
    reloadDeployable: async (name) => {
      await client.reloadDeployable(name);
    },
    recoverDeployable: async (name) => {
      await client.recoverDeployable(name);
    },
    journal: async (limit) => (await client.journal({ limit })).events,
    journalPage: async (query) => await client.journal(query),
    async *events(afterSeq, signal) {
      for await (const { data } of client.events(afterSeq, signal)) yield data;
    },
    usersOf: async (release, architecture) =>
      (await client.imagesInUse({ release, architecture })).assemblies,
  };
}

type ClientChange = Awaited<ReturnType<ReturnType<typeof cpedClient>['addResource']>>;

function changedOf({
  requirement,
  assembly,
  note,
}: ClientChange): Awaited<ReturnType<CpedPort['addResource']>> {
  return {
    requirement: assembly.imported === null ? requirement : null,
    imageDigest: assembly.imageDigest,
    note,
  };
}
