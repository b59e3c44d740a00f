/** What the hypervisor's last word on an assembly's domain amounts to. */
import type { AssemblyState } from './state.ts';

/** Whether the hypervisor's last word on the domain is that nothing runs. */
export function isOff(assembly: Pick<AssemblyState, 'domain'>): boolean {
  return assembly.domain === 'off' || assembly.domain === 'absent';
}
