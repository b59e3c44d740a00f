/**
 * Tells people of incidents: listens to the memory, decides by the rules whom to tell, sums up bursts for each
 * of them, and hands the alerts to their delivery. Nothing waits for it: a listener only notes down.
 */
import type { Incident, JournalEvent } from '../../model/event.ts';
import type { Logger } from '../../service/logger.ts';
import type { SqliteMemory } from '../adapters/sqlite-memory.ts';
import type { Clock } from '../ports.ts';
import { alertOf } from './alert.ts';
import { createBursts } from './bursts.ts';
import type { Bursts } from './bursts.ts';
import { createDelivery, keyOf } from './delivery.ts';
import type { AlertSettings, Recipient } from './delivery.ts';
import { createIncidentWatch } from './incident-watch.ts';
import { noticeOfEvent } from './notice.ts';
import type { Notice } from './notice.ts';
import { readProgramDirectory } from './programs.ts';
import { createRulesReader } from './rules-file.ts';
import type { RulesReader } from './rules-file.ts';
import type { AlertDefinitions } from './own-webhook.ts';
import { recipientsAmong, recipientsOf } from './rules.ts';

export type { AlertSettings } from './delivery.ts';

export type TellingOptions = {
  readonly settings: AlertSettings;
  readonly memory: Pick<SqliteMemory, 'append' | 'subscribe' | 'subscribeIncidents' | 'openIncidentIds'>;
  /** Deployables' own alerts. */
  readonly definitions: AlertDefinitions;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between attempts at the webhook; tests shorten it. */
  readonly retryDelaysMs?: readonly number[];
};

export type Teller = {
  /** Goes by other settings from the next alert on, and says what is wrong with the programs. */
  reconfigure(settings: AlertSettings): void;
  /** Tells what is left, gives it a few seconds, and ends. */
  close(): Promise<void>;
};

/** From the first save of an incident to its telling: its first action and a quick end are then in it. */
const settleMs = 200;

type Burst = { readonly recipient: Recipient; readonly bursts: Bursts };

