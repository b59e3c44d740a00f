/**
 * The supervisor's whole state, and the only two functions that move an assembly or a resource from one
 * state to another. They refuse moves that are not in their table: such a move is a defect of ours, and a
 * defect that stops is better than one that restarts the wrong machine.
 *
 * The state is owned by the step: it is changed in place, only there, and only as a function of the
 * observation and the clocks, so the same observations always lead to the same state.
 */
import type { AssemblyStateName, DeployableStateName, ResourceStateName } from '../../model/cped-api.ts';
import type { Incident, SupervisorEvent } from '../../model/event.ts';
import type { AssemblyPlan, DeployablePlan, Maintenance, ResourcePlan } from '../control.ts';
import type { DomainProgress, DomainState, KeptSince } from '../ports.ts';
import type { FailureRun } from './escalation.ts';
import type { Limits } from './limits.ts';
import type { Action, Now } from './protocol.ts';
import { assemblySinceKey, beginningOf, resourceSinceKey, sincesFound, type Since } from './since.ts';
import type { ResourceOperation } from '../../model/guest-protocol.ts';

/** What is known of one check of an active resource. */
export type CheckState = {
  /** Monotonic time of the next question. */
  dueMs: number;
  /** The question that is out, and until when its answer is awaited. */
  asked: { readonly id: number; readonly deadlineMs: number } | null;
  /** Bad answers in a row. */
  failures: number;
  /** Monotonic time of the end of the start grace. */
  readonly graceEndsMs: number;
  /** It was good once since the resource became active: the start grace is over. */
  wasWell: boolean;
};

export type ResourceState = {
  plan: ResourcePlan;
  readonly assembly: string;
  name: ResourceStateName;
  sinceWallMs: number;
  /** The operation that runs in the guest, until when its answer is awaited, and what it is for. */
  operation: { id: number; operation: ResourceOperation; limitMs: number; deadlineMs: number } | null;
  /** When the next recurring monitor (active) or the delayed restart (waiting) is due. */
  dueMs: number | null;
  /** Whether a restart must force off what may still run before it starts anew. */
  killFirst: boolean;
  /** In `waiting` for what it depends on, not for a time. */
  held: boolean;
  /** Assemblies that have to be up first: it restarts with them, or its own assembly waits for them. */
  rejoins: readonly string[];
  /** Why it has to be reconfigured as soon as that may be done; null when it runs with what it is to have. */
  reconfigure: string | null;
  /** The parameters that its guest was told last, as JSON; null: none yet. */
  told: string | null;
  /** By the checks' names; empty unless active. */
  checks: Map<string, CheckState>;
  run: FailureRun;
  incident: Incident | null;
  note: string | null;
};

export type Suspicion = {
  /** Since it was told, or, while it is only looked at quietly, since the first sample. */
  beganMs: number;
  /** The same, or later: since the guest last answered over the second transport. */
  sinceMs: number;
  /** First sample; `pending` until it is in. */
  first: { atMs: number; progress: DomainProgress | null } | 'pending';
  /** Whether the second sample showed progress: then it is the agent that is lost, not the guest. */
  progressing: boolean;
  measuring: boolean;
  /** Two samples have been compared. */
  judged: boolean;
  /** The question over the second transport that is out. */
  second: { readonly attempt: number; readonly deadlineMs: number } | null;
  /** The guest has answered there: told once. */
  secondTold: boolean;
};

/** A VM that is paused on an I/O error, from then until its storage works again. */
export type Stalled = {
  sinceMs: number;
  /** When it was let go on last. */
  triedMs: number;
  /** It runs again since then, perhaps only until its next write. */
  runningSinceMs: number | null;
};

export type AssemblyState = {
  plan: AssemblyPlan;
  deployable: string;
  monitoring: 'am' | 'pm';
  intent: 'up' | 'down';
  name: AssemblyStateName;
  sinceWallMs: number;
  domain: DomainState | 'unknown';
  domainReason: string;
  /** A well-formed hello has been seen on the present connection. */
  linked: boolean;
  /** Monotonic time of the guest's last word. */
  heardMs: number;
  bootId: string | null;
  /** Grows with each start, fencing or measurement; answers to older ones are ignored. */
  attempt: number;
  /** This service has started or fenced it, at least once. */
  handled: boolean;
  /** Monotonic time of the last event, or outcome of a start or fencing: answers to older questions are void. */
  settledMs: number;
  /** An action under way whose outcome will come back. */
  pending: 'start' | 'fence' | null;
  /** Boot or shutdown limit, or next fence retry; and the time that it gave when it was set (`setDeadline`). */
  deadlineMs: number | null;
  limitMs: number;
  /** In `waiting`: not before this. */
  readyMs: number;
  /** The domain was found running: not ours to announce as started. */
  adopted: boolean;
  /** In `stopping`: the guest has been asked to power off. */
  poweringOff: boolean;
  /** Resources that the agent said are dead in the state after its hello. */
  foundDead: Set<string>;
  suspicion: Suspicion | null;
  stalled: Stalled | null;
  /** Questions over the second transport so far: an answer to an older one is ignored. */
  secondAttempt: number;
  /** The address that the guest says it has. */
  address: string | null;
  /** What others may refer to; null until it was read once. */
  values: Readonly<Record<string, string>> | null;
  /** It waits for another assembly's start, and that was told. */
  orderTold: boolean;
  run: FailureRun;
  incident: Incident | null;
  note: string | null;
  resources: Map<string, ResourceState>;
};

