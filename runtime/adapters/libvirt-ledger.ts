/**
 * What was last reported of each domain, for two reasons only: a domain that vanishes has no metadata left
 * that would say whose it was, and a slow list must not undo an event that came after it was asked. Makes
 * no calls and decides nothing about a domain.
 */
import type { DomainRecord } from '#libvirt';
import type { DomainReport } from '../ports.ts';
import { reportOf } from './libvirt-report.ts';

export type DomainLedger = {
  /** Reports a domain as libvirt has just described it; one that is not ours counts as gone. */
  readonly report: (record: DomainRecord) => void;
  /** Reports a domain as absent, if it ever was reported. */
  readonly absent: (uuid: string) => void;
  /** Reports all of a complete list, and what is missing from it as absent. */
  readonly reportAll: (records: readonly DomainRecord[]) => void;
  /** Of a complete list that was asked for at `mark`: reports what differs from the last report before it. */
  readonly reportChanges: (records: readonly DomainRecord[], mark: number) => void;
  /** A place in time, for `listed` and `reportChanges`. */
  readonly mark: () => number;
  /** Our domains of a list that was asked for at `mark`; where a later report exists, that one. */
  readonly listed: (records: readonly DomainRecord[], mark: number) => readonly DomainReport[];
};

export function domainLedger(owner: string, emit: (report: DomainReport) => void): DomainLedger {
  const latest = new Map<string, { readonly report: DomainReport; readonly sequence: number }>();
  let sequence = 0;

  function report(record: DomainRecord): void {
    const own = reportOf(record, owner);
    if (own === null) return absent(record.uuid);
    sequence += 1;
    latest.set(own.uuid, { report: own, sequence });
    emit(own);
  }

  function absent(uuid: string): void {
    const known = latest.get(uuid);
    if (known === undefined || known.report.state === 'absent') return;
    sequence += 1;
    const gone: DomainReport = { ...known.report, state: 'absent', reason: 'undefined' };
    latest.set(uuid, { report: gone, sequence });
    emit(gone);
  }

  function forgetAbsent(mark: number): void {
    for (const [uuid, known] of latest) {
      if (known.report.state === 'absent' && known.sequence <= mark) latest.delete(uuid);
    }
  }

  return {
    report,
    absent,
    reportAll(records) {
      const present = new Set(records.map(({ uuid }) => uuid));
      for (const uuid of latest.keys()) if (!present.has(uuid)) absent(uuid);
      for (const record of records) report(record);
    },
    reportChanges(records, mark) {
      const present = new Set(records.map(({ uuid }) => uuid));
      const isOlder = (uuid: string) => (latest.get(uuid)?.sequence ?? 0) <= mark;
      for (const uuid of latest.keys()) if (!present.has(uuid) && isOlder(uuid)) absent(uuid);
      for (const record of records) {
        const known = latest.get(record.uuid)?.report;
        const own = reportOf(record, owner);
        const isSame = own?.state === known?.state && own?.reason === known?.reason;
        if (!isSame && isOlder(record.uuid)) report(record);
      }
    },
    mark: () => sequence,
    listed(records, mark) {
      const reports = records.flatMap((record) => {
        const own = reportOf(record, owner);
        const newer = latest.get(record.uuid);
        if (newer !== undefined && newer.sequence > mark)
          return newer.report.state === 'absent' ? [] : [newer.report];
        return own === null ? [] : [own];
      });
      forgetAbsent(mark);
      return reports;
    },
  };
}
