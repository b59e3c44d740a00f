/**
 * What went wrong, and what the operator wanted, as a recorded journal tells it: the causes without what the
 * supervisor did about them. An escalation, a restart, a fencing is a consequence; under another policy there
 * would have been others. Pure.
 */
import type { JournalEvent } from '../../model/event.ts';
import { statesTold } from '../../model/journal-states.ts';

export type Happening =
  | {
      readonly kind: 'resource-fails';
      readonly assembly: string;
      readonly resource: string;
      readonly hard: boolean;
    }
  | {
      readonly kind:
        'machine-dies' | 'machine-hangs' | 'agent-falls-silent' | 'machine-panics' | 'guest-reboots';
      readonly assembly: string;
    }
  | { readonly kind: 'start-fails'; readonly assembly: string; readonly words: string }
  | { readonly kind: 'disk-breaks' | 'disk-is-mended' | 'is-paused' | 'goes-on'; readonly assembly: string }
  | { readonly kind: 'libvirt-dies' | 'libvirt-is-back' | 'service-restarts' }
  | { readonly kind: 'service-stalls'; readonly durationMs: number }
  | { readonly kind: 'operator-starts' | 'operator-stops' | 'operator-recovers' };

export type TimedHappening = Happening & {
  /** Ms since the first event; never negative, in order. */
  readonly atMs: number;
};

/** `12.1 s` or `3 min 20 s`, as the supervisor writes durations. */
function durationIn(text: string, before: RegExp): number | null {
  const match = new RegExp(`(?:${before.source}) (?:(\\d+) min )?(\\d+(?:\\.\\d+)?) s`).exec(text);
  if (match === null) return null;
  return Number(match[1] ?? '0') * 60_000 + Number(match[2]) * 1000;
}

/** What happened to one deployable and to the host under it, in the order of time. */
export function happeningsOf(events: readonly JournalEvent[], deployable: string): readonly TimedHappening[] {
  const first = events[0]?.atMs ?? 0;
  const found: TimedHappening[] = [];
  const own = events.filter((event) => event.deployable === null || event.deployable === deployable);
  const reader = createReader();
  for (const [index, event] of own.entries()) {
    const happening = reader(event, index);
    if (happening === null) continue;
    // What is noticed late began earlier: silence counts from the last word.
    const earlierMs = durationIn(event.text, /no word from its agent for|itself stood still for/) ?? 0;
    found.push({ ...happening, atMs: Math.max(0, event.atMs - earlierMs - first) });
  }
  return found.sort((a, b) => a.atMs - b.atMs);
}

/** Reads one event after the other; what some mean depends on what was told before. */
function createReader(): (event: JournalEvent, index: number) => Happening | null {
  let isUp = false;
  let isBlocked = false;
  let wasStarted = false;
  return (event, index) => {
    const { kind } = event;
    if (kind === 'service-started') {
      const again = wasStarted || index > 0;
      wasStarted = true;
      return again ? { kind: 'service-restarts' } : null;
    }
    if (kind === 'service-stalled')
      return { kind: 'service-stalls', durationMs: durationIn(event.text, /itself stood still for/) ?? 2000 };
    if (kind === 'hypervisor-lost') return { kind: 'libvirt-dies' };
    if (kind === 'hypervisor-back') return { kind: 'libvirt-is-back' };
    if (!kind.startsWith('deployable-'))
      return event.resource === null ? ofAssembly(event) : ofResource(event);
    if (kind === 'deployable-stopping' || kind === 'deployable-stopped') {
      const stops = isUp;
      isUp = false;
      isBlocked = false;
      return stops ? { kind: 'operator-stops' } : null;
    }
    // A journal may begin in the middle of a run.
    const starts = !isUp;
    const recovers = isBlocked && kind !== 'deployable-blocked';
    isUp = true;
    isBlocked = kind === 'deployable-blocked';
    if (starts) return { kind: 'operator-starts' };
    return recovers ? { kind: 'operator-recovers' } : null;
  };
}

function ofResource({ kind, assembly, resource, text }: JournalEvent): Happening | null {
  if (assembly === null || resource === null) return null;
  if (kind === 'resource-failed') return { kind: 'resource-fails', assembly, resource, hard: false };
  const isOwn = kind === 'resource-unrecoverable' && text.includes('(OCF code ');
  return isOwn ? { kind: 'resource-fails', assembly, resource, hard: true } : null;
}

function ofAssembly({ kind, assembly, text }: JournalEvent): Happening | null {
  if (assembly === null) return null;
  if (kind === 'assembly-failed') return failureOf(assembly, text);
  if (kind === 'assembly-rebooted') return { kind: 'guest-reboots', assembly };
  if (kind === 'assembly-stalled') return { kind: 'disk-breaks', assembly };
  if (kind === 'assembly-resumed') return { kind: 'disk-is-mended', assembly };
  if (kind === 'assembly-suspect' && / is paused \(/.test(text)) return { kind: 'is-paused', assembly };
  if (kind === 'assembly-active' && text.includes('is not paused any more'))
    return { kind: 'goes-on', assembly };
  if (kind === 'assembly-blocked' && text.includes('it cannot be started:'))
    return { kind: 'start-fails', assembly, words: text };
  return null;
}

function failureOf(assembly: string, text: string): Happening | null {
  const [, cause = text] = /\bis FAILED: (.*)$/s.exec(text) ?? [];
  // The rung below has handed it up: its own failures are in the journal.
  if (cause.startsWith('the resource [')) return null;
  if (cause.startsWith('its virtual machine could not be started'))
    return { kind: 'start-fails', assembly, words: cause };
  if (cause.startsWith('its virtual machine hangs')) return { kind: 'machine-hangs', assembly };
  if (cause.startsWith('its agent is lost')) return { kind: 'agent-falls-silent', assembly };
  if (cause.startsWith('its guest rebooted')) return { kind: 'guest-reboots', assembly };
  if (/crashed|stands still/.test(cause)) return { kind: 'machine-panics', assembly };
  return { kind: 'machine-dies', assembly };
}

/** Whether a journal tells anything of a deployable, for a message that says so. */
export function deployablesIn(events: readonly JournalEvent[]): readonly string[] {
  return [...statesTold(events).deployables.keys()];
}
