/**
 * What has to change for a deployable to be as its file says, in an order that can be carried out: what refers goes
 * before what is referred to goes, and comes after what is referred to has come. Carried out half, the rest of it is
 * what a second plan says. Pure; what is asked of the service for each change is the shell's.
 */
import { isSameData } from './equal.ts';
import { defaultEscalation } from '../definition.ts';
import type { Monitoring } from '../definition.ts';
import type { AssemblyStatus, DeployableStatus } from '../cped-api.ts';
import { isReference } from '../parameter.ts';
import type { Change } from './change.ts';
import {
  machineChanges,
  networksGone,
  pendingIn,
  portsGone,
  surplusDisks,
  takenMacs,
} from './plan-machine.ts';
import { alertsChange, policyChange, settings, windowsChange } from './plan-settings.ts';
import { isSame, resourceThere } from './present.ts';
import type { WantedAssembly, WantedResource, WantedService } from './wanted.ts';

/** What there is. */
export type Defined = {
  /** Null: there is none of that name. */
  readonly deployable: Pick<
    DeployableStatus,
    'monitoring' | 'escalation' | 'maintenanceWindows' | 'alerts' | 'secrets' | 'assemblies' | 'intent'
  > | null;
  /** All assemblies, whatever they are in. */
  readonly assemblies: readonly AssemblyStatus[];
  /** Secrets of the file whose value is not the one that there is. */
  readonly otherSecrets: ReadonlySet<string>;
};

export type ApplyPlan = {
  readonly changes: readonly Change[];
  /** Assemblies that are in the deployable and not in the file, and that stay, since nobody said to prune. */
  readonly leftOver: readonly string[];
  /** Of assemblies whose machine the file does not change now: what their running machine does not have yet, in words. */
  readonly atNextStart: readonly { readonly assembly: string; readonly what: readonly string[] }[];
  /** Data disks that are there and not in the file, and that stay for the same reason. */
  readonly leftOverDisks: readonly { readonly assembly: string; readonly disk: string }[];
  /** What can never be changed to what the file says. */
  readonly obstacles: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
};

/** @param prune take out and delete assemblies that the file does not have. */
export function planApply(defined: Defined, wanted: WantedService, prune: boolean): ApplyPlan {
  const { deployable } = defined;
  const members = deployable?.assemblies ?? [];
  const surplus = members.filter(({ name }) => !wanted.assemblies.some((one) => one.name === name));
  const pairs = wanted.assemblies.map((assembly) => ({
    assembly,
    there: defined.assemblies.find(({ name }) => name === assembly.name),
  }));
  const otherDisks = pairs.flatMap(({ assembly, there }) => surplusDisks(assembly, there));
  const obstacles = obstaclesOf(defined, wanted, prune);
  const isNew = deployable === null;
  const secretsGone = (deployable?.secrets ?? []).filter((secret) => !wanted.secrets.has(secret));
  const changes: Change[] = [
    ...(isNew ? [{ kind: 'create-deployable', monitoring: wanted.monitoring } as const] : []),
    ...policyChange(isNew, deployable?.escalation ?? defaultEscalation.deployable, wanted.escalation, {
      kind: 'set-deployable-escalation',
    }),
    ...windowsChange(null, deployable?.maintenanceWindows ?? [], wanted.maintenance),
    ...[...wanted.secrets.keys()]
      .filter((secret) => defined.otherSecrets.has(secret))
      .map((secret): Change => ({
        kind: 'set-secret',
        secret,
        isNew: deployable?.secrets.includes(secret) !== true,
      })),
    ...alertsChange(deployable?.alerts ?? [], wanted.alerts),
    // What goes, from the waiting end.
    ...pairs.flatMap(({ assembly, there }) => (there === undefined ? [] : clearings(assembly, there))),
    ...(prune ? surplus.flatMap((there) => clearings(emptied(there), there)) : []),
    ...pairs.flatMap(({ assembly, there }) => (there === undefined ? [] : removedResources(assembly, there))),
    ...networksGone(pairs, prune ? surplus : []),
    // What comes: things first, then what is said of them, then what leads from one to another.
    ...pairs.flatMap(({ assembly, there }) => things(assembly, there)),
    ...pairs.flatMap(({ assembly, there }) => settings(assembly, there)),
    ...pairs.filter(({ there }) => !isMember(there, members)).map(({ assembly }) => memberOf(assembly)),
    ...pairs.flatMap(({ assembly, there }) => links(assembly, there)),
    ...pairs.flatMap(({ assembly, there }) => portsGone(assembly, there)),
    ...(prune ? otherDisks.map((which): Change => ({ kind: 'remove-disk', ...which })) : []),
    ...(prune
      ? surplus.flatMap(({ name, disks }): Change[] => [
          { kind: 'remove-member', assembly: name },
          { kind: 'delete-assembly', assembly: name, dataDisks: disks.map((disk) => disk.name) },
        ])
      : []),
    // A surplus assembly that stays may be given it still.
    ...(prune || surplus.length === 0
      ? secretsGone.map((secret): Change => ({ kind: 'remove-secret', secret }))
      : []),
  ];
  return {
    changes,
    leftOver: prune ? [] : surplus.map(({ name }) => name),
    leftOverDisks: prune ? [] : otherDisks,
    atNextStart: pendingIn(pairs, changes),
    obstacles,
  };
}

