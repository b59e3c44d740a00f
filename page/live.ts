/**
 * The event stream, kept up: after a break it is opened again where it was left, so that no event is missed. What
 * an event means is the caller's.
 */
import type { JournalEvent } from '../model/event.ts';
import type { LogEvent } from '../model/build-record.ts';
import { nextLink, retryDelayMs } from './link-state.ts';
import type { LinkState } from './link-state.ts';

export type Live = { close(): void };

export type LiveOptions = {
  /** The first event that is wanted is the one after this. */
  readonly after: number;
  readonly onEvent: (event: JournalEvent) => void;
  readonly onState: (state: LinkState) => void;
  readonly nowMs: () => number;
};

export function openLive({ after, onEvent, onState, nowMs }: LiveOptions): Live {
  let seen = after;
  let state: LinkState = { kind: 'connecting' };
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const connect = (): void => {
    const mine = new EventSource(`/v1/events?after=${seen}`);
    source = mine;
    mine.addEventListener('open', () => {
      state = nextLink(state, { kind: 'opened' });
      onState(state);
    });
    mine.addEventListener('message', ({ data }: MessageEvent<string>) => {
      const event = JSON.parse(data) as JournalEvent;
      seen = Math.max(seen, event.seq);
      onEvent(event);
    });
    // The browser would try again by itself after some errors and give up after others: we always do, by our own clock.
    mine.addEventListener('error', () => {
      mine.close();
      if (closed || source !== mine) return;
      state = nextLink(state, { kind: 'broke', atMs: nowMs() });
      onState(state);
      timer = setTimeout(connect, retryDelayMs(state));
    });
  };
  connect();
  return {
    close() {
      closed = true;
      source?.close();
      clearTimeout(timer);
    },
  };
}

export type LogOptions = {
  readonly digest: string;
  readonly onEvent: (event: LogEvent) => void;
  /** The stream could not be had, or broke; the browser tries again from where it was, unless it is over. */
  readonly onBreak: () => void;
};

/** Follows a build's log until it ends. */
export function openLog({ digest, onEvent, onBreak }: LogOptions): Live {
  const source = new EventSource(`/builder/v1/builds/${encodeURIComponent(digest)}/log?follow=1`);
  source.addEventListener('message', ({ data }: MessageEvent<string>) => {
    const event = JSON.parse(data) as LogEvent;
    if (event.kind === 'end') source.close();
    onEvent(event);
  });
  source.addEventListener('error', () => onBreak());
  return { close: () => source.close() };
}
