/**
 * A VM that QEMU has paused on an I/O error: the disk is full, or storage went away. Fencing it would mend
 * nothing, so it is let go on every few seconds; QEMU repeats the write that failed, and pauses again as long
 * as the cause is there. Only after a long time it is fenced and restarted.
 */
import { maintained } from './maintenance.ts';
import { endIncident, noteAction, noteFailure, placeOf, tell, type NotedFailure } from './record.ts';
import { moveAssembly, type AssemblyState, type Turn } from './state.ts';
import { seconds, subject } from './wording.ts';

/** The verdict is stalled: told once, with an incident. */
export function noteStalled(turn: Turn, assembly: AssemblyState, cause: string): void {
  if (assembly.stalled !== null) {
    assembly.stalled.runningSinceMs = null;
    return;
  }
  const nowMs = turn.now.monotonicMs;
  assembly.stalled = { sinceMs: nowMs, triedMs: nowMs, runningSinceMs: null };
  assembly.suspicion = null;
  assembly.note = cause;
  if (assembly.name === 'online') moveAssembly(turn, assembly, 'suspect');
  const place = { deployable: assembly.deployable, assembly: assembly.plan.name, resource: null };
  const evidence = [`libvirt says: ${assembly.domain} (${assembly.domainReason})`];
  const incident = noteFailure(turn, assembly, place, 'assembly', { cause, verdict: 'stalled', evidence });
  const untended = maintained(turn, assembly) !== null;
  const doing = untended
    ? 'It is in maintenance, so nothing is done about it'
    : `Trying every ${seconds(turn.state.limits.resumeEveryMs)} to let it go on: free some space, or bring its storage back`;
  noteAction(turn, assembly, doing);
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(turn, 'assembly-stalled', 'error', placeOf(assembly), `${where} is STALLED: ${cause}. ${doing}.`, {
    incident,
  });
}

/** It runs after a pause. True where that was a stall, which ends only when it goes on running. */
export function runsAgain(turn: Turn, assembly: AssemblyState): boolean {
  if (assembly.stalled === null) return false;
  assembly.stalled.runningSinceMs = turn.now.monotonicMs;
  return true;
}

/** What is due for a stalled VM. Returns true when it has been stalled for too long. */
export function tickStalled(turn: Turn, assembly: AssemblyState): boolean {
  const { stalled } = assembly;
  if (stalled === null || turn.state.hypervisor === 'down') return false;
  const nowMs = turn.now.monotonicMs;
  const { limits } = turn.state;
  if (assembly.domain === 'running') {
    // Also where the word that it goes on was lost, or it is another start of it that runs.
    stalled.runningSinceMs ??= nowMs;
    if (nowMs - stalled.runningSinceMs >= limits.resumedWellMs) endStall(turn, assembly);
    return false;
  }
  // A person's pause in between is theirs.
  const stands = assembly.domain === 'paused' && assembly.domainReason === 'ioerror';
  if (!stands || maintained(turn, assembly) !== null) return false;
  if (nowMs - stalled.sinceMs >= limits.stalledGiveUpMs) return true;
  if (nowMs - stalled.triedMs < limits.resumeEveryMs) return false;
  stalled.triedMs = nowMs;
  turn.actions.push({ kind: 'resume', assembly: assembly.plan.name });
  return false;
}

/** What it fails of then. */
export function stalledFailure(turn: Turn): NotedFailure {
  return {
    cause: `its storage has refused writes for ${seconds(turn.state.limits.stalledGiveUpMs)}`,
    verdict: 'stalled',
  };
}

function endStall(turn: Turn, assembly: AssemblyState): void {
  const { incident, stalled } = assembly;
  const stalledMs = stalled === null ? 0 : turn.now.monotonicMs - stalled.sinceMs;
  assembly.stalled = null;
  assembly.note = null;
  assembly.heardMs = turn.now.monotonicMs;
  noteAction(turn, assembly, 'it runs again: its storage takes writes');
  // An incident that was open before the stall goes on until all that it is about runs.
  const endedMs = incident?.verdict === 'stalled' ? endIncident(turn, assembly, 'recovered') : null;
  // A stop that was called off has ended it already.
  const tookMs = endedMs ?? stalledMs;
  if (assembly.name === 'suspect') moveAssembly(turn, assembly, 'online');
  // Nothing may move with it, and its deployable is active again all the same.
  turn.moved = true;
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(
    turn,
    'assembly-resumed',
    'info',
    placeOf(assembly),
    `${where} RUNS again after ${seconds(tookMs)}: its storage takes writes, nothing was lost.`,
    { incident, facts: { durationMs: tookMs } },
  );
}
