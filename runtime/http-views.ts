/**
 * What the operator sees of assemblies and deployables: definitions and the supervisor's view as one. Pure
 * but for reading the store; it decides no state, it only fills in what the supervisor does not hold.
 */
import type { z } from 'zod';
import { domainNameOf } from '../catalogue/assembly-paths.ts';
import type { AssemblyStatus, DeployableStatus, resourceStatusSchema } from '../model/cped-api.ts';
import type { AssemblyDefinition, DeployableDefinition, ResourceDefinition } from '../model/definition.ts';
import type { PortForward } from '../model/domain-spec.ts';
import { dataDiskTexts, pendingOf, pendingText } from '../model/machine-pending.ts';
import { interfaceText, macOf } from '../model/network-attachment.ts';
import type { ResourceTemplate } from '../model/resource-template.ts';
import type { LaunchStore } from './adapters/sqlite-launches.ts';
import type { AssemblyView, ResourceView, SupervisorControl } from './control.ts';
import { maintenanceAt } from './definitions/maintenance.ts';
import { windowsOfTarget } from './definitions/windows.ts';
import type { DefinitionStore } from './definitions/store.ts';
import { guestPortsOf } from './launcher.ts';
import { domainInterfaces } from './launcher-networks.ts';
import { sshPortOf } from './launcher-ssh.ts';

export type ResourceStatus = z.infer<typeof resourceStatusSchema>;

export type ViewContext = {
  readonly store: DefinitionStore;
  readonly launches: LaunchStore;
  readonly control: SupervisorControl;
  readonly templates: ReadonlyMap<string, ResourceTemplate>;
  readonly nowMs: () => number;
};

export function assemblyStatus(context: ViewContext, assembly: AssemblyDefinition): AssemblyStatus {
  const view = context.control.assembly(assembly.name);
  const forwards = context.launches.forwards(assembly.name);
  const stoppedAtMs = Math.max(
    context.store.assemblyCreatedAtMs(assembly.name),
    context.control.stoppedSince({ assembly: assembly.name }) ?? 0,
  );
  const atNextStart = pendingOn(context, assembly, view);
  return {
    name: assembly.name,
    release: assembly.release,
    architecture: assembly.architecture,
    deployable: context.store.deployableOf(assembly.name)?.name ?? null,
    state: view?.state ?? 'stopped',
    sinceMs: view?.sinceMs ?? stoppedAtMs,
    failuresInWindow: view?.failuresInWindow ?? 0,
    escalation: assembly.escalation,
    imageDigest: assembly.imageDigest,
    memoryMiB: assembly.memoryMiB,
    vcpus: assembly.vcpus,
    ports: assembly.ports.map((guestPort) => ({
      guestPort,
      hostPort: hostPortOf(forwards, guestPort) ?? null,
    })),
    atNextStart: [...atNextStart],
    disks: assembly.disks,
    networks: assembly.networks.map((network) => ({
      kind: network.kind,
      name: network.name,
      mac: macOf(assembly.uuid, network),
      macGiven: network.mac !== null,
    })),
    imported: assembly.imported !== null,
    transport: assembly.transport.kind,
    domainName: domainNameOf(assembly.name),
    uuid: assembly.uuid,
    sshPort: hostPortOf(forwards, sshPortOf(assembly.transport)) ?? null,
    dependsOn: assembly.dependsOn,
    maintenance: (view ?? maintained(context, { assembly: assembly.name })).maintenance,
    maintenanceWindows: windowsOfTarget(context, { kind: 'assembly', assembly: assembly.name }),
    note: view?.note ?? (atNextStart.length === 0 ? null : pendingText(atNextStart)),
    resources: assembly.resources.map((resource) =>
      resourceStatus(context, assembly.name, resource, view, forwards, stoppedAtMs),
    ),
  };
}

