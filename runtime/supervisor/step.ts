/**
 * The supervisor's one step: an observation and the time go in, actions and events come out. This file only
 * finds whom the observation concerns and lets the rooms beside it decide; then it settles escalations,
 * start slots and what the deployables add up to.
 */
import { assemblyStarted, domainSeen } from './assembly.ts';
import { admitStarts } from './assembly-admission.ts';
import { assemblyFenced, failAssembly, fence } from './assembly-failure.ts';
import { secondAnswered } from './assembly-second.ts';
import { stalledFailure, tickStalled } from './assembly-stalled.ts';
import { checkCame, guestSaid, linkChanged, tickOnline } from './assembly-link.ts';
import { powerOffWhenQuiet } from './assembly-stop.ts';
import { forgetSamples, judge, progressMeasured, watchAdopted } from './assembly-suspicion.ts';
import {
  admitStops,
  applyPlan,
  escalate,
  forgetDeployable,
  recoverDeployable,
  stopDeployable,
} from './deployable.ts';
import { rollUp } from './deployable-state.ts';
import { setMaintenance } from './maintenance.ts';
import { endMaintenance, tickMaintenance } from './maintenance-end.ts';
import { admitHeld, valuesRead } from './order-holds.ts';
import type { Now, Observation, StepResult } from './protocol.ts';
import { noteEvidence, tell } from './record.ts';
import type { Escalation } from './resource-recovery.ts';
import { extendDeadline, type AssemblyState, type SupervisorState, type Turn } from './state.ts';
import { seconds } from './wording.ts';

/**
 * Takes one observation into the state (in place) and returns what to do and what to tell.
 * Deterministic: no clock, no randomness, no IO.
 */
export function step(state: SupervisorState, observation: Observation, now: Now): StepResult {
  const turn: Turn = { state, now, actions: [], events: [], moved: false, touched: new Set() };
  observe(turn, observation);
  settleOrder(turn, observation.kind);
  // Most observations (a heartbeat) move nothing, and then nothing adds up to anything else.
  for (const name of turn.touched) {
    const deployable = state.deployables.get(name);
    if (deployable !== undefined) rollUp(turn, deployable);
  }
  return { actions: turn.actions, events: turn.events };
}

/** Starts and stops whose turn has come: at each tick, and when something has moved. */
function settleOrder(turn: Turn, kind: Observation['kind']): void {
  if (touchesAll.has(kind)) for (const name of turn.state.deployables.keys()) turn.touched.add(name);
  if (turn.touched.size === 0 && kind !== 'tick' && kind !== 'values') return;
  admitStarts(turn);
  admitHeld(turn);
  admitStops(turn);
  noteMoved(turn);
}

/** What concerns no assembly in particular may change any deployable. */
const touchesAll: ReadonlySet<Observation['kind']> = new Set([
  'apply',
  'stop',
  'recover',
  'forget',
  'connection',
  'maintain',
  'end-maintenance',
]);

/** What moved outside of an assembly's own turn: any deployable may be the one. */
function noteMoved(turn: Turn): void {
  if (!turn.moved) return;
  turn.moved = false;
  for (const name of turn.state.deployables.keys()) turn.touched.add(name);
}

