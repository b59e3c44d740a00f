/**
 * What libvirt says of a domain, in the words of the port. Pure. Whose domain it is comes from its
 * metadata alone: a name proves nothing, because anybody may define a domain called `pcloud-…`.
 */
import type { DomainRecord, DomainStateName } from '#libvirt';
import { parseOwnership } from '../../catalogue/domain-xml.ts';
import type { DomainReport, DomainState } from '../ports.ts';

/** The state that decisions need; an unknown one counts as running, for that is the one nobody acts on. */
export function domainStateOf(state: DomainStateName): DomainState {
  switch (state) {
    case 'shutoff':
      return 'off';
    case 'paused':
    case 'pmsuspended':
      return 'paused';
    case 'crashed':
      return 'crashed';
    case 'shutdown':
      return 'stopping';
    case 'running':
    case 'blocked':
    case 'nostate':
      return 'running';
    default:
      return 'running';
  }
}

/** The report on a domain of this owner, or null for anybody else's. */
export function reportOf(record: DomainRecord, owner: string): DomainReport | null {
  const ownership = parseOwnership(record.metadata);
  if (ownership === null || ownership.owner !== owner) return null;
  return {
    assembly: ownership.assembly,
    uuid: record.uuid,
    state: domainStateOf(record.state),
    reason: record.reason,
  };
}
