/**
 * What a service file means: the whole of a deployable as it shall be, with everything that was left out filled in.
 * And what is wrong with it that no schema sees: names in it that lead nowhere. Pure.
 */
import { checkPlanSchema } from '../check-declaration.ts';
import type { Architecture, EscalationPolicy, Monitoring, ParameterValue, Watching } from '../definition.ts';
import { defaultEscalation } from '../definition.ts';
import { parseDurationMs } from '../duration.ts';
import { deployableAlertSchema, secretOfWord } from '../deployable-alert.ts';
import type { DeployableAlert } from '../deployable-alert.ts';
import { PcloudError } from '../errors.ts';
import { maintenanceWindowSchema, parseEvery, windowKey } from '../maintenance-window.ts';
import type { MaintenanceWindow } from '../maintenance-window.ts';
import { isSamePlace, placeText } from '../network-attachment.ts';
import type { NetworkAttachment } from '../network-attachment.ts';
import { isReference, isSecret, parseParameterText } from '../parameter.ts';
import { circlesIn } from './circle.ts';
import type { ServiceFile } from './schema.ts';

export type WantedResource = {
  readonly name: string;
  readonly template: string;
  readonly escalation: EscalationPolicy;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly dependsOn: readonly {
    readonly assembly: string;
    readonly resource: string;
    readonly restart: boolean;
  }[];
  readonly watching: Watching;
};

export type WantedDisk = {
  readonly name: string;
  readonly sizeGiB: number;
  readonly mount: string | null;
};

export type WantedAssembly = {
  readonly name: string;
  readonly release: string;
  readonly architecture: Architecture;
  /** Null: whatever it has. */
  readonly memoryMiB: number | null;
  readonly vcpus: number;
  readonly ports: readonly number[];
  readonly disks: readonly WantedDisk[];
  readonly networks: readonly NetworkAttachment[];
  readonly escalation: EscalationPolicy;
  readonly dependsOn: readonly { readonly assembly: string; readonly restart: boolean }[];
  readonly maintenance: readonly MaintenanceWindow[];
  readonly resources: readonly WantedResource[];
};

/** Where a secret comes from; its value is nobody's business here. */
export type SecretSource = { readonly generate: true } | { readonly fromFile: string };

export type WantedService = {
  readonly name: string;
  readonly monitoring: Monitoring;
  readonly escalation: EscalationPolicy;
  readonly maintenance: readonly MaintenanceWindow[];
  readonly alerts: readonly DeployableAlert[];
  readonly secrets: ReadonlyMap<string, SecretSource>;
  readonly assemblies: readonly WantedAssembly[];
};

/** Something wrong in a file, by the place in it. */
export type FileFault = {
  readonly path: readonly PropertyKey[];
  /** A clause, without the place and without a full stop. */
  readonly message: string;
};

export type Wanted =
  | { readonly ok: true; readonly service: WantedService }
  | { readonly ok: false; readonly faults: readonly FileFault[] };