function obstaclesOf(defined: Defined, wanted: WantedService, prune: boolean): ApplyPlan['obstacles'] {
  const found: { path: readonly PropertyKey[]; message: string }[] = [];
  const { deployable } = defined;
  const members = deployable?.assemblies.map(({ name }) => name) ?? [];
  if (deployable !== null && deployable.monitoring !== wanted.monitoring)
    found.push({ path: ['monitoring'], message: monitoringIsFixed(deployable.monitoring) });
  for (const { name, release, architecture, disks } of wanted.assemblies) {
    const there = defined.assemblies.find((one) => one.name === name);
    if (there === undefined) continue;
    const path = ['assemblies', name];
    if (there.deployable !== null && there.deployable !== wanted.name)
      found.push({ path, message: `assembly ${name} is in deployable ${there.deployable} already` });
    if (there.imported)
      found.push({ path, message: `assembly ${name} was imported, and a file makes none of those` });
    else if (there.release !== release || there.architecture !== architecture)
      found.push({
        path: [...path, 'release'],
        message: `assembly ${name} is ${there.release} ${there.architecture}, and its disk cannot become another; give the new one another name`,
      });
    for (const disk of disks) {
      const before = there.disks.find((one) => one.name === disk.name);
      if (before?.made === true && disk.sizeGiB < before.sizeGiB)
        found.push({
          path: [...path, 'disks', disk.name, 'sizeGiB'],
          message: `the disk has ${before.sizeGiB} GiB, and a data disk never shrinks; ${disk.sizeGiB} GiB would cut off what is on it`,
        });
    }
  }
  found.push(...takenMacs(defined.assemblies, wanted.assemblies, prune ? members : []));
  return found;
}

function monitoringIsFixed(monitoring: Monitoring): string {
  return `the deployable was created with ${monitoring}, which stays; delete it first`;
}

function isMember(there: AssemblyStatus | undefined, members: readonly AssemblyStatus[]): boolean {
  return there !== undefined && members.some(({ name }) => name === there.name);
}

function memberOf({ name }: WantedAssembly): Change {
  return { kind: 'add-member', assembly: name };
}

/** As an assembly that shall refer to nothing. */
function emptied(there: AssemblyStatus): WantedAssembly {
  const { name, release, architecture, vcpus, escalation, maintenanceWindows } = there;
  return {
    name,
    release,
    architecture,
    memoryMiB: null,
    vcpus,
    ports: [],
    disks: [],
    networks: [],
    escalation,
    dependsOn: [],
    maintenance: maintenanceWindows,
    resources: there.resources.map((resource) => ({
      ...resource,
      dependsOn: [],
      parameters: Object.fromEntries(
        Object.entries(resource.parameters).filter(([, value]) => !isReference(value)),
      ),
    })),
  };
}

