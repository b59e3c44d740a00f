/**
 * Since when there was a sign of a failure: the last word of a guest, the end of its link, the first of several checks
 * that went badly. By it, and by when the verdict came, is known how long detecting took. It only listens in.
 */
import type { Incident } from '../../model/event.ts';
import type { Checks, GuestLinks } from '../ports.ts';

/** A sign older than this is of another story. */
const oldestMs = 120_000;

type Signs = { lastWordMs?: number; linkDownMs?: number | undefined; badCheckMs?: number | undefined };

export type LinkEnd = 'flooded' | 'refused' | 'restarted' | 'closed';

export type FirstSigns = {
  watchLinks(links: GuestLinks): GuestLinks;
  watchChecks<T extends Checks>(checks: T): T;
  /** How long the failure was to be seen before the incident was written, which is now. */
  detectMs(incident: Pick<Incident, 'assembly' | 'rung' | 'verdict'>): number;
  /** Links that are kept open, by whether they are up. */
  links(): { readonly up: number; readonly down: number };
};

export function createFirstSigns(monotonicMs: () => number, onLinkEnd: (end: LinkEnd) => void): FirstSigns {
  /** Of assemblies with a link; it goes with the link. */
  const signs = new Map<string, Signs>();
  const up = new Set<string>();
  const of = (assembly: string): Signs => {
    const known = signs.get(assembly) ?? {};
    signs.set(assembly, known);
    return known;
  };
  return {
    watchLinks: (links) => ({
      ...links,
      listen(listener) {
        links.listen((event) => {
          const { assembly } = event;
          if (event.kind === 'message') of(assembly).lastWordMs = monotonicMs();
          else if (event.state === 'up') {
            up.add(assembly);
            of(assembly).linkDownMs = undefined;
          } else {
            if (up.delete(assembly)) onLinkEnd(endOf(event.reason));
            of(assembly).linkDownMs ??= monotonicMs();
          }
          listener(event);
        });
      },
      open(assembly, socketPath) {
        of(assembly);
        links.open(assembly, socketPath);
      },
      close(assembly) {
        up.delete(assembly);
        signs.delete(assembly);
        links.close(assembly);
      },
    }),
    watchChecks: (checks) => ({
      ...checks,
      async run(assembly, probe, timeoutMs) {
        const startedMs = monotonicMs();
        const result = await checks.run(assembly, probe, timeoutMs);
        const known = signs.get(assembly);
        if (known !== undefined && result.verdict === 'bad') known.badCheckMs ??= startedMs;
        if (known !== undefined && result.verdict === 'well') known.badCheckMs = undefined;
        return result;
      },
    }),
    detectMs({ assembly, rung, verdict }) {
      const known = signs.get(assembly);
      const sinceMs = known === undefined ? undefined : firstSign(known, rung, verdict);
      const ms = sinceMs === undefined ? 0 : monotonicMs() - sinceMs;
      return ms >= 0 && ms <= oldestMs ? ms : 0;
    },
    links: () => ({ up: up.size, down: signs.size - up.size }),
  };
}

function firstSign(
  { lastWordMs, linkDownMs, badCheckMs }: Signs,
  rung: Incident['rung'],
  verdict: string | null,
): number | undefined {
  // What libvirt tells of a machine comes after the end of its link, where that was seen.
  if (rung === 'assembly') return verdict === 'hung' || verdict === 'agent-lost' ? lastWordMs : linkDownMs;
  if (rung === 'deployable') return undefined;
  // A guest's word of a death is the sign itself; then it is our own time that is measured.
  return verdict === 'check' ? badCheckMs : lastWordMs;
}

/** By the words of `model/guest-link-talk.ts`. */
function endOf(reason: string): LinkEnd {
  if (/floods the link|does not read/.test(reason)) return 'flooded';
  if (/lost its link/.test(reason)) return 'refused';
  return /started anew/.test(reason) ? 'restarted' : 'closed';
}