/** @param didYouMean the known words nearest to one; for the messages. */
export function wantedOf(
  file: ServiceFile,
  didYouMean: (word: string, known: readonly string[]) => readonly string[],
): Wanted {
  const faults: FileFault[] = [];
  const leadsNowhere: LeadsNowhere = (path, what, named, known) => {
    if (known.includes(named)) return;
    const near = didYouMean(named, known);
    const meant = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
    faults.push({ path, message: `the file has no ${what} "${named}"${meant}` });
  };
  const assemblyNames = Object.keys(file.assemblies);
  const macOwners = new Map<string, string>();
  const service: WantedService = {
    name: file.name,
    monitoring: file.monitoring,
    escalation: file.escalation ?? defaultEscalation.deployable,
    maintenance: windowsOf(file.maintenance, ['maintenance'], faults),
    alerts: alertsOf(file, faults, leadsNowhere),
    secrets: new Map(Object.entries(file.secrets)),
    assemblies: Object.entries(file.assemblies).map(([name, assembly]): WantedAssembly => {
      const path = ['assemblies', name];
      for (const [index, on] of (assembly.dependsOn ?? []).entries()) {
        leadsNowhere([...path, 'dependsOn', index, 'assembly'], 'assembly', on.assembly, assemblyNames);
        if (on.assembly === name)
          faults.push({ path: [...path, 'dependsOn', index, 'assembly'], message: 'it depends on itself' });
      }
      return {
        name,
        release: assembly.release,
        architecture: assembly.architecture,
        memoryMiB: assembly.memoryMiB ?? null,
        vcpus: assembly.vcpus,
        ports: [...new Set(assembly.ports ?? [])].toSorted((a, b) => a - b),
        disks: disksOf(assembly.disks ?? {}, [...path, 'disks'], faults),
        networks: networksOf(assembly.networks ?? [], [...path, 'networks'], macOwners, faults),
        escalation: assembly.escalation ?? defaultEscalation.assembly,
        dependsOn: assembly.dependsOn ?? [],
        maintenance: windowsOf(assembly.maintenance, [...path, 'maintenance'], faults),
        resources: Object.entries(assembly.resources).map(([resource, given]) =>
          resourceOf(file, [...path, 'resources', resource], resource, given, faults, leadsNowhere),
        ),
      };
    }),
  };
  // Names that lead nowhere make no circle.
  const all = faults.length > 0 ? faults : circlesIn(service.assemblies);
  return all.length > 0 ? { ok: false, faults: all } : { ok: true, service };
}

type LeadsNowhere = (path: PropertyKey[], what: string, named: string, known: readonly string[]) => void;

/** In the one form that the service has: every condition a list. */
function alertsOf(file: ServiceFile, faults: FileFault[], leadsNowhere: LeadsNowhere): DeployableAlert[] {
  return (file.alerts ?? []).flatMap((given, index) => {
    const path = ['alerts', index];
    const match = Object.entries(given.match ?? {}).flatMap(([key, words]) =>
      words === undefined ? [] : [[key, Array.isArray(words) ? words : [words]] as const],
    );
    const { match: _match, ...rest } = given;
    const checked = deployableAlertSchema.safeParse(
      match.length === 0 ? rest : { ...rest, match: Object.fromEntries(match) },
    );
    if (!checked.success) {
      faults.push({ path, message: 'a token is sent to https addresses only' });
      return [];
    }
    for (const key of ['webhook', 'token'] as const) {
      const secret = key in given ? secretOfWord(String(Reflect.get(given, key))) : undefined;
      if (secret !== undefined) leadsNowhere([...path, key], 'secret', secret, Object.keys(file.secrets));
    }
    return [checked.data];
  });
}

/** Each checked as the service checks it, and together. */
function windowsOf(
  given: ServiceFile['maintenance'],
  path: readonly PropertyKey[],
  faults: FileFault[],
): MaintenanceWindow[] {
  const windows: MaintenanceWindow[] = [];
  for (const [index, { every, at, timeZone, for: length }] of (given ?? []).entries()) {
    const checked = maintenanceWindowSchema.safeParse({
      every: parseEvery(typeof every === 'string' ? [every] : every),
      at,
      forMs: parseDurationMs(length),
      timeZone,
    });
    for (const issue of checked.error?.issues ?? [])
      faults.push({
        path: [...path, index, issue.path[0] === 'forMs' ? 'for' : (issue.path[0] ?? 'every')],
        message: issue.message,
      });
    if (!checked.success) continue;
    if (windows.some((one) => windowKey(one) === windowKey(checked.data)))
      faults.push({ path: [...path, index], message: 'another window has the same days and time' });
    windows.push(checked.data);
  }
  return windows;
}

type FileDisks = NonNullable<ServiceFile['assemblies'][string]['disks']>;