/** `warnAtMs`: wall time of the warning before it ends by itself; null when it was told, or has no end. */
export type KeptMaintenance = Maintenance & { readonly warnAtMs: number | null };

export type DeployableState = {
  plan: DeployablePlan;
  intent: 'up' | 'down';
  name: DeployableStateName;
  sinceWallMs: number;
  /** Wall time when it left `active`; for telling how long the recovery took. */
  brokenSinceMs: number | null;
  blocked: boolean;
  /** Restarts as a whole in a row. */
  run: FailureRun;
  /** Something in its plan restarts with what it depends on. */
  restartsDependants: boolean;
  note: string | null;
};

export type SupervisorState = {
  limits: Limits;
  hypervisor: 'up' | 'down';
  /** Monotonic time when the connection was lost; deadlines are extended by the outage. */
  lostSinceMs: number | null;
  deployables: Map<string, DeployableState>;
  assemblies: Map<string, AssemblyState>;
  /** Failure times (wall clock) by window key. */
  windows: Map<string, readonly number[]>;
  /** The assemblies of each deployable, also those that a reload took out and that still stop. */
  members: Map<string, Set<AssemblyState>>;
  /** Resources that wait for what they depend on, with their assemblies. */
  heldResources: Map<ResourceState, AssemblyState>;
  /** Assemblies whose stop waits for those that depend on them. */
  heldStops: Set<AssemblyState>;
  /** Given up by a service before us, with the reason, until a plan of theirs comes. */
  blockedBefore: Map<string, string>;
  /** Assemblies that ran when they were last heard of, by this service or one before it. */
  running: Set<string>;
  /** What was last known of values that others refer to. */
  valuesBefore: Map<string, Readonly<Record<string, string>>>;
  /** Beginnings of states that last, by `since.ts`'s keys. */
  sinces: Map<string, Since>;
  /** What is monitored and not acted on, by `maintenanceKey`. */
  maintenance: Map<string, KeptMaintenance>;
  /** The operator's limit on starts at the same time; null leaves it to `limits`. */
  startSlots: number | null;
  nextOperationId: number;
  nextIncident: number;
  /** Left open by a service that ended, until their assemblies and resources are known again. */
  openIncidents: Incident[];
};

/** What a service that starts has from those before it. */
export type Heritage = {
  /** As the memory kept them. */
  readonly windows: ReadonlyMap<string, readonly number[]>;
  readonly openIncidents: readonly Incident[];
  readonly firstIncident: number;
  /** Best another one each time: an agent may still answer what the last service asked. 1 to 2^31-1. */
  readonly firstOperationId: number;
  /** Deployables that were given up, with the reason. */
  readonly blocked?: ReadonlyMap<string, string>;
  /** Assemblies that ran when they were last heard of, since the host was booted. */
  readonly running?: ReadonlySet<string>;
  /** What assemblies gave others to refer to, by their names. */
  readonly values?: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Since when they were in states that last, by `since.ts`'s keys. */
  readonly sinces?: ReadonlyMap<string, KeptSince>;
};

/** A fresh state. */
export function initialState(limits: Limits, heritage: Heritage): SupervisorState {
  return {
    limits,
    hypervisor: 'down',
    lostSinceMs: null,
    deployables: new Map(),
    assemblies: new Map(),
    windows: new Map(heritage.windows),
    members: new Map(),
    heldResources: new Map(),
    heldStops: new Set(),
    blockedBefore: new Map(heritage.blocked),
    running: new Set(heritage.running),
    valuesBefore: new Map(heritage.values),
    sinces: sincesFound(heritage.sinces),
    maintenance: new Map(),
    startSlots: null,
    nextOperationId: heritage.firstOperationId,
    nextIncident: heritage.firstIncident,
    openIncidents: [...heritage.openIncidents],
  };
}

/** The assemblies that the supervisor runs for a deployable. */
export function membersOf(state: SupervisorState, deployable: string): ReadonlySet<AssemblyState> {
  return state.members.get(deployable) ?? noMembers;
}
const noMembers: ReadonlySet<AssemblyState> = new Set();

