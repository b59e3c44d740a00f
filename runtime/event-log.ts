/**
 * The supervisor's events in the log as well, so that systemd's journal has them with fields and a MESSAGE_ID
 * each kind can be asked for by. Incidents and events are kept in the database; this is for who reads journals.
 */
import { createHash } from 'node:crypto';
import type { EventKind, JournalEvent } from '../model/event.ts';
import type { Logger } from '../service/logger.ts';

/** The same for ever: whoever watches a journal for one kind of event has it written down. */
export function messageIdOf(kind: EventKind): string {
  return createHash('sha256').update(`pacemaker-cloud event ${kind}`).digest('hex').slice(0, 32);
}

const levels = { info: 'info', warning: 'warn', error: 'error' } as const;

/** Writes these events. `event`, not `kind`: the journal's field is PCLOUD_EVENT. */
export function logEvents(log: Logger, events: readonly JournalEvent[]): void {
  for (const { seq, kind, severity, deployable, assembly, resource, incident, text, facts } of events) {
    // What failed in the alerts is logged where it failed, each time; as an event it is told not too often.
    if (kind !== 'alert-failed')
      log[levels[severity]](
        { event: kind, messageId: messageIdOf(kind), seq, deployable, assembly, resource, incident, facts },
        text,
      );
  }
}