function observe(turn: Turn, observation: Observation): void {
  switch (observation.kind) {
    case 'tick':
      tickMaintenance(turn);
      for (const assembly of turn.state.assemblies.values()) settle(turn, assembly, tick(turn, assembly));
      return;
    case 'apply':
      return applyPlan(turn, observation.plan);
    case 'stop':
      return stopDeployable(turn, observation.deployable);
    case 'recover':
      return recoverDeployable(turn, observation.deployable);
    case 'forget':
      return forgetDeployable(turn, observation.deployable);
    case 'maintain':
      return setMaintenance(turn, observation.maintenance);
    case 'end-maintenance':
      return endMaintenance(turn, observation.target);
    case 'limit-starts':
      turn.state.startSlots = observation.slots;
      return;
    case 'connection':
      return connectionChanged(turn, observation.state, observation.reason);
    case 'inventory':
      return inventoryTaken(turn, observation.reports, observation.askedMs);
    case 'stalled':
      return weStalled(turn, observation.stalledMs);
    case 'domain':
      return withAssembly(turn, observation.report.assembly, (assembly) => {
        // The question was asked before our own start or fencing had its outcome: the answer is void.
        if (observation.askedMs < assembly.settledMs) return null;
        // An event is read when it comes: what was asked before it is older, also when it is answered later.
        if (observation.source === 'event') assembly.settledMs = observation.askedMs;
        return seen(turn, assembly, observation.report, observation.source);
      });
    case 'link':
      return withAssembly(turn, observation.assembly, (assembly) => {
        linkChanged(turn, assembly, observation.state);
        return null;
      });
    case 'message':
      return withAssembly(turn, observation.assembly, (assembly) =>
        guestSaid(turn, assembly, observation.message),
      );
    case 'started':
      return withAssembly(turn, observation.assembly, (assembly) =>
        assemblyStarted(turn, assembly, observation.attempt, observation.outcome),
      );
    case 'fenced':
      return withAssembly(turn, observation.assembly, (assembly) => {
        assemblyFenced(turn, assembly, observation.attempt, observation.outcome);
        return null;
      });
    case 'checked':
      return withAssembly(turn, observation.assembly, (assembly) => checkCame(turn, assembly, observation));
    case 'second-answer':
      return withAssembly(turn, observation.assembly, (assembly) =>
        secondAnswered(turn, assembly, observation.attempt, observation.answer)
          ? judge(turn, assembly)
          : null,
      );
    case 'values':
      return withAssembly(turn, observation.assembly, (assembly) => {
        valuesRead(turn, assembly, observation.values);
        return null;
      });
    case 'evidence':
      return withAssembly(turn, observation.assembly, (assembly) => {
        noteEvidence(turn, assembly, observation.incident, observation.lines);
        return null;
      });
    case 'progress':
      return withAssembly(turn, observation.assembly, (assembly) =>
        progressMeasured(turn, assembly, observation.attempt, observation.progress),
      );
  }
}

/** An assembly that is not known any more is nobody's concern. */
function withAssembly(
  turn: Turn,
  name: string,
  decide: (assembly: AssemblyState) => Escalation | null,
): void {
  const assembly = turn.state.assemblies.get(name);
  if (assembly !== undefined) settle(turn, assembly, decide(assembly));
}

function settle(turn: Turn, assembly: AssemblyState, escalation: Escalation | null): void {
  if (escalation !== null) escalate(turn, assembly, escalation);
  if (!turn.moved) return;
  turn.moved = false;
  turn.touched.add(assembly.deployable);
}

function seen(
  turn: Turn,
  assembly: AssemblyState,
  report: { readonly state: AssemblyState['domain']; readonly reason: string },
  source: 'event' | 'inspection',
): Escalation | null {
  if (report.state === 'unknown') return null;
  const escalation = domainSeen(turn, assembly, { state: report.state, reason: report.reason }, source);
  if (escalation !== null) return escalation;
  return ['booting', 'online', 'suspect'].includes(assembly.name) ? judge(turn, assembly) : null;
}

function tick(turn: Turn, assembly: AssemblyState): Escalation | null {
  const { deadlineMs } = assembly;
  const due = deadlineMs !== null && turn.now.monotonicMs >= deadlineMs;
  switch (assembly.name) {
    case 'stopped':
    case 'waiting':
    case 'starting':
    case 'blocked':
    case 'failed':
      return null;
    case 'booting':
      if (tickStalled(turn, assembly)) return failAssembly(turn, assembly, stalledFailure(turn));
      watchAdopted(turn, assembly);
      // Without the hypervisor's word there is no verdict, and a paused guest boots no further; the limit is
      // extended when it returns.
      if (!due || turn.state.hypervisor === 'down' || assembly.domain === 'paused') return null;
      return failAssembly(turn, assembly, {
        cause: `its agent did not say hello within ${seconds(turn.state.limits.bootMs)} of ${assembly.adopted ? 'being found running' : 'the start'}`,
        verdict: 'no-hello',
        evidence: [`libvirt says: ${assembly.domain} (${assembly.domainReason})`],
      });
    case 'online':
    case 'suspect':
      return tickOnline(turn, assembly);
    case 'stopping':
      // Without libvirt nothing can be forced off; the limit is extended when it returns.
      if (due && turn.state.hypervisor === 'up') fence(turn, assembly, null);
      else {
        const escalation = tickOnline(turn, assembly);
        powerOffWhenQuiet(turn, assembly);
        return escalation;
      }
      return null;
    case 'fencing':
      if (due && assembly.pending === null && turn.state.hypervisor === 'up') fence(turn, assembly, null);
      return null;
  }
}

