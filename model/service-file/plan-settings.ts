/**
 * The part of a plan that only sets what is already there, by itself: escalation, windows of maintenance, alerts, how
 * resources are watched. In which order that comes is `plan.ts`. Pure.
 */
import type { AssemblyStatus } from '../cped-api.ts';
import { defaultEscalation } from '../definition.ts';
import type { DeployableAlert } from '../deployable-alert.ts';
import type { MaintenanceWindow } from '../maintenance-window.ts';
import type { Change } from './change.ts';
import { isSameData } from './equal.ts';
import { resourceThere } from './present.ts';
import type { WantedAssembly, WantedService } from './wanted.ts';

/** Escalation, windows of maintenance, and how resources are watched. */
export function settings(wanted: WantedAssembly, there: AssemblyStatus | undefined): Change[] {
  const assembly = wanted.name;
  return [
    ...policyChange(there === undefined, there?.escalation ?? defaultEscalation.assembly, wanted.escalation, {
      kind: 'set-assembly-escalation',
      assembly,
    }),
    ...windowsChange(assembly, there?.maintenanceWindows ?? [], wanted.maintenance),
    ...wanted.resources.flatMap((resource): Change[] => {
      const present = resourceThere(there, resource.name, resource.template);
      const place = { assembly, resource: resource.name };
      const from = present?.watching ?? {};
      return [
        ...policyChange(
          present === undefined,
          present?.escalation ?? defaultEscalation.resource,
          resource.escalation,
          { kind: 'set-resource-escalation', ...place },
        ),
        ...(isSameData(from, resource.watching)
          ? []
          : [{ kind: 'set-watching', ...place, watching: resource.watching, from } as const]),
      ];
    }),
  ];
}

type PolicyPlace =
  | { readonly kind: 'set-deployable-escalation' }
  | { readonly kind: 'set-assembly-escalation'; readonly assembly: string }
  | { readonly kind: 'set-resource-escalation'; readonly assembly: string; readonly resource: string };

export function policyChange(
  isNew: boolean,
  before: WantedService['escalation'],
  policy: WantedService['escalation'],
  place: PolicyPlace,
): Change[] {
  return isSameData(before, policy) ? [] : [{ ...place, policy, isNew }];
}

/** In whatever order they are: a deployable's for `assembly` null. */
export function windowsChange(
  assembly: string | null,
  from: readonly MaintenanceWindow[],
  windows: readonly MaintenanceWindow[],
): Change[] {
  const isSame =
    from.length === windows.length && windows.every((one) => from.some((other) => isSameData(one, other)));
  return isSame ? [] : [{ kind: 'set-maintenance-windows', assembly, windows, from }];
}

export function alertsChange(from: readonly DeployableAlert[], alerts: readonly DeployableAlert[]): Change[] {
  return isSameData(from, alerts) ? [] : [{ kind: 'set-alerts', alerts, from }];
}
