/**
 * How a state looks and reads: a word, a tone for its colour, and a shape, so that no state is told by colour
 * alone. Pure tables.
 */
import type { AssemblyStateName, DeployableStateName, ResourceStateName } from '../model/cped-api.ts';
import type { Incident } from '../model/event.ts';
import { h } from './node.ts';
import type { ViewNode } from './node.ts';

/** `busy`: something is being done about it; `held`: under maintenance, hands off. */
export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'off' | 'held';

export type Look = { readonly word: string; readonly tone: Tone };

const assemblyLooks: Readonly<Record<AssemblyStateName, Look>> = {
  stopped: { word: 'stopped', tone: 'off' },
  starting: { word: 'starting', tone: 'busy' },
  booting: { word: 'booting', tone: 'busy' },
  online: { word: 'online', tone: 'ok' },
  suspect: { word: 'suspect', tone: 'warn' },
  fencing: { word: 'fencing', tone: 'busy' },
  waiting: { word: 'waiting', tone: 'warn' },
  stopping: { word: 'stopping', tone: 'busy' },
  blocked: { word: 'blocked', tone: 'bad' },
  failed: { word: 'failed', tone: 'bad' },
};

const resourceLooks: Readonly<Record<ResourceStateName, Look>> = {
  stopped: { word: 'stopped', tone: 'off' },
  probing: { word: 'probing', tone: 'busy' },
  starting: { word: 'starting', tone: 'busy' },
  active: { word: 'active', tone: 'ok' },
  recovering: { word: 'recovering', tone: 'busy' },
  waiting: { word: 'waiting', tone: 'warn' },
  stopping: { word: 'stopping', tone: 'busy' },
  unrecoverable: { word: 'given up', tone: 'bad' },
  unmonitored: { word: 'not watched', tone: 'off' },
  failed: { word: 'failed', tone: 'bad' },
};

const deployableLooks: Readonly<Record<DeployableStateName, Look>> = {
  stopped: { word: 'stopped', tone: 'off' },
  starting: { word: 'starting', tone: 'busy' },
  active: { word: 'active', tone: 'ok' },
  recovering: { word: 'recovering', tone: 'busy' },
  stopping: { word: 'stopping', tone: 'busy' },
  blocked: { word: 'blocked', tone: 'bad' },
  degraded: { word: 'degraded', tone: 'warn' },
};

const outcomeLooks: Readonly<Record<Incident['outcome'], Look>> = {
  open: { word: 'open', tone: 'busy' },
  recovered: { word: 'recovered', tone: 'ok' },
  escalated: { word: 'escalated', tone: 'warn' },
  blocked: { word: 'blocked', tone: 'bad' },
  stopped: { word: 'stopped', tone: 'off' },
  maintenance: { word: 'in maintenance', tone: 'held' },
};

export const buildLooks: Readonly<Record<string, Look>> = {
  waiting: { word: 'waiting', tone: 'off' },
  active: { word: 'building', tone: 'busy' },
  built: { word: 'built', tone: 'ok' },
  failed: { word: 'failed', tone: 'bad' },
  cancelled: { word: 'cancelled', tone: 'off' },
};

export function assemblyLook(state: AssemblyStateName): Look {
  return assemblyLooks[state];
}
export function resourceLook(state: ResourceStateName): Look {
  return resourceLooks[state];
}
export function deployableLook(state: DeployableStateName): Look {
  return deployableLooks[state];
}
export function outcomeLook(outcome: Incident['outcome']): Look {
  return outcomeLooks[outcome];
}

/** Of several looks, the one that a person should see first. */
export function worstTone(tones: readonly Tone[]): Tone {
  const order: readonly Tone[] = ['bad', 'warn', 'busy', 'held', 'ok', 'off'];
  return order.find((tone) => tones.includes(tone)) ?? 'off';
}

/** Paths in a box of 16 by 16, each of its own outline. */
const shapes: Readonly<Record<Tone, readonly string[]>> = {
  ok: ['M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z', 'M4.9 8.3l2.1 2.1l4.1-4.6'],
  busy: ['M8 1.8a6.2 6.2 0 1 1-6.2 6.2', 'M8 4.6v3.6l2.5 1.5'],
  warn: ['M8 1.8L15 14.2H1z', 'M8 6.3v3.6', 'M8 11.9v.3'],
  bad: ['M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3z', 'M5.6 5.6l4.8 4.8', 'M10.4 5.6l-4.8 4.8'],
  off: ['M8 2.2a5.8 5.8 0 1 0 0 11.6a5.8 5.8 0 0 0 0-11.6z', 'M5 8h6'],
  held: ['M2 2h12v12H2z', 'M6.2 5v6', 'M9.8 5v6'],
};

/** The shape of a tone, for the eye; what is read aloud is the word beside it. */
export function icon(tone: Tone): ViewNode {
  return h(
    'svg',
    { class: `icon tone-${tone}`, viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
    shapes[tone].map((d) => h('path', { d })),
  );
}

/** Shape and word as one mark. */
export function pill({ word, tone }: Look, extra = ''): ViewNode {
  return h('span', { class: `pill tone-${tone} ${extra}`.trim(), 'data-tone': tone }, icon(tone), word);
}