function connectionChanged(turn: Turn, state: 'up' | 'down', reason: string): void {
  const supervisor = turn.state;
  if (supervisor.hypervisor === state) return;
  supervisor.hypervisor = state;
  for (const assembly of supervisor.assemblies.values()) voidMeasurement(assembly);
  if (state === 'down') {
    supervisor.lostSinceMs = turn.now.monotonicMs;
    tell(
      turn,
      'hypervisor-lost',
      'warning',
      { deployable: '' },
      `libvirt does not answer (${reason}). No virtual machine is touched until it does; guest links go on.`,
    );
    return;
  }
  const lostMs = supervisor.lostSinceMs === null ? null : turn.now.monotonicMs - supervisor.lostSinceMs;
  supervisor.lostSinceMs = null;
  if (lostMs === null) return;
  for (const assembly of supervisor.assemblies.values()) {
    if (assembly.stalled !== null) assembly.stalled.sinceMs += lostMs;
    // What could not be fenced meanwhile waits no longer.
    if (assembly.name === 'fencing' && assembly.pending === null) assembly.deadlineMs = turn.now.monotonicMs;
    else extendDeadline(turn, assembly, lostMs);
  }
  tell(
    turn,
    'hypervisor-back',
    'info',
    { deployable: '' },
    `libvirt answers again after ${seconds(lostMs)}. Looking at every virtual machine anew.`,
  );
}

/** The states of all domains at once: the cure for every event that was lost. */
function inventoryTaken(
  turn: Turn,
  reports: readonly {
    readonly assembly: string;
    readonly state: AssemblyState['domain'];
    readonly reason: string;
  }[],
  askedMs: number,
): void {
  const found = new Map(reports.map((report) => [report.assembly, report]));
  for (const assembly of turn.state.assemblies.values()) {
    // While our own start or fencing is under way, the list may be older than its outcome.
    if (assembly.pending !== null || askedMs < assembly.settledMs) continue;
    const report = found.get(assembly.plan.name) ?? { state: 'absent' as const, reason: 'not defined' };
    settle(turn, assembly, seen(turn, assembly, report, 'inspection'));
  }
}

/** We did not run: everything that was being waited for gets that time back. */
function weStalled(turn: Turn, stalledMs: number): void {
  for (const assembly of turn.state.assemblies.values()) {
    extendDeadline(turn, assembly, stalledMs);
    assembly.heardMs += stalledMs;
    // Samples across the stall compare nothing.
    const { stalled } = assembly;
    if (stalled !== null) {
      stalled.sinceMs += stalledMs;
      if (stalled.runningSinceMs !== null) stalled.runningSinceMs += stalledMs;
    }
    if (assembly.suspicion !== null) {
      assembly.suspicion.beganMs += stalledMs;
      assembly.suspicion.sinceMs += stalledMs;
      forgetSamples(assembly.suspicion);
      // Its limit may have passed meanwhile: asked anew.
      assembly.suspicion.second = null;
    }
    for (const resource of assembly.resources.values()) {
      if (resource.operation !== null) resource.operation.deadlineMs += stalledMs;
    }
  }
  tell(
    turn,
    'service-stalled',
    'warning',
    { deployable: '' },
    `This service itself stood still for ${seconds(stalledMs)}. That is no evidence against anybody: every limit was extended.`,
  );
}

/** What was measured on a connection that is gone, or is not answered on it any more, is no evidence. */
function voidMeasurement(assembly: AssemblyState): void {
  const { suspicion } = assembly;
  if (suspicion === null) return;
  forgetSamples(suspicion);
  if (suspicion.measuring) assembly.attempt += 1;
  suspicion.measuring = false;
}
