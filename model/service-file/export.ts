/**
 * A deployable as the file that would make it: what `deployable_apply` takes without changing anything. What is as
 * it would be without a word is left out. Secrets are only named, for nobody is told their values. Pure.
 */
import type { AssemblyStatus, DeployableStatus } from '../cped-api.ts';
import type { CheckPlan } from '../check.ts';
import { defaultEscalation } from '../definition.ts';
import type { EscalationPolicy } from '../definition.ts';
import { formatPeriod } from '../duration.ts';
import { everyWords } from '../maintenance-window.ts';
import type { MaintenanceWindow } from '../maintenance-window.ts';
import { formatParameterValue } from '../parameter.ts';
import { isSameData } from './equal.ts';
import type { ServiceFileText } from './schema.ts';

type FileAssembly = ServiceFileText['assemblies'][string];
type FileResource = NonNullable<FileAssembly['resources']>[string];
type FileCheck = NonNullable<FileResource['checks']>[number];

/** Imported assemblies are left out: a file makes none. */
export function exportService(deployable: DeployableStatus): ServiceFileText {
  const { name, monitoring, escalation, maintenanceWindows, alerts, secrets, assemblies } = deployable;
  return {
    version: 1,
    name,
    ...(monitoring === 'am' ? {} : { monitoring }),
    ...policyOf(escalation, defaultEscalation.deployable),
    ...maintenanceOf(maintenanceWindows),
    ...(alerts.length === 0 ? {} : { alerts }),
    ...(secrets.length === 0
      ? {}
      : { secrets: Object.fromEntries(secrets.map((secret) => [secret, { generate: true } as const])) }),
    assemblies: Object.fromEntries(
      assemblies.filter(({ imported }) => !imported).map((one) => [one.name, assemblyOf(one)]),
    ),
  };
}

function policyOf(
  policy: EscalationPolicy,
  usual: EscalationPolicy,
): { readonly escalation?: EscalationPolicy } {
  return isSameData(policy, usual) ? {} : { escalation: policy };
}

function maintenanceOf(windows: readonly MaintenanceWindow[]): Pick<ServiceFileText, 'maintenance'> {
  if (windows.length === 0) return {};
  return {
    maintenance: windows.map(({ every, at, forMs, timeZone }) => {
      const days = everyWords(every);
      return {
        every:
          typeof days === 'string' ? days : days.length === 1 && days[0] !== undefined ? days[0] : [...days],
        at,
        for: formatPeriod(forMs),
        ...(timeZone === 'UTC' ? {} : { timeZone }),
      };
    }),
  };
}

function assemblyOf(assembly: AssemblyStatus): FileAssembly {
  const { release, architecture, memoryMiB, vcpus, ports, disks, networks } = assembly;
  const { escalation, dependsOn, resources } = assembly;
  return {
    release,
    ...(architecture === 'x86_64' ? {} : { architecture }),
    memoryMiB,
    ...(vcpus === 1 ? {} : { vcpus }),
    ...(ports.length === 0 ? {} : { ports: ports.map(({ guestPort }) => guestPort) }),
    ...(disks.length === 0
      ? {}
      : {
          disks: Object.fromEntries(
            disks.map(({ name, sizeGiB, mount }) => [
              name,
              { sizeGiB, ...(mount === null ? {} : { mount }) },
            ]),
          ),
        }),
    ...(networks.length === 0
      ? {}
      : {
          networks: networks.map(({ kind, name, mac, macGiven }) => ({
            ...(kind === 'bridge' ? { bridge: name } : { network: name }),
            ...(macGiven ? { mac } : {}),
          })),
        }),
    ...policyOf(escalation, defaultEscalation.assembly),
    ...maintenanceOf(assembly.maintenanceWindows),
    ...(dependsOn.length === 0 ? {} : { dependsOn: dependsOn.map(withoutFalse) }),
    ...(resources.length === 0
      ? {}
      : { resources: Object.fromEntries(resources.map((one) => [one.name, resourceOf(one)])) }),
  };
}

function withoutFalse<T extends { readonly restart: boolean }>({
  restart,
  ...on
}: T): Omit<T, 'restart'> & { restart?: boolean } {
  return restart ? { ...on, restart } : on;
}

function resourceOf(resource: AssemblyStatus['resources'][number]): FileResource {
  const { template, parameters, escalation, dependsOn, watching } = resource;
  const { checks, ...times } = watching;
  return {
    template,
    ...(Object.keys(parameters).length === 0
      ? {}
      : {
          parameters: Object.fromEntries(
            Object.entries(parameters).map(([name, value]) => [name, formatParameterValue(value)]),
          ),
        }),
    ...policyOf(escalation, defaultEscalation.resource),
    ...(dependsOn.length === 0 ? {} : { dependsOn: dependsOn.map(withoutFalse) }),
    ...times,
    ...(checks === undefined ? {} : { checks: checks.map(checkOf) }),
  };
}

/** As a template writes it down. */
function checkOf({ name, probe, ...times }: CheckPlan): FileCheck {
  switch (probe.kind) {
    case 'http': {
      const { kind: _kind, statusFrom, statusTo, bodyContains, ...where } = probe;
      const status = statusFrom === statusTo ? statusFrom : `${statusFrom}-${statusTo}`;
      return {
        name,
        http: { ...where, status, ...(bodyContains === undefined ? {} : { bodyContains }) },
        ...times,
      };
    }
    case 'tcp':
      return { name, tcp: { guestPort: probe.guestPort }, ...times };
    case 'command':
      return { name, command: { arguments: [...probe.arguments] }, ...times };
  }
}
