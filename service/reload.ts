/**
 * Reloading the configuration of a running service: on SIGHUP, one after another, with systemd told of its
 * beginning and its end (sd_notify(3), RELOADING=1). What there is to reload is each service's `reload.ts`; a
 * configuration that cannot be used leaves the one of before in force.
 */
import { PcloudError } from '../model/errors.ts';
import type { Logger } from './logger.ts';
import type { Notifier } from './sd-notify.ts';
import type { Change } from './settings.ts';

export type Reloaded = Change & {
  /** What was read again beside the settings and is wrong; it harms nobody else. */
  readonly problems: readonly string[];
};

export type ReloadOptions = {
  readonly notifier: Pick<Notifier, 'reloading' | 'ready'>;
  readonly log: Logger;
  /** @throws PcloudError when the configuration cannot be used; nothing has changed then. */
  readonly reload: () => Promise<Reloaded>;
  /** CLOCK_MONOTONIC. */
  readonly monotonicUs: () => bigint;
  /** Anything else that is thrown. */
  readonly onDefect: (error: unknown) => void;
};

/** A reload to call for; a call during one asks for another after it. */
export function createReloader(options: ReloadOptions): () => void {
  let running = false;
  let wanted = false;
  const run = async (): Promise<void> => {
    running = true;
    while (wanted) {
      wanted = false;
      await once(options);
    }
    running = false;
  };
  return () => {
    wanted = true;
    if (!running) run().catch(options.onDefect);
  };
}

async function once({ notifier, log, reload, monotonicUs }: ReloadOptions): Promise<void> {
  notifier.reloading(monotonicUs());
  log.info('reading the configuration again');
  try {
    const reloaded = await reload();
    for (const problem of reloaded.problems) log.warn(problem);
    if (reloaded.waiting.length > 0)
      log.warn({ waiting: reloaded.waiting }, 'settings have changed that hold from the next restart on');
    const text = reloadedText(reloaded);
    log.info({ applied: reloaded.applied }, text);
    notifier.ready(text);
  } catch (error) {
    if (!(error instanceof PcloudError)) throw error;
    const { code, hint, facts } = error;
    log.error({ code, hint, facts }, `${refused} ${error.message}`);
    notifier.ready(`${refused} ${error.message}`);
  }
}

const refused = 'Nothing was reloaded, what held before holds:';

/** Pure: a reload in one line, for the log and for `systemctl status`. Names only: values may be secrets. */
export function reloadedText({ applied, waiting, problems }: Reloaded): string {
  return [
    applied.length === 0 ? 'Reloaded, no setting has changed' : `Reloaded: ${applied.join(', ')}`,
    ...(waiting.length === 0 ? [] : [`from the next restart on: ${waiting.join(', ')}`]),
    ...(problems.length === 0 ? [] : [problems.join(' ')]),
  ].join('; ');
}
