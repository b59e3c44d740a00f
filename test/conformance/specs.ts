/** Machines for the conformance suite: small, without an operating system, one a name. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { DomainSpec } from '../../model/domain-spec.ts';

/**
 * A spec for each assembly's name, always the same one.
 * @param directory short: sockets lie in it
 */
export function conformanceSpecs(owner: string, directory: string): (assembly: string) => DomainSpec {
  return (assembly) => {
    const hex = createHash('sha256').update(assembly).digest('hex');
    const uuid = [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `8${hex.slice(17, 20)}`,
      hex.slice(20, 32),
    ];
    return {
      assembly,
      domainName: `pcloud-${assembly}`,
      uuid: uuid.join('-'),
      owner,
      accelerator: 'tcg',
      machine: 'pc',
      memoryMiB: 32,
      vcpus: 1,
      diskPath: join(directory, `${assembly}.qcow2`),
      dataDisks: [],
      interfaces: [],
      kernel: null,
      macAddress: `52:54:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`,
      network: { kind: 'user', forwards: [] },
      agentSocketPath: join(directory, `${assembly}.sock`),
      consoleLogPath: join(directory, `${assembly}.log`),
      watchdog: null,
    };
  };
}
