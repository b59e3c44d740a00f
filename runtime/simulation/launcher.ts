/** The launcher of a simulated host: its hypervisor needs no disk, so there is nothing to prepare. */
import { createHash } from 'node:crypto';
import type { DomainSpec } from '../../model/domain-spec.ts';
import type { Launcher } from '../ports.ts';

/** @param owner whose domains they are, as the simulated hypervisor knows it */
export function simulatedLauncher(owner: string): Launcher {
  return {
    prepare: (assembly) => Promise.resolve(simulatedSpec(assembly, owner)),
    uuidOf,
    agentSocketPath: (assembly) => `/simulated/${assembly}`,
    identity: (assembly) => ({ hostname: assembly, authorizedKey: 'ssh-ed25519 AAAA' }),
    keepEvidence: () => Promise.resolve(null),
    rememberStarted: () => undefined,
    rememberHostKey: () => undefined,
    values: () => ({ address: '192.0.2.1' }),
  };
}

/** The domain of an assembly, always the same one. */
export function simulatedSpec(assembly: string, owner: string): DomainSpec {
  return {
    assembly,
    domainName: `pcloud-${assembly}`,
    uuid: uuidOf(assembly),
    owner,
    accelerator: 'kvm',
    machine: 'pc',
    memoryMiB: 512,
    vcpus: 1,
    diskPath: `/simulated/${assembly}.qcow2`,
    dataDisks: [],
    interfaces: [],
    kernel: null,
    macAddress: '52:54:00:00:00:01',
    network: { kind: 'user', forwards: [] },
    agentSocketPath: `/simulated/${assembly}.sock`,
    consoleLogPath: `/simulated/${assembly}.log`,
    watchdog: null,
  };
}

function uuidOf(assembly: string): string {
  const hex = createHash('sha256').update(assembly).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
