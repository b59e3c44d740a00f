/**
 * Brings alerts to programs and the webhook: a few at once, in order for each of them, with limits on time and
 * on what waits. A failure is a line in the log and, not too often, an event in the journal.
 */
import type { WebhookAlert } from '../../model/deployable-alert.ts';
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
import { addressOf } from './own-webhook.ts';
import type { AlertDefinitions } from './own-webhook.ts';
import { defaultRetryDelaysMs, postWebhook, readTokenFile } from './webhook.ts';
import type { WebhookOptions } from './webhook.ts';
import { createWorkQueue } from './work-queue.ts';

export type Recipient =
  | { readonly kind: 'program'; readonly name: string }
  /** Of the whole service. */
  | { readonly kind: 'webhook' }
  | { readonly kind: 'own-webhook'; readonly deployable: string; readonly alert: WebhookAlert };

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
/** Deployables' own webhooks, of which some may hang, and what waits for each of those. */
const ownPostsAtOnce = 8;
const mostWaitingOfOne = 20;
const killDelayMs = 2000;
/** So often a failure of the same recipient is an event. */
const failureEveryMs = 600_000;
/** What is under way when the service ends has this long. */
const drainMs = 3000;

export type Delivery = {
  /** Returns at once. */
  send(recipient: Recipient, alert: Alert): void;
  /** Tells of a problem with the alerts themselves; rate limited by `about`. */
  complain(about: string, text: string, concerned?: Concerned): void;
  /** Gives what is under way a moment, then ends it. */
  close(): Promise<void>;
};

export type DeliveryOptions = {
  /** As they are when an alert is brought. */
  readonly settings: () => AlertSettings;
  readonly definitions: AlertDefinitions;
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
  const ownPosts = createWorkQueue({
    atOnce: ownPostsAtOnce,
    waiting: mostWaiting,
    waitingOfOne: mostWaitingOfOne,
  });
  const queues = [programs, posts, ownPosts];
  const limit = createFailureLimit(failureEveryMs);
  const end = new AbortController();

  const complain = (
    about: string,
    text: string,
    { incident = null, deployable = null }: Concerned = {},
  ): void => {
    log.warn({ about, incident }, text);
    const told = limit.note(about, clock.monotonicMs());
    if (told === null) return;
    const more = told.keptBack === 0 ? '' : ` So did ${told.keptBack} before it.`;
    try {
      options.append([failureEvent(`${text}${more}`, about, { incident, deployable }, clock.wallMs())]);
    } catch (error) {
      // A journal that cannot be written is the supervisor's business; the log has it.
      if (!(error instanceof PcloudError)) throw error;
      log.error({ err: error }, 'an alert that failed is not in the journal');
    }
  };

  const deliver = async (recipient: Recipient, alert: Alert): Promise<void> => {
    const outcome = await bring(recipient, alert);
    if (!outcome.ok)
      complain(
        nameOf(recipient),
        `${titleOf(recipient)} failed: ${outcome.why}.`,
        concerned(recipient, alert),
      );
  };

  const bring = async (recipient: Recipient, alert: Alert): Promise<AlertOutcome> => {
    switch (recipient.kind) {
      case 'program':
        return await run(recipient.name, alert);
      case 'webhook': {
        const { webhook } = options.settings();
        if (webhook === null) return { ok: true };
        return await post(webhook.url, async () => await readTokenFile(webhook.tokenFile), alert);
      }
      case 'own-webhook': {
        const to = addressOf(options.definitions, recipient.deployable, recipient.alert);
        if (to.kind === 'gone') return { ok: true };
        if (to.kind === 'wrong') return { ok: false, why: to.why };
        return await post(to.url, () => ({ token: to.token }), alert);
      }
    }
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

  const post = async (url: string, token: WebhookOptions['token'], alert: Alert): Promise<AlertOutcome> =>
    await postWebhook(
      {
        url,
        token,
        timeoutMs: options.settings().timeoutMs,
        retryDelaysMs: options.retryDelaysMs ?? defaultRetryDelaysMs,
        clock,
        signal: end.signal,
      },
      jsonOf(alert),
    );

  return {
    complain,
    send(recipient, alert) {
      const queue = { program: programs, webhook: posts, 'own-webhook': ownPosts }[recipient.kind];
      const taken = queue.push(keyOf(recipient), async () => {
        try {
          await deliver(recipient, alert);
        } catch (error) {
          log.error({ err: error }, 'a defect in the alerts; recovery is not concerned');
        }
      });
      if (!taken)
        complain(
          nameOf(recipient),
          `${titleOf(recipient)} failed: ${recipient.kind === 'own-webhook' ? mostWaitingOfOne : mostWaiting} alerts are waiting already, and this one is dropped.`,
          concerned(recipient, alert),
        );
    },
    async close() {
      let cancel = (): void => undefined;
      const patience = new Promise<void>((resolve) => {
        cancel = clock.after(drainMs, resolve);
      });
      const idle = async (): Promise<void> => {
        await Promise.all(queues.map((queue) => queue.idle()));
      };
      await Promise.race([idle(), patience]);
      cancel();
      for (const queue of queues) queue.clear();
      end.abort();
      await idle();
    },
  };
}

/** What tells recipients apart; of addresses it is never shown. */
export function keyOf(recipient: Recipient): string {
  if (recipient.kind !== 'own-webhook') return nameOf(recipient);
  const { deployable, alert } = recipient;
  return `${nameOf(recipient)} ${JSON.stringify([deployable, alert.webhook, alert.token ?? null])}`;
}

function nameOf(recipient: Recipient): string {
  switch (recipient.kind) {
    case 'program':
      return `program ${recipient.name}`;
    case 'webhook':
      return 'webhook';
    case 'own-webhook':
      return `webhook of ${recipient.deployable}`;
  }
}

function titleOf(recipient: Recipient): string {
  switch (recipient.kind) {
    case 'program':
      return `The alert program [${recipient.name}]`;
    case 'webhook':
      return 'The alert webhook';
    case 'own-webhook':
      return `The alert webhook of deployable [${recipient.deployable}]`;
  }
}

type Concerned = { readonly incident?: string | null; readonly deployable?: string | null };

function concerned(recipient: Recipient, alert: Alert): Concerned {
  return {
    incident: alert.incident?.id ?? null,
    deployable: recipient.kind === 'own-webhook' ? recipient.deployable : null,
  };
}

function failureEvent(
  text: string,
  about: string,
  { incident = null, deployable = null }: Concerned,
  nowMs: number,
): SupervisorEvent {
  return {
    atMs: nowMs,
    kind: 'alert-failed',
    severity: 'warning',
    deployable,
    assembly: null,
    resource: null,
    incident,
    text,
    facts: { about },
  };
}
