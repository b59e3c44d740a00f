/**
 * What an operator may do from the page: which of it makes sense now, why not where it does not, what is asked
 * before, and which request it is. Pure.
 */
import { countText, durationText, parseDuration } from './format.ts';
import { deployableOf } from './state.ts';
import type { Session, State } from './state.ts';

export type ActionName = 'start' | 'stop' | 'recover' | 'reload' | 'maintain' | 'clear';

/** On a deployable, or with maintenance also on `assembly:A` and `resource:A/R`. */
export type ActionRequest = { readonly action: ActionName; readonly target: string };

export type Offer = {
  readonly action: ActionName;
  readonly label: string;
  /** Why it cannot be done now, for people; null when it can. */
  readonly refusal: string | null;
  readonly danger: boolean;
};

export type Question = {
  readonly title: string;
  readonly text: string;
  readonly confirm: string;
  readonly danger: boolean;
  /** Asks for a duration, with this one filled in. */
  readonly duration: string | null;
};

export type Call = { readonly path: string; readonly body: unknown; readonly done: string };

const labels: Readonly<Record<ActionName, string>> = {
  start: 'Start',
  stop: 'Stop',
  recover: 'Recover',
  reload: 'Reload',
  maintain: 'Maintenance…',
  clear: 'End maintenance',
};

/** Why nobody here may do anything; null for an operator. */
export function roleRefusal(session: Session): string | null {
  if (session.kind === 'known')
    return session.role === 'operate' ? null : 'You are logged in to look only; this needs the role operate.';
  return 'Log in first.';
}

/** The buttons of a deployable, in order. Those that make no sense in its state are left out. */
export function offersOf(state: State, name: string): readonly Offer[] {
  const deployable = deployableOf(state, name);
  if (deployable === undefined) return [];
  const refusal = roleRefusal(state.session) ?? notLive(state);
  const offer = (action: ActionName, own: string | null = null, danger = false): Offer => ({
    action,
    label: labels[action],
    refusal: refusal ?? own,
    danger,
  });
  const isUp = deployable.intent === 'up';
  const empty = deployable.assemblies.length === 0 ? 'It has no machines yet.' : null;
  return [
    ...(needsRecovery(state, name) ? [offer('recover')] : []),
    ...(isUp ? [offer('stop', null, true)] : [offer('start', empty)]),
    deployable.maintenance === null ? offer('maintain') : offer('clear'),
  ];
}

/** The buttons of a machine or a resource: maintenance. `target` as `assembly:A` or `resource:A/R`. */
export function maintenanceOffer(state: State, maintained: boolean): Offer {
  return {
    action: maintained ? 'clear' : 'maintain',
    label: labels[maintained ? 'clear' : 'maintain'],
    refusal: roleRefusal(state.session) ?? notLive(state),
    danger: false,
  };
}

function notLive(state: State): string | null {
  return state.link.kind === 'lost' ? 'The service does not answer at the moment.' : null;
}

function needsRecovery(state: State, name: string): boolean {
  const deployable = deployableOf(state, name);
  if (deployable === undefined) return false;
  return (
    deployable.state === 'blocked' ||
    deployable.assemblies.some(
      (one) => one.state === 'blocked' || one.resources.some((r) => r.state === 'unrecoverable'),
    )
  );
}

/** What is asked before it is done. */
export function questionOf(state: State, { action, target }: ActionRequest): Question {
  const machines = deployableOf(state, target)?.assemblies.length ?? 0;
  const all = machines === 1 ? 'its machine' : `its ${countText(machines, 'machine')}`;
  const label = labels[action].replace('…', '');
  const plain = { confirm: label, danger: false, duration: null };
  switch (action) {
    case 'start':
      return {
        ...plain,
        title: `Start ${target}?`,
        text: `Starts ${all} in order, and from then on keeps them running.`,
      };
    case 'stop':
      return {
        ...plain,
        title: `Stop ${target}?`,
        text: `Shuts ${all} down in reverse order. What runs in them is not reachable until ${target} is started again; nothing brings it back before.`,
        danger: true,
      };
    case 'recover':
      return {
        ...plain,
        title: `Recover ${target}?`,
        text: 'Tries again what was given up, with all failure counts at nothing. Best after the cause is gone: its incident tells it.',
      };
    case 'reload':
      return { ...plain, title: `Reload ${target}?`, text: 'Takes over what was changed in its definition.' };
    case 'maintain':
      return {
        title: `Maintenance of ${shownTarget(target)}`,
        text: 'Failures are seen and told, and nothing is done about them until it ends.',
        confirm: 'Begin',
        danger: false,
        duration: '30m',
      };
    case 'clear':
      return {
        ...plain,
        title: `End the maintenance of ${shownTarget(target)}?`,
        text: 'What has failed meanwhile is recovered at once.',
      };
  }
}

/** `assembly:web1` reads as `web1`. */
export function shownTarget(target: string): string {
  return target.replace(/^(?:deployable|assembly|resource):/, '');
}

/**
 * The request that does it.
 * @param duration what was written into the field; empty means until it is cleared
 * @returns a sentence on what is wrong with the duration, instead
 */
export function callOf({ action, target }: ActionRequest, duration: string): Call | string {
  if (action === 'maintain') {
    const forMs = duration.trim() === '' ? null : parseDuration(duration);
    if (forMs === undefined || (forMs !== null && forMs < 1000))
      return `${JSON.stringify(duration.slice(0, 40))} is no duration. Write it as 30m, 2h or 1d; leave it empty for "until I clear it".`;
    const length = forMs === null ? 'until it is cleared' : `for ${durationText(forMs)}`;
    return {
      path: '/v1/maintenance',
      body: { target, forMs },
      done: `${shownTarget(target)} is in maintenance ${length}.`,
    };
  }
  if (action === 'clear')
    return {
      path: '/v1/maintenance/clear',
      body: { target },
      done: `The maintenance of ${shownTarget(target)} has ended.`,
    };
  const done = {
    start: `${target} is being started.`,
    stop: `${target} is being stopped.`,
    recover: `${target} is tried again.`,
    reload: `${target} was reloaded.`,
  }[action];
  return { path: `/v1/deployables/${encodeURIComponent(target)}/${action}`, body: undefined, done };
}
