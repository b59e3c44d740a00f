/**
 * Doubt about an assembly's virtual machine: when its agent is silent or it stands paused, what is measured,
 * what the verdict is, and how doubt ends. The rules themselves are `verdict.ts`.
 */
import type { DomainProgress } from '../ports.ts';
import { failAssembly } from './assembly-failure.ts';
import { placeOf, tell } from './record.ts';
import { awaitAnswerAnew } from './resource.ts';
import type { Escalation } from './resource-recovery.ts';
import { awaitsSecond } from './assembly-second.ts';
import { noteStalled, runsAgain } from './assembly-stalled.ts';
import { moveAssembly, setDeadline, type AssemblyState, type Suspicion, type Turn } from './state.ts';
import { progressBetween, verdictOf, type VmSigns } from './verdict.ts';
import { seconds, subject } from './wording.ts';

/** The signs that the verdict is made from. */
export function signsOf(turn: Turn, assembly: AssemblyState): VmSigns {
  const nowMs = turn.now.monotonicMs;
  const { suspicion } = assembly;
  const progress =
    suspicion === null || suspicion.measuring || suspicion.first === 'pending'
      ? 'pending'
      : suspicion.progressing
        ? 'some'
        : suspicion.judged
          ? 'none'
          : 'pending';
  return {
    hypervisor: turn.state.hypervisor,
    domain: assembly.domain,
    domainReason: assembly.domainReason,
    // While it boots, silence is expected; the boot limit rules there.
    silentMs: assembly.name === 'booting' ? 0 : nowMs - assembly.heardMs,
    suspicion: suspicion === null ? null : { forMs: nowMs - suspicion.sinceMs, progress },
  };
}

/** Applies the verdict on an assembly that boots, is online, or is suspected. */
export function judge(turn: Turn, assembly: AssemblyState): Escalation | null {
  const signs = signsOf(turn, assembly);
  const verdict = verdictOf(signs, turn.state.limits);
  switch (verdict.kind) {
    case 'well':
      if (signs.silentMs >= turn.state.limits.sampleAfterMs) sample(turn, assembly);
      return null;
    case 'unknown':
      return null;
    case 'paused':
      notePaused(turn, assembly, verdict.cause);
      return null;
    case 'stalled':
      noteStalled(turn, assembly, verdict.cause);
      return null;
    case 'suspect':
      suspect(turn, assembly);
      return null;
    case 'agent-lost':
      if (awaitsSecond(turn, assembly)) return null;
      break;
    case 'dead':
    case 'crashed':
    case 'hung':
      break;
  }
  const evidence = evidenceOf(turn, assembly, signs);
  return failAssembly(turn, assembly, { cause: verdict.cause, verdict: verdict.kind, evidence });
}

/** The signals that a verdict was made from, a line each. */
function evidenceOf(turn: Turn, assembly: AssemblyState, signs: VmSigns): readonly string[] {
  const window = seconds(turn.state.limits.progressWindowMs);
  const progress = { some: 'some', none: 'none', pending: 'not measured' } as const;
  return [
    `libvirt says: ${signs.domain} (${signs.domainReason})`,
    `guest link: ${assembly.linked ? 'up' : 'down'}, last word ${seconds(turn.now.monotonicMs - assembly.heardMs)} before`,
    ...(signs.suspicion === null ? [] : [`progress over ${window}: ${progress[signs.suspicion.progress]}`]),
  ];
}

/** Somebody or something paused the VM: reported; forcing it off is not ours to decide without more signs. */
function notePaused(turn: Turn, assembly: AssemblyState, cause: string): void {
  if (assembly.note === cause) return;
  assembly.note = cause;
  if (assembly.name === 'online') moveAssembly(turn, assembly, 'suspect');
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(
    turn,
    'assembly-suspect',
    'warning',
    placeOf(assembly),
    `${where} is SUSPECT: ${cause}. Nothing is done while it is paused: resume it, or force it off to have it restarted.`,
  );
}

function suspect(turn: Turn, assembly: AssemblyState): void {
  sample(turn, assembly);
  if (assembly.name === 'suspect' && assembly.note === silentNote) return;
  const nowMs = turn.now.monotonicMs;
  if (assembly.suspicion !== null) Object.assign(assembly.suspicion, { beganMs: nowMs, sinceMs: nowMs });
  if (assembly.name !== 'suspect') moveAssembly(turn, assembly, 'suspect');
  assembly.note = silentNote;
  // Perhaps it is simply off and the event was lost.
  turn.actions.push({ kind: 'inspect', assembly: assembly.plan.name });
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(
    turn,
    'assembly-suspect',
    'warning',
    placeOf(assembly),
    `${where} is SUSPECT: its agent has said nothing for ${seconds(nowMs - assembly.heardMs)}. Measuring whether its virtual machine makes progress.`,
  );
}

const silentNote = 'its agent is silent';