/** What its running machine does not have yet. */
function pendingOn(
  { launches, templates }: ViewContext,
  assembly: AssemblyDefinition,
  view: AssemblyView | undefined,
): readonly string[] {
  const runs = view !== undefined && ['booting', 'online', 'suspect'].includes(view.state);
  const started = runs ? launches.startedWith(assembly.name) : undefined;
  if (started === undefined) return [];
  const { memoryMiB, vcpus, disks } = assembly;
  const ports = [...guestPortsOf(assembly, templates)];
  const networks = domainInterfaces(assembly).map(interfaceText);
  return pendingOf(started, { memoryMiB, vcpus, ports, disks: dataDiskTexts(disks), networks });
}

export function deployableStatus(context: ViewContext, deployable: DeployableDefinition): DeployableStatus {
  const { name, intent, monitoring, escalation } = deployable;
  const view = context.control.deployable(name);
  return {
    name,
    intent,
    monitoring,
    state: view?.state ?? 'stopped',
    sinceMs:
      view?.sinceMs ??
      Math.max(
        context.store.deployableCreatedAtMs(name),
        context.control.stoppedSince({ deployable: name }) ?? 0,
      ),
    escalation,
    secrets: [...context.store.secretNames(name)],
    alerts: [...context.store.deployableAlerts(name)],
    maintenance: (view ?? maintained(context, { deployable: name })).maintenance,
    maintenanceWindows: windowsOfTarget(context, { kind: 'deployable', deployable: name }),
    note: view?.note ?? null,
    assemblies: deployable.assemblies
      .map((assembly) => context.store.assembly(assembly))
      .filter((assembly) => assembly !== undefined)
      .map((assembly) => assemblyStatus(context, assembly)),
  };
}

function resourceStatus(
  context: ViewContext,
  assemblyName: string,
  resource: ResourceDefinition,
  assembly: AssemblyView | undefined,
  forwards: readonly PortForward[],
  stoppedAtMs: number,
): ResourceStatus {
  const view = assembly?.resources.find(({ name }) => name === resource.name);
  return {
    name: resource.name,
    template: resource.template,
    state: view?.state ?? 'stopped',
    sinceMs: view?.sinceMs ?? stoppedAtMs,
    failuresInWindow: view?.failuresInWindow ?? 0,
    escalation: resource.escalation,
    urls: urlsOf(context.templates.get(resource.template), forwards),
    parameters: resource.parameters,
    dependsOn: resource.dependsOn,
    watching: resource.watching,
    maintenance: (view ?? maintained(context, { assembly: assemblyName, resource: resource.name }))
      .maintenance,
    note: noteOf(view, assembly),
  };
}

/** Of what the supervisor does not hold: it was never started, or its plan does not know it yet. */
function maintained(
  context: ViewContext,
  place: { readonly deployable?: string; readonly assembly?: string; readonly resource?: string },
): Pick<AssemblyView, 'maintenance'> {
  const { assembly } = place;
  const deployable =
    place.deployable ?? (assembly === undefined ? undefined : context.store.deployableOf(assembly)?.name);
  return { maintenance: maintenanceAt(context, deployable === undefined ? place : { ...place, deployable }) };
}

/** A resource that the running VM does not know yet is not merely stopped. */
function noteOf(view: ResourceView | undefined, assembly: AssemblyView | undefined): string | null {
  if (view !== undefined) return view.note;
  const runs = assembly !== undefined && assembly.state !== 'stopped';
  return runs ? 'It takes effect at deployable_reload.' : null;
}

/** Where a browser on this host finds it; empty until the assembly has forwarded ports. */
export function urlsOf(template: ResourceTemplate | undefined, forwards: readonly PortForward[]): string[] {
  const urls = (template?.ports ?? []).map(({ guestPort, scheme }) => {
    const hostPort = hostPortOf(forwards, guestPort);
    return hostPort === undefined || scheme === 'tcp' ? undefined : `${scheme}://127.0.0.1:${hostPort}/`;
  });
  return urls.filter((url) => url !== undefined);
}

export function hostPortOf(forwards: readonly PortForward[], guestPort: number): number | undefined {
  return forwards.find((forward) => forward.guestPort === guestPort)?.hostPort;
}
