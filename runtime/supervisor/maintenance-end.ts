/**
 * How care begins again when a maintenance is over: what has failed meanwhile, and was only reported, is
 * recovered now.
 */
import type { MaintenanceTarget } from '../control.ts';
import { beginAssembly } from './assembly.ts';
import { escalate } from './deployable.ts';
import { maintained, maintenanceKey, tellMaintenanceEnded, warnOfEnd } from './maintenance.ts';
import { beginResource } from './resource.ts';
import type { Escalation } from './resource-recovery.ts';
import { moveAssembly, type AssemblyState, type KeptMaintenance, type Turn } from './state.ts';

/** Warnings that are due, and maintenances whose time is up. */
export function tickMaintenance(turn: Turn): void {
  for (const kept of turn.state.maintenance.values()) {
    if (kept.untilMs === null || turn.now.wallMs < kept.untilMs) warnOfEnd(turn, kept);
    else leave(turn, kept, true);
  }
}

/** A person ends it. No effect where there is none. */
export function endMaintenance(turn: Turn, target: MaintenanceTarget): void {
  const kept = turn.state.maintenance.get(maintenanceKey(target));
  if (kept !== undefined) leave(turn, kept, false);
}

function leave(turn: Turn, kept: KeptMaintenance, byItself: boolean): void {
  turn.state.maintenance.delete(maintenanceKey(kept.target));
  tellMaintenanceEnded(turn, kept, byItself);
  turn.moved = true;
  for (const assembly of turn.state.assemblies.values()) {
    if (assembly.intent === 'down') continue;
    const escalation = careAgain(turn, assembly);
    if (escalation !== null) escalate(turn, assembly, escalation);
    if (assembly.name !== 'online' || !assembly.linked) continue;
    for (const resource of assembly.resources.values())
      if (resource.name === 'failed' && maintained(turn, assembly, resource) === null)
        beginResource(turn, assembly, resource);
  }
}

/**
 * As for what is found when the service starts: what is off is started, what crashed is fenced, and what runs is
 * adopted, since a person may have brought it back; if it hangs still, that is seen within seconds.
 */
function careAgain(turn: Turn, assembly: AssemblyState): Escalation | null {
  if (assembly.name !== 'failed' || maintained(turn, assembly) !== null) return null;
  moveAssembly(turn, assembly, 'stopped');
  return beginAssembly(turn, assembly);
}
