/**
 * Looks again and again whether a window of maintenance has begun. What beginning one means is
 * `definitions/windows.ts`; that it ends is the supervisor's, as of every maintenance.
 */
import type { Logger } from '../service/logger.ts';
import { beginWindows } from './definitions/windows.ts';
import type { WindowContext } from './definitions/windows.ts';
import type { Clock } from './ports.ts';

/** So late a window may begin. By asking again, and not by waiting for its time, no jump of the clock matters. */
const lookEveryMs = 1000;

export type WindowKeeper = { readonly close: () => void };

/** Looks at once: what is under way when the service starts is in force before anything is acted on. */
export function keepWindows(context: WindowContext, clock: Clock, log: Logger): WindowKeeper {
  let cancel = (): void => undefined;
  let closed = false;
  let failing = false;
  const look = (): void => {
    try {
      beginWindows(context);
      if (failing) log.info('windows of maintenance can be begun again');
      failing = false;
    } catch (error) {
      // The database cannot be written, most likely. Said once, and tried until it can.
      if (!failing)
        log.error({ err: error }, 'windows of maintenance cannot be begun; it is tried again every second');
      failing = true;
    }
    if (!closed) cancel = clock.after(lookEveryMs, look);
  };
  look();
  return {
    close() {
      closed = true;
      cancel();
    },
  };
}
