/**
 * What the launcher remembers of assemblies between starts, in SQLite: forwarded ports, the guest's ssh host
 * key, and which image disks had their checksum computed.
 */
import { z } from 'zod';
import type { PortForward } from '../../model/domain-spec.ts';
import { machineStartSchema } from '../../model/machine-pending.ts';
import type { MachineStart } from '../../model/machine-pending.ts';
import { jsonColumn } from './sqlite-columns.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** The state of a disk file at the moment when its checksum was computed. */
export type VerifiedDisk = {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Nanoseconds since the epoch, in digits: it does not fit a double. */
  readonly modifiedAtNs: string;
};

export type LaunchStore = {
  /** Of one assembly, by guest port. */
  forwards(assembly: string): readonly PortForward[];
  /** Every host port that is given to some assembly. */
  takenHostPorts(): ReadonlySet<number>;
  /** Gives (or replaces) the host port of one guest port. */
  saveForward(assembly: string, forward: PortForward): void;
  hostKey(assembly: string): string | undefined;
  saveHostKey(assembly: string, hostKey: string): void;
  /** It has a new disk, and makes keys of its own at its first boot. */
  forgetHostKey(assembly: string): void;
  /** What its machine was started with last; undefined where no version of ours that keeps it has started it. */
  startedWith(assembly: string): MachineStart | undefined;
  saveStartedWith(assembly: string, machine: MachineStart): void;
  verifiedDisk(digest: string): VerifiedDisk | undefined;
  saveVerifiedDisk(digest: string, disk: VerifiedDisk): void;
};

const port = z.int().min(1).max(65535);
const forwardRow = z
  .object({ guest_port: port, host_port: port })
  .transform((row): PortForward => ({ guestPort: row.guest_port, hostPort: row.host_port }));
const verifiedRow = z
  .object({ sha256: z.string(), size_bytes: z.int(), modified_at_ns: z.string() })
  .transform((row): VerifiedDisk => ({
    sha256: row.sha256,
    sizeBytes: row.size_bytes,
    modifiedAtNs: row.modified_at_ns,
  }));

/** Before the names in the table of settings. */
const startedPrefix = 'started-with/';

export function createLaunchStore(database: SqliteDatabase): LaunchStore {
  return {
    forwards: (assembly) =>
      database.all(
        forwardRow,
        'SELECT guest_port, host_port FROM forwards WHERE assembly = ? ORDER BY guest_port',
        assembly,
      ),
    takenHostPorts: () =>
      new Set(
        database.all(z.object({ host_port: port }), 'SELECT host_port FROM forwards').map((r) => r.host_port),
      ),
    saveForward: (assembly, forward) =>
      database.run(
        `INSERT INTO forwards (assembly, guest_port, host_port) VALUES (?, ?, ?)
         ON CONFLICT (assembly, guest_port) DO UPDATE SET host_port = excluded.host_port`,
        assembly,
        forward.guestPort,
        forward.hostPort,
      ),
    hostKey: (assembly) =>
      database.get(
        z.object({ host_key: z.string() }),
        'SELECT host_key FROM host_keys WHERE assembly = ?',
        assembly,
      )?.host_key,
    saveHostKey: (assembly, hostKey) =>
      database.run(
        `INSERT INTO host_keys (assembly, host_key)
         SELECT name, ? FROM assemblies WHERE name = ?
         ON CONFLICT (assembly) DO UPDATE SET host_key = excluded.host_key WHERE host_key <> excluded.host_key`,
        hostKey,
        assembly,
      ),
    forgetHostKey: (assembly) => database.run('DELETE FROM host_keys WHERE assembly = ?', assembly),
    startedWith: (assembly) =>
      database.get(
        z.object({ value: jsonColumn(machineStartSchema) }),
        'SELECT value FROM settings WHERE name = ?',
        `${startedPrefix}${assembly}`,
      )?.value,
    saveStartedWith: (assembly, machine) =>
      database.run(
        `INSERT INTO settings (name, value) SELECT ?, ? FROM assemblies WHERE name = ?
         ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
        `${startedPrefix}${assembly}`,
        JSON.stringify(machine),
        assembly,
      ),
    verifiedDisk: (digest) =>
      database.get(
        verifiedRow,
        'SELECT sha256, size_bytes, modified_at_ns FROM verified_disks WHERE digest = ?',
        digest,
      ),
    saveVerifiedDisk: (digest, disk) =>
      database.run(
        `INSERT INTO verified_disks (digest, sha256, size_bytes, modified_at_ns) VALUES (?, ?, ?, ?)
         ON CONFLICT (digest) DO UPDATE SET sha256 = excluded.sha256, size_bytes = excluded.size_bytes,
           modified_at_ns = excluded.modified_at_ns`,
        digest,
        disk.sha256,
        disk.sizeBytes,
        disk.modifiedAtNs,
      ),
  };
}