/** Everything that leads from this assembly to something and shall not, or not to that. */
function clearings(wanted: WantedAssembly, there: AssemblyStatus): Change[] {
  const assembly = there.name;
  const changes: Change[] = there.dependsOn
    .filter(({ assembly: on }) => !wanted.dependsOn.some((one) => one.assembly === on))
    .map(({ assembly: on }) => ({ kind: 'clear-assembly-dependency', assembly, on }));
  for (const resource of there.resources) {
    const stays = wanted.resources.find((one) => isSame(one, resource));
    const place = { assembly, resource: resource.name };
    for (const { assembly: a, resource: r } of resource.dependsOn)
      if (!(stays?.dependsOn.some((one) => one.assembly === a && one.resource === r) ?? false))
        changes.push({
          kind: 'clear-resource-dependency',
          ...place,
          on: { assembly: a, resource: r },
        });
    // The parameters of one that goes go with it, but for those that others may have to be rid of first.
    for (const [parameter, from] of Object.entries(resource.parameters)) {
      const value = stays?.parameters[parameter];
      if (isSameData(value, from)) continue;
      if (stays === undefined ? !isReference(from) : value !== undefined && !isReference(from)) continue;
      changes.push({ kind: 'clear-parameter', ...place, parameter, from, replaced: value !== undefined });
    }
  }
  return changes;
}

function removedResources(wanted: WantedAssembly, there: AssemblyStatus): Change[] {
  return there.resources
    .filter((resource) => !wanted.resources.some((one) => isSame(one, resource)))
    .map(({ name, template }) => ({
      kind: 'remove-resource',
      assembly: there.name,
      resource: name,
      template,
    }));
}

/** The assembly, its machine, its resources. */
function things(wanted: WantedAssembly, there: AssemblyStatus | undefined): Change[] {
  const { name, release, architecture } = wanted;
  const changes: Change[] =
    there === undefined ? [{ kind: 'create-assembly', assembly: name, release, architecture }] : [];
  changes.push(...machineChanges(wanted, there));
  for (const { name: resource, template } of wanted.resources)
    if (resourceThere(there, resource, template) === undefined)
      changes.push({ kind: 'add-resource', assembly: name, resource, template });
  return changes;
}

/** Parameters and order. */
function links(wanted: WantedAssembly, there: AssemblyStatus | undefined): Change[] {
  const assembly = wanted.name;
  const changes: Change[] = wanted.resources.flatMap((resource) =>
    resourceLinks(assembly, resource, resourceThere(there, resource.name, resource.template)),
  );
  for (const { assembly: on, restart } of wanted.dependsOn) {
    const before = there?.dependsOn.find((one) => one.assembly === on);
    if (before?.restart !== restart)
      changes.push({
        kind: 'set-assembly-dependency',
        assembly,
        on,
        restart,
        isNew: before === undefined,
      });
  }
  return changes;
}

function resourceLinks(
  assembly: string,
  wanted: WantedResource,
  there: AssemblyStatus['resources'][number] | undefined,
): Change[] {
  const place = { assembly, resource: wanted.name };
  const changes: Change[] = [];
  for (const [parameter, value] of Object.entries(wanted.parameters)) {
    const from = there?.parameters[parameter] ?? null;
    if (!isSameData(from, value)) changes.push({ kind: 'set-parameter', ...place, parameter, value, from });
  }
  for (const { restart, ...on } of wanted.dependsOn) {
    const before = there?.dependsOn.find(
      (one) => one.assembly === on.assembly && one.resource === on.resource,
    );
    if (before?.restart !== restart)
      changes.push({
        kind: 'set-resource-dependency',
        ...place,
        on,
        restart,
        isNew: before === undefined,
      });
  }
  return changes;
}