function disksOf(disks: FileDisks, path: readonly PropertyKey[], faults: FileFault[]): WantedDisk[] {
  const found = Object.entries(disks)
    .map(([name, { sizeGiB, mount }]) => ({ name, sizeGiB, mount: mount ?? null }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const [index, { name, mount }] of found.entries()) {
    const other = found.slice(0, index).find((one) => mount !== null && one.mount === mount);
    if (other !== undefined)
      faults.push({ path: [...path, name, 'mount'], message: `disk ${other.name} is mounted there already` });
  }
  return found;
}

type FileNetworks = NonNullable<ServiceFile['assemblies'][string]['networks']>;

/** @param owners the assembly of each hardware address that the file has asked for so far */
function networksOf(
  networks: FileNetworks,
  path: readonly PropertyKey[],
  owners: Map<string, string>,
  faults: FileFault[],
): NetworkAttachment[] {
  // The schema sees to it that there is one of the two.
  const found = networks.map(({ network, bridge, mac = null }): NetworkAttachment =>
    bridge === undefined
      ? { kind: 'network', name: network ?? '', mac }
      : { kind: 'bridge', name: bridge, mac },
  );
  for (const [index, network] of found.entries()) {
    if (found.slice(0, index).some((one) => isSamePlace(one, network)))
      faults.push({ path: [...path, index], message: `the ${placeText(network)} stands there already` });
    if (network.mac === null) continue;
    const owner = owners.get(network.mac);
    if (owner !== undefined)
      faults.push({ path: [...path, index, 'mac'], message: `a card of assembly ${owner} has that address` });
    owners.set(network.mac, String(path[1]));
  }
  return found;
}

type FileResource = ServiceFile['assemblies'][string]['resources'][string];

function resourceOf(
  file: ServiceFile,
  path: readonly PropertyKey[],
  name: string,
  given: FileResource,
  faults: FileFault[],
  leadsNowhere: LeadsNowhere,
): WantedResource {
  const assemblyNames = Object.keys(file.assemblies);
  for (const [index, on] of (given.dependsOn ?? []).entries()) {
    const at = [...path, 'dependsOn', index];
    leadsNowhere([...at, 'assembly'], 'assembly', on.assembly, assemblyNames);
    const there = file.assemblies[on.assembly];
    if (there !== undefined)
      leadsNowhere(
        [...at, 'resource'],
        `resource in assembly ${on.assembly} called`,
        on.resource,
        Object.keys(there.resources),
      );
  }
  const parameters: Record<string, ParameterValue> = {};
  for (const [parameter, text] of Object.entries(given.parameters ?? {})) {
    const at = [...path, 'parameters', parameter];
    const value = parameterOf(String(text), at, faults);
    if (value === undefined) continue;
    parameters[parameter] = value;
    if (isReference(value)) leadsNowhere(at, 'assembly', value.assembly, assemblyNames);
    if (isSecret(value)) leadsNowhere(at, 'secret', value.secret, Object.keys(file.secrets));
  }
  const { template, escalation, dependsOn } = given;
  return {
    name,
    template,
    escalation: escalation ?? defaultEscalation.resource,
    parameters,
    dependsOn: dependsOn ?? [],
    watching: watchingOf(given),
  };
}

function parameterOf(
  text: string,
  path: readonly PropertyKey[],
  faults: FileFault[],
): ParameterValue | undefined {
  try {
    return parseParameterText(text);
  } catch (error) {
    if (!(error instanceof PcloudError)) throw error;
    faults.push({ path, message: `${error.message.replace(/\.$/, '')}. ${error.hint ?? ''}`.trim() });
    return undefined;
  }
}

function watchingOf(given: FileResource): Watching {
  const { monitorIntervalMs, monitorTimeoutMs, startTimeoutMs, stopTimeoutMs, checks } = given;
  return {
    ...(monitorIntervalMs === undefined ? {} : { monitorIntervalMs }),
    ...(monitorTimeoutMs === undefined ? {} : { monitorTimeoutMs }),
    ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
    ...(stopTimeoutMs === undefined ? {} : { stopTimeoutMs }),
    ...(checks === undefined ? {} : { checks: checks.map((check) => checkPlanSchema.parse(check)) }),
  };
}
