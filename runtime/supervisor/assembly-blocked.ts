/**
 * Assemblies for which nothing more is tried until a person says so: by a start that no repetition can mend, or
 * because their deployable is given up.
 */
import { fence } from './assembly-failure.ts';
import { isOff } from './domain-words.ts';
import { endIncident, noteFailure, placeOf, tell } from './record.ts';
import { moveAssembly, type AssemblyState, type Turn } from './state.ts';
import { subject } from './wording.ts';

/** Nothing more is tried for this assembly until a person says so. */
export function blockAssembly(turn: Turn, assembly: AssemblyState, cause: string, hint: string | null): void {
  moveAssembly(turn, assembly, 'blocked');
  assembly.note = cause;
  const place = { deployable: assembly.deployable, assembly: assembly.plan.name, resource: null };
  const incident = noteFailure(turn, assembly, place, 'assembly', { cause, verdict: 'not-startable' });
  endIncident(turn, assembly, 'blocked');
  const where = subject(assembly.deployable, assembly.plan.name);
  const next = hint === null ? '' : ` ${hint}`;
  tell(
    turn,
    'assembly-blocked',
    'error',
    placeOf(assembly),
    `${where} is BLOCKED: ${cause}.${next} Nothing more is tried until deployable_recover ${assembly.deployable}.`,
    { incident },
  );
}

/** Its deployable was given up before it was its turn to start: nothing is started there any more. */
export function leaveOff(turn: Turn, assembly: AssemblyState): void {
  endIncident(turn, assembly, 'blocked');
  // Where it may run it is fenced first, and that ends in `blocked` too.
  if (!isOff(assembly)) return fence(turn, assembly, null);
  leaveBlocked(turn, assembly, 'its deployable was given up before it was started');
}

/** Off, and it stays so; told. */
export function leaveBlocked(turn: Turn, assembly: AssemblyState, why: string): void {
  moveAssembly(turn, assembly, 'blocked');
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(
    turn,
    'assembly-blocked',
    'error',
    placeOf(assembly),
    `${where} is BLOCKED: ${why}. Nothing more is tried until deployable_recover ${assembly.deployable}.`,
  );
}

/** Whether this assembly's deployable is blocked. */
export function deployableBlocked(turn: Turn, assembly: AssemblyState): boolean {
  return turn.state.deployables.get(assembly.deployable)?.blocked === true;
}
