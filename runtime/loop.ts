/**
 * The supervisor's loop: takes observations from the ports, one at a time, through the pure step, starts the
 * actions that come out, and writes down what was told. It owns the tick, the slow inventory, and noticing
 * that we ourselves stood still. What to do about anything is the step's.
 */
import type { Incident, JournalEvent, SupervisorEvent } from '../model/event.ts';
import type { Logger } from '../service/logger.ts';
import type { SupervisorControl } from './control.ts';
import { createActionRunner, ownReports, type ActionPorts } from './loop-actions.ts';
import type { GuestLinkEvent, HypervisorEvent } from './ports.ts';
import type { Limits } from './supervisor/limits.ts';
import type { Action, Observation } from './supervisor/protocol.ts';
import { initialState, type SupervisorState } from './supervisor/state.ts';
import { assemblySinceKey, deployableSinceKey, stoppedSince } from './supervisor/since.ts';
import { step } from './supervisor/step.ts';
import { viewAssembly, viewDeployable } from './supervisor/view.ts';

export type LoopOptions = ActionPorts & {
  readonly limits: Limits;
  /** The first incident's number; one above the last that the memory holds. */
  readonly firstIncident: number;
  /** Incidents that the service left open when it ended last; their stories go on. */
  readonly openIncidents?: readonly Incident[];
  /**
   * Calls back when what has already come in from outside has been taken; at once unless given. What was decided
   * until then is written with one sync to disk, and a tick sees no silence in what was only not read yet.
   */
  readonly soon?: (work: () => void) => void;
  /** A defect of ours: the step refused to go on. The process should end; the VMs live on and are adopted. */
  readonly onDefect: (error: unknown) => void;
};

export type Loop = {
  readonly control: SupervisorControl;
  /** Listens to the ports and begins to tick. */
  start(): Promise<void>;
  /** Stops listening and ticking; running VMs and their guests are left as they are. */
  stop(): Promise<void>;
};

/** What could not be written is kept for another try, the newest of it. */
const maxUnwritten = 10_000;
const writeAgainEveryMs = 2000;
/** Deadlines are looked at this often; what is told from outside is taken as it comes. */
const tickMs = 200;
/** A tick later than this was not a busy moment but a standstill. */
const stallMs = 1500;
/** Events can be lost around a reconnect (FACTS.md: one was): all domains are listed this often. */
const inventoryMs = 10_000;

