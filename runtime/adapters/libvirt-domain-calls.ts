/**
 * What the port does to one domain, on a connection that stands: start, ask to power off, fence, undefine.
 * Each looks first whose domain it is and leaves alone what is not ours. When to do any of it is the
 * supervisor's.
 */
import { Shutdown, Undefine } from '#libvirt';
import type { Connection, DomainRecord } from '#libvirt';
import { metadataUri } from '../../catalogue/domain-xml.ts';
import type { DomainSpec } from '../../model/domain-spec.ts';
import { PcloudError } from '../../model/errors.ts';
import type { Clock } from '../ports.ts';
import { isNoDomain, isTimeout, isUnsupported, libvirtFailure, withLimit } from './libvirt-failure.ts';
import type { LibvirtLimits } from './libvirt-failure.ts';
import { fenceDomain } from './libvirt-fence.ts';
import { reportOf } from './libvirt-report.ts';

export type DomainCallContext = {
  readonly connection: Connection;
  readonly owner: string;
  readonly clock: Clock;
  readonly limits: LibvirtLimits;
  readonly notice: (message: string) => void;
};

/** Snapshots, saved states and NVRAM of a domain go with its definition; what is kept would be litter. */
const undefineFlags =
  Undefine.managedSave | Undefine.snapshotsMetadata | Undefine.nvram | Undefine.checkpointsMetadata;

/** A call with its limit, failing as PcloudError. */
export async function limited<T>(
  context: Pick<DomainCallContext, 'clock'>,
  what: string,
  limitMs: number,
  work: Promise<T>,
): Promise<T> {
  try {
    return await withLimit(context.clock, limitMs, what, work);
  } catch (error) {
    throw libvirtFailure(what, error);
  }
}

/** The domain with its metadata, or null if libvirt does not know it. */
export async function findDomain(context: DomainCallContext, uuid: string): Promise<DomainRecord | null> {
  const lookup = context.connection.lookupByUUID(uuid, metadataUri).catch((error: unknown) => {
    if (isNoDomain(error)) return null;
    throw error;
  });
  return limited(context, 'look a domain up', context.limits.readMs, lookup);
}

/** The domain if it is ours, null if there is none. @throws PcloudError `foreign-domain`. */
async function findOwn(context: DomainCallContext, uuid: string): Promise<DomainRecord | null> {
  const record = await findDomain(context, uuid);
  if (record !== null && reportOf(record, context.owner) === null) throw foreignDomain(record, context.owner);
  return record;
}

/** @throws PcloudError `domain-not-off`, `foreign-domain`, `libvirt-…`. */
export async function startDomain(context: DomainCallContext, spec: DomainSpec, xml: string): Promise<void> {
  const { connection, limits } = context;
  const existing = await findOwn(context, spec.uuid);
  if (existing !== null && existing.state !== 'shutoff') throw notOff(spec.domainName, existing.state);
  await limited(context, `define ${spec.domainName}`, limits.defineMs, connection.defineXML(xml));
  try {
    await limited(context, `start ${spec.domainName}`, limits.startMs, connection.create(spec.uuid));
  } catch (error) {
    if (await isOnAlready(context, spec.uuid, error)) throw notOff(spec.domainName, 'running');
    throw error;
  }
}

/** Another start was faster. Drivers disagree about the error's code (test:/// says internal), so the state decides. */
async function isOnAlready(context: DomainCallContext, uuid: string, error: unknown): Promise<boolean> {
  if (isTimeout(error)) return false;
  const state = context.connection.getState(uuid);
  return (
    (await limited(context, 'tell the state of a domain', context.limits.readMs, state)).state !== 'shutoff'
  );
}

/** @throws PcloudError `domain-off`, `foreign-domain`, `libvirt-…`. */
export async function powerOffDomain(context: DomainCallContext, uuid: string): Promise<void> {
  const record = await findOwn(context, uuid);
  if (record === null || record.state === 'shutoff') throw isOff(uuid);
  const asked = askToPowerOff(context.connection, uuid);
  await limited(context, `ask ${record.name} to power off`, context.limits.readMs, asked);
}

/** No effect on one that runs. @throws PcloudError `domain-off`, `foreign-domain`, `libvirt-…`. */
export async function resumeDomain(context: DomainCallContext, uuid: string): Promise<void> {
  const record = await findOwn(context, uuid);
  if (record === null || record.state === 'shutoff') throw isOff(uuid);
  if (record.state !== 'paused') return;
  const resumed = context.connection.resume(uuid);
  await limited(context, `let ${record.name} go on`, context.limits.readMs, resumed);
}

/** @throws PcloudError `fence-failed`, `foreign-domain`, `libvirt-…`. */
export async function fenceOwnDomain(context: DomainCallContext, uuid: string): Promise<void> {
  const record = await findOwn(context, uuid);
  if (record === null || record.state === 'shutoff') return;
  await fenceDomain(context, uuid, record.name);
}

/** @throws PcloudError `domain-not-off`, `foreign-domain`, `libvirt-…`. */
export async function undefineDomain(context: DomainCallContext, uuid: string): Promise<void> {
  const record = await findOwn(context, uuid);
  if (record === null) return;
  // libvirt would make a running domain transient, and after a restart of ours nobody would find it again.
  if (record.state !== 'shutoff') throw notOff(record.name, record.state);
  const forgotten = undefine(context.connection, uuid);
  await limited(context, `undefine ${record.name}`, context.limits.defineMs, forgotten);
}

/** test:/// knows no ACPI button, only a shutdown. */
async function askToPowerOff(connection: Connection, uuid: string): Promise<void> {
  try {
    await connection.shutdown(uuid, Shutdown.acpiPowerButton);
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    await connection.shutdown(uuid);
  }
}

async function undefine(connection: Connection, uuid: string): Promise<void> {
  try {
    await connection.undefine(uuid, undefineFlags);
  } catch (error) {
    if (isNoDomain(error)) return;
    if (!isUnsupported(error)) throw error;
    await connection.undefine(uuid);
  }
}

function notOff(domainName: string, state: string): PcloudError {
  return new PcloudError({
    code: 'domain-not-off',
    category: 'conflict',
    message: `${domainName} is not off (libvirt says ${state}).`,
    hint: 'It has to be off first; the supervisor fences a machine before it starts its successor.',
    facts: { domainName, state },
  });
}

function isOff(uuid: string): PcloudError {
  return new PcloudError({
    code: 'domain-off',
    category: 'conflict',
    message: `Domain ${uuid} is off, so it can be neither asked to power off nor resumed.`,
    facts: { uuid },
  });
}

function foreignDomain(record: DomainRecord, owner: string): PcloudError {
  return new PcloudError({
    code: 'foreign-domain',
    category: 'conflict',
    message: `Domain ${record.name} (${record.uuid}) does not belong to ${owner}, so it is left alone.`,
    hint: 'It was defined by somebody else. Rename or remove it, or choose another name for the assembly.',
    facts: { domainName: record.name, uuid: record.uuid },
  });
}
