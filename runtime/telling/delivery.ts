/**
 * Brings alerts to programs and the webhook: a few at once, in order for each of them, with limits on time and
 * on what waits. A failure is a line in the log and, not too often, an event in the journal.
 */
import type { SupervisorEvent } from '../../model/event.ts';
import { PcloudError } from '../../model/errors.ts';
import type { Logger } from '../../service/logger.ts';
import type { Clock } from '../ports.ts';
import { environmentOf, jsonOf } from './alert.ts';
import type { Alert } from './alert.ts';
import { createFailureLimit } from './failure-limit.ts';
import { readProgramDirectory } from './programs.ts';
import { runProgram } from './run-program.ts';
import type { AlertOutcome } from './run-program.ts';
import { defaultRetryDelaysMs, postWebhook } from './webhook.ts';
import { createWorkQueue } from './work-queue.ts';

export type Recipient = { readonly kind: 'program'; readonly name: string } | { readonly kind: 'webhook' };

export type AlertSettings = {
  /** Directory of alert programs; need not be there. */
  readonly directory: string;
  /** File with the rules; need not be there. */
  readonly rulesFile: string;
  /** For one run of a program, and for one attempt at the webhook. */
  readonly timeoutMs: number;
  readonly webhook: { readonly url: string; readonly tokenFile: string | null } | null;
};

/** Two processes an alert (setpriv becomes the program), so a handful is no burden for a busy host. */
const programsAtOnce = 4;
/** Each recipient gets at most a dozen alerts in ten seconds (bursts.ts); this is a few minutes of them. */
const mostWaiting = 200;
const killDelayMs = 2000;
/** So often a failure of the same recipient is an event. */
const failureEveryMs = 600_000;
/** What is under way when the service ends has this long. */
const drainMs = 3000;

export type Delivery = {
  /** Returns at once. */
  send(recipient: Recipient, alert: Alert): void;
  /** Tells of a problem with the alerts themselves; rate limited by `about`. */
  complain(about: string, text: string): void;
  /** Gives what is under way a moment, then ends it. */
  close(): Promise<void>;
};

export type DeliveryOptions = {
  /** As they are when an alert is brought. */
  readonly settings: () => AlertSettings;
  readonly append: (events: readonly SupervisorEvent[]) => unknown;
  readonly clock: Clock;
  readonly log: Logger;
  readonly retryDelaysMs?: readonly number[];
};

export function createDelivery(options: DeliveryOptions): Delivery {
  const { clock, log } = options;
  const programs = createWorkQueue({ atOnce: programsAtOnce, waiting: mostWaiting });
  // Apart, since its attempts may take a minute.
  const posts = createWorkQueue({ atOnce: 1, waiting: mostWaiting });
  const limit = createFailureLimit(failureEveryMs);
  const end = new AbortController();

  const complain = (about: string, text: string, incident: string | null = null): void => {
    log.warn({ about, incident }, text);
    const told = limit.note(about, clock.monotonicMs());
    if (told === null) return;
    const more = told.keptBack === 0 ? '' : ` So did ${told.keptBack} before it.`;
    try {
      options.append([failureEvent(`${text}${more}`, about, incident, clock.wallMs())]);
    } catch (error) {
      // A journal that cannot be written is the supervisor's business; the log has it.
      if (!(error instanceof PcloudError)) throw error;
      log.error({ err: error }, 'an alert that failed is not in the journal');
    }
  };

  const deliver = async (recipient: Recipient, alert: Alert): Promise<void> => {
    const outcome = recipient.kind === 'webhook' ? await post(alert) : await run(recipient.name, alert);
    if (!outcome.ok)
      complain(nameOf(recipient), `${titleOf(recipient)} failed: ${outcome.why}.`, alert.incident?.id);
  };

  const run = async (name: string, alert: Alert): Promise<AlertOutcome> => {
    const settings = options.settings();
    // Looked at again: it may have waited, and what it is now is what would be run.
    const { programs: present } = await readProgramDirectory(settings.directory);
    const program = present.find((one) => one.name === name);
    if (program === undefined) return { ok: false, why: 'it is no longer there' };
    return await runProgram({
      path: program.path,
      environment: environmentOf(alert),
      input: jsonOf(alert),
      timeoutMs: settings.timeoutMs,
      killDelayMs,
      signal: end.signal,
    });
  };

  const post = async (alert: Alert): Promise<AlertOutcome> => {
    const settings = options.settings();
    if (settings.webhook === null) return { ok: true };
    return await postWebhook(
      {
        ...settings.webhook,
        timeoutMs: settings.timeoutMs,
        retryDelaysMs: options.retryDelaysMs ?? defaultRetryDelaysMs,
        clock,
        signal: end.signal,
      },
      jsonOf(alert),
    );
  };

  return {
    complain,
    send(recipient, alert) {
      const queue = recipient.kind === 'webhook' ? posts : programs;
      const taken = queue.push(nameOf(recipient), async () => {
        try {
          await deliver(recipient, alert);
        } catch (error) {
          log.error({ err: error }, 'a defect in the alerts; recovery is not concerned');
        }
      });
      if (!taken)
        complain(
          nameOf(recipient),
          `${titleOf(recipient)} failed: ${mostWaiting} alerts are waiting already, and this one is dropped.`,
          alert.incident?.id,
        );
    },
    async close() {
      let cancel = (): void => undefined;
      const patience = new Promise<void>((resolve) => {
        cancel = clock.after(drainMs, resolve);
      });
      await Promise.race([Promise.all([programs.idle(), posts.idle()]), patience]);
      cancel();
      programs.clear();
      posts.clear();
      end.abort();
      await Promise.all([programs.idle(), posts.idle()]);
    },
  };
}

function nameOf(recipient: Recipient): string {
  return recipient.kind === 'webhook' ? 'webhook' : `program ${recipient.name}`;
}

function titleOf(recipient: Recipient): string {
  return recipient.kind === 'webhook' ? 'The alert webhook' : `The alert program [${recipient.name}]`;
}

function failureEvent(text: string, about: string, incident: string | null, nowMs: number): SupervisorEvent {
  return {
    atMs: nowMs,
    kind: 'alert-failed',
    severity: 'warning',
    deployable: null,
    assembly: null,
    resource: null,
    incident,
    text,
    facts: { about },
  };
}