/** One step in the making: the state, the time, and what has been decided so far. */
export type Turn = {
  readonly state: SupervisorState;
  readonly now: Now;
  readonly actions: Action[];
  readonly events: SupervisorEvent[];
  /** Something has moved since the last assembly was settled. */
  moved: boolean;
  /** Deployables in which something has moved. */
  readonly touched: Set<string>;
};

const assemblyMoves: Readonly<Record<AssemblyStateName, readonly AssemblyStateName[]>> = {
  stopped: ['waiting', 'booting', 'fencing', 'stopping', 'blocked', 'failed'],
  waiting: ['starting', 'booting', 'fencing', 'stopping', 'stopped', 'blocked', 'failed'],
  starting: ['booting', 'waiting', 'fencing', 'stopping', 'blocked', 'failed'],
  booting: ['online', 'fencing', 'stopping', 'waiting', 'blocked', 'stopped', 'booting', 'failed'],
  online: ['suspect', 'fencing', 'waiting', 'stopping', 'blocked', 'booting', 'stopped', 'failed'],
  suspect: ['online', 'fencing', 'waiting', 'stopping', 'blocked', 'booting', 'stopped', 'failed'],
  fencing: ['waiting', 'stopped', 'blocked', 'failed'],
  stopping: ['stopped', 'fencing'],
  blocked: ['waiting', 'booting', 'fencing', 'stopping', 'stopped'],
  failed: ['stopped', 'booting', 'stopping', 'fencing', 'waiting', 'blocked'],
};

const anyEnd = ['stopping', 'stopped', 'probing'] as const;
const resourceMoves: Readonly<Record<ResourceStateName, readonly ResourceStateName[]>> = {
  stopped: ['probing', 'unmonitored', 'stopping'],
  unmonitored: ['stopped', 'probing'],
  probing: ['active', 'starting', 'recovering', 'waiting', 'unrecoverable', 'failed', ...anyEnd],
  starting: ['active', 'recovering', 'waiting', 'unrecoverable', 'failed', ...anyEnd],
  active: ['recovering', 'waiting', 'unrecoverable', 'failed', ...anyEnd],
  recovering: ['active', 'recovering', 'waiting', 'unrecoverable', 'failed', ...anyEnd],
  waiting: ['recovering', 'starting', 'unrecoverable', 'active', 'failed', ...anyEnd],
  stopping: ['stopped', 'unrecoverable', 'probing'],
  unrecoverable: ['probing', 'stopped', 'stopping'],
  // Its maintenance may have ended while nothing could be asked of its guest.
  failed: ['active', 'failed', 'recovering', 'waiting', 'unrecoverable', ...anyEnd],
};

/** Moves an assembly; its deadline is the new state's own and starts empty. */
export function moveAssembly(turn: Turn, assembly: AssemblyState, to: AssemblyStateName): void {
  if (!assemblyMoves[assembly.name].includes(to)) {
    throw new Error(`assembly ${assembly.plan.name} cannot move from ${assembly.name} to ${to}`);
  }
  assembly.name = to;
  const moved = { kind: 'assembly', key: assemblySinceKey(assembly.plan.name), to } as const;
  assembly.sinceWallMs = beginningOf(turn, moved, to === 'online' ? assembly.bootId : null);
  turn.moved = true;
  assembly.deadlineMs = null;
}

/** The present state is left for the next one when `limitMs` have passed. */
export function setDeadline(turn: Turn, assembly: AssemblyState, limitMs: number): void {
  assembly.limitMs = limitMs;
  assembly.deadlineMs = turn.now.monotonicMs + limitMs;
}

/** Gives back time in which nothing could happen, but never more than the whole limit from now. */
export function extendDeadline(turn: Turn, assembly: AssemblyState, byMs: number): void {
  if (assembly.deadlineMs === null) return;
  assembly.deadlineMs = Math.min(assembly.deadlineMs + byMs, turn.now.monotonicMs + assembly.limitMs);
}

/** Moves a resource; due time and operation belong to the new state and are set by the caller. */
export function moveResource(turn: Turn, resource: ResourceState, to: ResourceStateName): void {
  if (!resourceMoves[resource.name].includes(to)) {
    throw new Error(`resource ${resource.plan.name} cannot move from ${resource.name} to ${to}`);
  }
  if (resource.name !== to) {
    const moved = {
      kind: 'resource',
      key: resourceSinceKey(resource.assembly, resource.plan.name),
      to,
    } as const;
    const boot = turn.state.assemblies.get(resource.assembly)?.bootId ?? null;
    resource.sinceWallMs = beginningOf(turn, moved, boot);
  }
  resource.name = to;
  resource.dueMs = null;
  resource.held = false;
  resource.checks.clear();
  turn.moved = true;
}