export function createLoop(options: LoopOptions): Loop {
  const { clock, hypervisor, links, log, memory } = options;
  const state = initialState(options.limits, {
    windows: memory.loadWindows(),
    blocked: memory.loadBlocked(),
    values: memory.loadValues(),
    running: memory.loadRunning(),
    sinces: memory.loadSinces(),
    openIncidents: options.openIncidents ?? [],
    firstIncident: options.firstIncident,
    firstOperationId: 1 + (Math.floor(clock.wallMs()) % 2_000_000_000),
  });
  const soon = options.soon ?? ((work: () => void) => work());
  const queue: Observation[] = [];
  /** Decided and not written yet. */
  let saves: (() => void)[] = [];
  let told: SupervisorEvent[] = [];
  let writing = false;
  /** Not before this is a write tried that failed. */
  let writeAgainMs = Number.NEGATIVE_INFINITY;
  let draining = false;
  let stopped = false;
  /** When we last did anything; a gap much longer than a tick means that we stood still. */
  let lastAwakeMs = clock.monotonicMs();
  let lastInventoryMs = clock.monotonicMs();
  let cancelTick = (): void => undefined;

  const feed = (observation: Observation): void => {
    if (stopped) return;
    queue.push(observation);
    if (draining) return;
    draining = true;
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) take(next);
    } catch (error) {
      stopped = true;
      write();
      options.onDefect(error);
    } finally {
      draining = false;
    }
  };
  const run = createActionRunner(options, feed);

  const take = (observation: Observation): void => {
    const nowMs = clock.monotonicMs();
    const lateMs = nowMs - lastAwakeMs - tickMs;
    lastAwakeMs = nowMs;
    if (lateMs >= stallMs) decide({ kind: 'stalled', stalledMs: lateMs });
    decide(observation);
  };

  const decide = (observation: Observation): void => {
    const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    const { actions, events } = step(state, observation, now);
    if (actions.length === 0 && events.length === 0) return;
    // Actions first: their promises start now, and the journal's sync must not delay a recovery.
    for (const action of actions) {
      if (isSave(action)) saves.push(() => run(action));
      else perform(action);
    }
    for (const event of events) logEvent(log, event);
    told.push(...events);
    writeSoon();
  };

  const writeSoon = (): void => {
    if (writing || (saves.length === 0 && told.length === 0)) return;
    if (clock.monotonicMs() < writeAgainMs) return;
    writing = true;
    soon(write);
  };

  const write = (): void => {
    const [savesNow, toldNow] = [saves, told];
    [saves, told, writing] = [[], [], false];
    if (savesNow.length === 0 && toldNow.length === 0) return;
    try {
      memory.together(() => {
        for (const save of savesNow) save();
        if (toldNow.length > 0) memory.append(toldNow);
      });
    } catch (error) {
      log.error(
        { err: error },
        'what was decided could not be written down yet (the events stand in this log); recovery goes on',
      );
      writeAgainMs = clock.monotonicMs() + writeAgainEveryMs;
      // A full disk, most likely: written when there is space again, or lost with the oldest when there is none for long.
      saves = [...savesNow, ...saves].slice(-maxUnwritten);
      told = [...toldNow, ...told].slice(-maxUnwritten);
    }
  };

  const perform = (action: Action): void => {
    try {
      run(action);
    } catch (error) {
      // One assembly's trouble (its record gone, a full disk under the windows) must not end the others' care;
      // whatever waits for this action's answer is ended by its own limit.
      log.error({ err: error, action: action.kind }, 'an action could not be begun');
    }
  };

  const tick = (): void => soon(takeTick);

  const takeTick = (): void => {
    writeSoon();
    feed({ kind: 'tick' });
    if (state.hypervisor === 'up' && clock.monotonicMs() - lastInventoryMs >= inventoryMs) takeInventory();
    if (!stopped) cancelTick = clock.after(tickMs, tick);
  };

  const takeInventory = (): void => {
    const askedMs = clock.monotonicMs();
    lastInventoryMs = askedMs;
    hypervisor.list().then(
      (reports) => feed({ kind: 'inventory', reports: ownReports(options.launcher, reports), askedMs }),
      (error: unknown) => log.info({ err: error }, 'the hypervisor did not list its domains'),
    );
  };

  const onHypervisor = (event: HypervisorEvent): void => {
    if (event.kind === 'domain') {
      const askedMs = clock.monotonicMs();
      for (const report of ownReports(options.launcher, [event.report]))
        feed({ kind: 'domain', report, source: 'event', askedMs });
      return;
    }
    feed({ kind: 'connection', state: event.state, reason: event.reason });
    // The adapter has registered for events before it says `up`: what is listed now cannot be missed later.
    if (event.state === 'up') takeInventory();
  };

  const onLink = (event: GuestLinkEvent): void => {
    if (event.kind === 'message' && event.message.kind === 'hello' && event.message.hostKey !== undefined) {
      const { hostKey } = event.message;
      saves.push(() => rememberHostKey(event.assembly, hostKey));
      writeSoon();
    }
    feed(event);
  };

  const rememberHostKey = (assembly: string, hostKey: string): void => {
    try {
      options.launcher.rememberHostKey(assembly, hostKey);
    } catch (error) {
      log.error({ err: error, assembly }, 'the guest’s ssh host key could not be written down');
    }
  };

  return {
    control: controlOf(state, feed, () => clock.wallMs()),
    async start() {
      links.listen(onLink);
      lastAwakeMs = clock.monotonicMs();
      cancelTick = clock.after(tickMs, tick);
      await hypervisor.open(onHypervisor);
    },
    async stop() {
      stopped = true;
      cancelTick();
      write();
      await links.closeAll();
      await hypervisor.close();
    },
  };
}

function controlOf(
  state: SupervisorState,
  feed: (observation: Observation) => void,
  wallMs: () => number,
): SupervisorControl {
  return {
    apply: (plan) => feed({ kind: 'apply', plan }),
    stop: (deployable) => feed({ kind: 'stop', deployable }),
    recover: (deployable) => feed({ kind: 'recover', deployable }),
    forget: (deployable) => feed({ kind: 'forget', deployable }),
    maintain: (maintenance) => feed({ kind: 'maintain', maintenance }),
    endMaintenance: (target) => feed({ kind: 'end-maintenance', target }),
    limitStarts: (slots) => feed({ kind: 'limit-starts', slots }),
    deployable: (name) => viewDeployable(state, name, wallMs()),
    assembly: (name) => {
      const assembly = state.assemblies.get(name);
      return assembly === undefined ? undefined : viewAssembly(state, assembly, wallMs());
    },
    stoppedSince: (place) =>
      stoppedSince(
        state.sinces,
        'assembly' in place ? assemblySinceKey(place.assembly) : deployableSinceKey(place.deployable),
      ),
    hypervisorState: () => state.hypervisor,
  };
}

function isSave(action: Action): boolean {
  return action.kind.startsWith('save-');
}

function logEvent(log: Logger, event: Omit<JournalEvent, 'seq'>): void {
  const level = { info: 'info', warning: 'warn', error: 'error' } as const;
  const { deployable, assembly, resource, incident, kind } = event;
  log[level[event.severity]]({ kind, deployable, assembly, resource, incident }, event.text);
}