/** Takes a sample of the VM's progress when one is due; the first at once, each next a window later. */
function sample(turn: Turn, assembly: AssemblyState): void {
  const nowMs = turn.now.monotonicMs;
  assembly.suspicion ??= {
    beganMs: nowMs,
    sinceMs: nowMs,
    first: 'pending',
    progressing: false,
    measuring: false,
    judged: false,
    second: null,
    secondTold: false,
  };
  const { suspicion } = assembly;
  if (suspicion.measuring) return;
  const { first } = suspicion;
  if (first !== 'pending' && nowMs - first.atMs < turn.state.limits.progressWindowMs) return;
  suspicion.measuring = true;
  assembly.attempt += 1;
  turn.actions.push({ kind: 'measure-progress', assembly: assembly.plan.name, attempt: assembly.attempt });
}

/** A progress sample has come in. */
export function progressMeasured(
  turn: Turn,
  assembly: AssemblyState,
  attempt: number,
  progress: DomainProgress | null | 'unanswered',
): Escalation | null {
  const { suspicion } = assembly;
  if (suspicion === null || !suspicion.measuring || attempt !== assembly.attempt) return null;
  suspicion.measuring = false;
  if (progress === 'unanswered') {
    forgetSamples(suspicion);
    return null;
  }
  const { first } = suspicion;
  suspicion.first = { atMs: turn.now.monotonicMs, progress };
  if (first === 'pending') return null;
  suspicion.judged = true;
  suspicion.progressing = progressBetween(first.progress, progress, turn.state.limits.idleCpuMs) === 'some';
  return assembly.name === 'booting' ? judgeAdopted(turn, assembly) : judge(turn, assembly);
}

/**
 * A VM that was found running and has not said hello yet may be in the middle of its boot, so its silence is no
 * sign; but one that does nothing at all meanwhile hangs, and need not be given the time of a boot.
 */
export function watchAdopted(turn: Turn, assembly: AssemblyState): void {
  const silentMs = turn.now.monotonicMs - assembly.heardMs;
  const watched = assembly.adopted && !assembly.linked && assembly.domain === 'running';
  if (
    watched &&
    assembly.stalled === null &&
    turn.state.hypervisor === 'up' &&
    silentMs >= turn.state.limits.suspectAfterMs
  )
    sample(turn, assembly);
}

function judgeAdopted(turn: Turn, assembly: AssemblyState): Escalation | null {
  const { suspicion } = assembly;
  if (suspicion === null || suspicion.progressing || assembly.domain !== 'running') return null;
  const silence = seconds(turn.now.monotonicMs - assembly.heardMs);
  const window = seconds(turn.state.limits.progressWindowMs);
  return failAssembly(turn, assembly, {
    cause: `its virtual machine hangs: found running, no word from its agent for ${silence}, and no progress`,
    verdict: 'hung',
    evidence: [
      `libvirt says: ${assembly.domain} (${assembly.domainReason})`,
      `progress over ${window}: none`,
    ],
  });
}

/** Samples that compare nothing, because we stood still or libvirt did not answer: measured anew. */
export function forgetSamples(suspicion: Suspicion): void {
  suspicion.first = 'pending';
  suspicion.judged = false;
  suspicion.progressing = false;
}

/** Whether the guest can be expected to answer now: what it leaves unanswered otherwise is not its resources' fault. */
export function isHeard(turn: Turn, assembly: AssemblyState): boolean {
  const silentMs = turn.now.monotonicMs - assembly.heardMs;
  return assembly.domain !== 'paused' && silentMs < turn.state.limits.suspectAfterMs;
}

/** The guest has said something: what was measured quietly is void. */
export function heard(turn: Turn, assembly: AssemblyState): void {
  if (assembly.name !== 'suspect') assembly.suspicion = null;
  if (!isHeard(turn, assembly))
    for (const resource of assembly.resources.values()) awaitAnswerAnew(turn, resource);
  assembly.heardMs = turn.now.monotonicMs;
}

/** A paused VM runs again: all that was awaited from its guest gets its time anew. */
export function resumed(turn: Turn, assembly: AssemblyState): void {
  if (assembly.name === 'booting') setDeadline(turn, assembly, turn.state.limits.bootMs);
  else if (assembly.name !== 'online' && assembly.name !== 'suspect') return;
  for (const resource of assembly.resources.values()) awaitAnswerAnew(turn, resource);
  assembly.heardMs = turn.now.monotonicMs;
  if (runsAgain(turn, assembly)) return;
  assembly.note = null;
  if (assembly.name !== 'suspect') return;
  assembly.suspicion = null;
  moveAssembly(turn, assembly, 'online');
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(
    turn,
    'assembly-active',
    'info',
    placeOf(assembly),
    `${where} is ACTIVE: its virtual machine is not paused any more.`,
  );
}

/** Its agent speaks. In a paused VM those are words from before: they end nothing. */
export function endSuspicion(turn: Turn, assembly: AssemblyState): void {
  // A VM that was stalled is told well when it has run for a while.
  if (assembly.name !== 'suspect' || assembly.domain === 'paused' || assembly.stalled !== null) return;
  const silentMs = assembly.suspicion === null ? 0 : turn.now.monotonicMs - assembly.suspicion.beganMs;
  assembly.suspicion = null;
  moveAssembly(turn, assembly, 'online');
  assembly.note = null;
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(
    turn,
    'assembly-active',
    'info',
    placeOf(assembly),
    `${where} is ACTIVE: its agent speaks again after ${seconds(silentMs)} of suspicion, nothing was done.`,
  );
}