/** Begins to listen; what is wrong with programs or rules is told at once. */
export function startTelling(options: TellingOptions): Teller {
  const { memory, clock, log } = options;
  let { settings } = options;
  const delivery = createDelivery({
    ...options,
    settings: () => settings,
    append: (events) => memory.append(events),
  });
  const watch = createIncidentWatch(memory.openIncidentIds());
  const readerOf = (file: string): RulesReader =>
    createRulesReader(file, (error) => delivery.complain('rules', error.message));
  let rules = readerOf(settings.rulesFile);
  const byRecipient = new Map<string, Burst>();
  const saved = new Map<string, Incident>();
  const events: JournalEvent[] = [];
  const skippedBefore = new Set<string>();
  let cancelSettle: (() => void) | null = null;
  let cancelDue: (() => void) | null = null;
  let chain: Promise<void> = Promise.resolve();

  /** One after another, in the order of what happened. */
  const enqueue = (work: () => Promise<void> | void): void => {
    chain = chain.then(work).catch((error: unknown) => {
      log.error({ err: error }, 'a defect in the alerts; recovery is not concerned');
    });
  };

  const settle = (): void => {
    cancelSettle ??= clock.after(settleMs, () => {
      cancelSettle = null;
      enqueue(flush);
    });
  };

  const flush = async (): Promise<void> => {
    const notices = [
      ...watch.changed(saved.values()),
      ...events.flatMap((event) => noticeOfEvent(event) ?? []),
    ];
    saved.clear();
    events.length = 0;
    if (notices.length === 0) return;
    const held = await rules.current();
    const present = await presentPrograms();
    for (const notice of notices) {
      const { programs, webhook } = recipientsOf(held, notice);
      const own = ownOf(notice);
      const names = programs === 'all' ? present : programs === 'none' ? [] : programs;
      // Named twice, it is told once.
      for (const name of new Set([...names, ...own.programs])) {
        if (present.includes(name)) note({ kind: 'program', name }, notice);
        else complainOf(name, names.includes(name) ? null : notice.deployable);
      }
      if (webhook && settings.webhook !== null) note({ kind: 'webhook' }, notice);
      const toldKeys = new Set<string>();
      for (const alert of own.webhooks) {
        const recipient = { kind: 'own-webhook', deployable: notice.deployable ?? '', alert } as const;
        if (toldKeys.has(keyOf(recipient))) continue;
        toldKeys.add(keyOf(recipient));
        note(recipient, notice);
      }
    }
    scheduleTick();
  };

  /** A database that cannot be read keeps nobody else from being told. */
  const ownOf = (notice: Notice): ReturnType<typeof recipientsAmong> => {
    try {
      return recipientsAmong(
        notice.deployable === null ? [] : options.definitions.deployableAlerts(notice.deployable),
        notice,
      );
    } catch (error) {
      log.error({ err: error, deployable: notice.deployable }, 'alerts of a deployable cannot be read');
      return { programs: [], webhooks: [] };
    }
  };

  const complainOf = (name: string, deployable: string | null): void =>
    delivery.complain(
      deployable === null ? `rule ${name}` : `rule ${name} of ${deployable}`,
      missingProgram(name, settings.directory, deployable),
      { deployable },
    );

  const note = (recipient: Recipient, notice: Notice): void => {
    const key = keyOf(recipient);
    const { bursts } = byRecipient.get(key) ?? remember(key, recipient);
    for (const telling of bursts.note(notice, clock.monotonicMs()))
      delivery.send(recipient, alertOf(telling));
  };

  const remember = (key: string, recipient: Recipient): Burst => {
    // Of deployables that come and go; those that have something to sum up stay.
    if (byRecipient.size >= mostRecipients)
      for (const [known, { bursts }] of byRecipient) if (bursts.dueMs() === null) byRecipient.delete(known);
    const burst = { recipient, bursts: createBursts() };
    byRecipient.set(key, burst);
    return burst;
  };

  const tick = (nowMs: number): void => {
    for (const { recipient, bursts } of byRecipient.values())
      for (const telling of bursts.tick(nowMs)) delivery.send(recipient, alertOf(telling));
  };

  const scheduleTick = (): void => {
    cancelDue?.();
    cancelDue = null;
    const due = [...byRecipient.values()].flatMap(({ bursts }) => bursts.dueMs() ?? []);
    if (due.length === 0) return;
    cancelDue = clock.after(Math.max(0, Math.min(...due) - clock.monotonicMs()), () => {
      enqueue(() => {
        tick(clock.monotonicMs());
        scheduleTick();
      });
    });
  };

  const presentPrograms = async (): Promise<readonly string[]> => {
    const { programs, skipped } = await readProgramDirectory(settings.directory);
    for (const { name, why } of skipped) {
      const said = `${name}: ${why}`;
      if (skippedBefore.has(said)) continue;
      if (skippedBefore.size < mostSaid) skippedBefore.add(said);
      delivery.complain(`skipped ${name}`, `The alert program [${name}] is not run: ${why}.`);
    }
    return programs.map(({ name }) => name);
  };

  const stopListening = [
    memory.subscribeIncidents((incident) => {
      saved.set(incident.id, incident);
      settle();
    }),
    memory.subscribe((appended) => {
      events.push(...appended.filter((event) => noticeOfEvent(event) !== undefined));
      if (events.length > 0) settle();
    }),
  ];
  const look = (): void =>
    enqueue(async () => {
      await rules.current();
      await presentPrograms();
    });
  look();

  return {
    reconfigure(wanted) {
      if (wanted.rulesFile !== settings.rulesFile) rules = readerOf(wanted.rulesFile);
      settings = wanted;
      look();
    },
    async close() {
      for (const stop of stopListening) stop();
      cancelSettle?.();
      enqueue(flush);
      enqueue(() => tick(Number.POSITIVE_INFINITY));
      await chain;
      cancelDue?.();
      await delivery.close();
    },
  };
}

/** Files that are skipped and their reasons; more are said again and again, by the log's and the journal's limit. */
const mostSaid = 2000;
const mostRecipients = 5000;

function missingProgram(name: string, directory: string, deployable: string | null): string {
  const whose = deployable === null ? '' : ` of deployable [${deployable}]`;
  return `A rule for alerts${whose} names the program [${name}], which is not in ${directory} or is not run.`;
}
