/**
 * A guest that works while its agent is silent is asked by the second transport before anything is fenced
 * (DESIGN.md §6, "agent lost"). Whoever answers there is alive: its agent is restarted that way, and it is
 * asked again as long as the agent stays silent.
 */
import { maintained } from './maintenance.ts';
import { placeOf, tell } from './record.ts';
import type { AssemblyState, Turn } from './state.ts';
import { subject } from './wording.ts';

/** Asks where nobody was asked yet. True while the answer is awaited: the verdict has to wait for it. */
export function awaitsSecond(turn: Turn, assembly: AssemblyState): boolean {
  const { suspicion } = assembly;
  if (suspicion === null) return false;
  // Restarting its agent is an act too; the verdict is only reported there.
  if (maintained(turn, assembly) !== null) return false;
  const { limits } = turn.state;
  if (suspicion.second !== null) {
    // An answer that never came is none: the limit is the asker's own, with some grace.
    return turn.now.monotonicMs < suspicion.second.deadlineMs;
  }
  assembly.secondAttempt += 1;
  const attempt = assembly.secondAttempt;
  const limitMs = limits.secondAskMs;
  suspicion.second = { attempt, deadlineMs: turn.now.monotonicMs + limitMs + limits.answerGraceMs };
  turn.actions.push({ kind: 'ask-second', assembly: assembly.plan.name, attempt, limitMs });
  return true;
}

/** The answer. True where it was the awaited one and the guest is not alive there: the verdict stands. */
export function secondAnswered(
  turn: Turn,
  assembly: AssemblyState,
  attempt: number,
  answer: 'alive' | 'silent' | 'none',
): boolean {
  const { suspicion } = assembly;
  if (suspicion?.second?.attempt !== attempt) return false;
  if (answer !== 'alive') {
    // The question stays out: the verdict is made now, and would ask again otherwise.
    suspicion.second = { attempt, deadlineMs: turn.now.monotonicMs };
    return true;
  }
  suspicion.second = null;
  suspicion.sinceMs = turn.now.monotonicMs;
  if (suspicion.secondTold) return false;
  suspicion.secondTold = true;
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(
    turn,
    'assembly-suspect',
    'warning',
    placeOf(assembly),
    `${where} is ALIVE without its agent: its guest answers over ssh, so nothing is fenced. The agent is restarted that way; until it speaks, its resources are not watched.`,
  );
  return false;
}
