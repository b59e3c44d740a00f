/** What the links tell, kept, with a way to wait for a piece of it. */
import assert from 'node:assert/strict';
import type { GuestMessage } from '../../../model/guest-protocol.ts';
import type { GuestLinkEvent, GuestLinks } from '../../../runtime/ports.ts';

type Kind = GuestMessage['kind'];
type Of<K extends Kind> = Extract<GuestMessage, { kind: K }>;

export function hear(links: GuestLinks) {
  const events: { readonly atMs: number; readonly event: GuestLinkEvent }[] = [];
  const waiting = new Set<() => void>();
  links.listen((event) => {
    events.push({ atMs: Date.now(), event });
    for (const look of waiting) look();
  });
  /** The first event from number `from` on that fits; fails after 20 s. */
  const until = async <T>(
    what: string,
    pick: (event: GuestLinkEvent) => T | undefined,
    from = 0,
  ): Promise<T> =>
    await new Promise<T>((resolve, reject) => {
      const look = (): void => {
        for (const { event } of events.slice(from)) {
          const found = pick(event);
          if (found === undefined) continue;
          waiting.delete(look);
          clearTimeout(timer);
          return resolve(found);
        }
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(new assert.AssertionError({ message: `no ${what} in ${JSON.stringify(events.slice(-20))}` }));
      }, 20_000);
      waiting.add(look);
      look();
    });
  return {
    events,
    until,
    link: async (state: 'up' | 'down', from = 0): Promise<string> =>
      await until(
        `link ${state}`,
        (event) => (event.kind === 'link' && event.state === state ? event.reason : undefined),
        from,
      ),
    message: async <K extends Kind>(
      kind: K,
      fits: (message: Of<K>) => boolean = () => true,
      from = 0,
    ): Promise<Of<K>> =>
      await until(
        kind,
        (event) => {
          if (event.kind !== 'message' || event.message.kind !== kind) return undefined;
          const message = event.message as Of<K>;
          return fits(message) ? message : undefined;
        },
        from,
      ),
  };
}
