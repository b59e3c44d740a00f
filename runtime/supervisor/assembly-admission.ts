/**
 * Admission: whose start's turn it is. Slots for starts at the same time, order among assemblies, maintenance that
 * began while a restart was due, and machines that somebody else has started meanwhile.
 */
import { awaitHello } from './assembly.ts';
import { deployableBlocked, leaveOff } from './assembly-blocked.ts';
import { fence } from './assembly-failure.ts';
import { isOff } from './domain-words.ts';
import { maintained, untilWords } from './maintenance.ts';
import { missingAssemblies } from './order.ts';
import { endIncident, noteAction, placeOf, tell } from './record.ts';
import { moveAssembly, type AssemblyState, type Turn } from './state.ts';
import { subject } from './wording.ts';

/**
 * Gives free start slots to those who wait longest. A slot is taken from the start until the hello, because
 * booting guests compete for the same cores, and a slow boot must not look like a failure.
 */
export function admitStarts(turn: Turn): void {
  const { state, now } = turn;
  if (state.hypervisor === 'down') return;
  const waiting: AssemblyState[] = [];
  let busy = 0;
  for (const assembly of state.assemblies.values()) {
    if (assembly.name === 'starting' || (assembly.name === 'booting' && !assembly.adopted)) busy += 1;
    if (assembly.name === 'waiting' && deployableBlocked(turn, assembly)) leaveOff(turn, assembly);
    const ready =
      assembly.name === 'waiting' && assembly.domain !== 'unknown' && assembly.readyMs <= now.monotonicMs;
    if (ready && mayStart(turn, assembly)) waiting.push(assembly);
  }
  if (waiting.length === 0) return;
  waiting.sort((a, b) => a.readyMs - b.readyMs);
  for (const assembly of waiting.slice(0, Math.max(0, (state.startSlots ?? state.limits.startSlots) - busy)))
    startNow(turn, assembly);
}

/** What it depends on is up; until then that is told, once. A VM that runs already waits for nobody. */
function mayStart(turn: Turn, assembly: AssemblyState): boolean {
  // Its stop waits for others.
  if (assembly.intent === 'down') return false;
  // Somebody was quicker: it is adopted.
  if (assembly.domain === 'running' || assembly.domain === 'paused') return true;
  if (assembly.incident !== null && maintained(turn, assembly) !== null) {
    leaveUntended(turn, assembly);
    return false;
  }
  if (assembly.plan.dependsOn === undefined || !isOff(assembly)) return true;
  const missing = missingAssemblies(turn.state, assembly);
  if (missing.length === 0) return true;
  const words = missing.map((name) => `the assembly [${name}]`).join(', ');
  assembly.note = `it waits for ${words}`;
  if (assembly.orderTold) return false;
  assembly.orderTold = true;
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(turn, 'assembly-waiting', 'info', placeOf(assembly), `${where} is WAITING for ${words}.`, {
    incident: assembly.incident,
  });
  return false;
}

/** Its restart was due, but it has come into maintenance. */
function leaveUntended(turn: Turn, assembly: AssemblyState): void {
  noteAction(turn, assembly, 'not started: it is in maintenance');
  const { incident } = assembly;
  endIncident(turn, assembly, 'maintenance');
  moveAssembly(turn, assembly, 'failed');
  const until = untilWords(maintained(turn, assembly)?.untilMs ?? null);
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(
    turn,
    'assembly-failed',
    'warning',
    placeOf(assembly),
    `${where} is FAILED: ${assembly.note ?? 'it is off'}. Nothing is done about it: it is in maintenance ${until}.`,
    { incident },
  );
}

function startNow(turn: Turn, assembly: AssemblyState): void {
  // Somebody was quicker (an operator in virt-manager, or a start whose answer was lost): it runs already.
  if (assembly.domain === 'running' || assembly.domain === 'paused') {
    assembly.adopted = true;
    return awaitHello(turn, assembly);
  }
  // Or it was, and has crashed since: nothing starts before it is off.
  if (!isOff(assembly)) return fence(turn, assembly, assembly.incident?.id ?? null);
  moveAssembly(turn, assembly, 'starting');
  assembly.adopted = false;
  assembly.pending = 'start';
  assembly.handled = true;
  assembly.attempt += 1;
  turn.actions.push({ kind: 'start', assembly: assembly.plan.name, attempt: assembly.attempt });
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(turn, 'assembly-starting', 'info', placeOf(assembly), `${where} is STARTING.`, {
    incident: assembly.incident,
  });
}
