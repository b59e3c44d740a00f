/**
 * The client of pcloud-cped: one typed function for each thing that it can be asked. The shell and tests use
 * it; it knows paths and schemas, and nothing of terminals.
 */
import { z } from 'zod';
import {
  accessAnswer,
  assemblyAnswer,
  assemblyListAnswer,
  assemblyStatusSchema,
  cpedStatusAnswer,
  deployableAnswer,
  deployableListAnswer,
  deployableStatusSchema,
  importAnswer,
  requirementsAnswer,
  resourceStatusSchema,
} from '../model/cped-api.ts';
import type { diskBody, importAssemblyBody, machineBody, networkBody } from '../model/cped-api.ts';
import type { EscalationPolicy, Monitoring, ParameterValue, Watching } from '../model/definition.ts';
import type { AlertAddress, DeployableAlert } from '../model/deployable-alert.ts';
import { PcloudError } from '../model/errors.ts';
import type { MaintenanceWindow } from '../model/maintenance-window.ts';
import { journalEventSchema } from '../model/event.ts';
import { eventStream } from '../service/event-stream.ts';
import { pathOf, requestJson } from '../service/http-client.ts';
import type { Method } from '../service/http-client.ts';
import {
  alertsAnswer,
  doneAnswer,
  imagesInUseAnswer,
  incidentAnswer,
  incidentsAnswer,
  journalAnswer,
  maintenanceAnswer,
  maintenanceClearedAnswer,
  maintenanceListAnswer,
  maintenanceWindowsAnswer,
  deployableChangeAnswer,
  assemblyChangeAnswer,
  secretAnswer,
} from '../model/cped-answers.ts';
import { templateAnswer, templatesAnswer } from '../model/template-answers.ts';

/** The first start of a deployable may compute the checksums of its images; everything else is quick. */
const timeoutMs = 60_000;
/** A disk is copied as fast as it is; the caller's signal ends the wait. */
const importTimeoutMs = 24 * 3_600_000;

export type CpedClientOptions = {
  /** Ends a wait early. */
  readonly signal?: AbortSignal | undefined;
};

/** What is not given filters nothing; times are wall clock ms, `limit` is 100 unless given and at most 1000. */
export type JournalQuery = {
  readonly after?: number | undefined;
  readonly since?: number | undefined;
  readonly incident?: string | undefined;
  readonly limit?: number | undefined;
};
export type IncidentsQuery = {
  readonly open?: boolean | undefined;
  readonly deployable?: string | undefined;
  /** Noticed then or later. */
  readonly since?: number | undefined;
  readonly limit?: number | undefined;
};

/** Every function rejects with PcloudError: cped's own, or `cped-not-running` and the like. */
export type CpedClient = ReturnType<typeof cpedClient>;

export function cpedClient(socketPath: string) {
  const notRunning = (): PcloudError => cpedNotRunning(socketPath);
  const ask = async <T>(
    schema: z.ZodType<T>,
    method: Method,
    path: string,
    body?: unknown,
    options: CpedClientOptions & { readonly timeoutMs?: number } = {},
  ): Promise<T> =>
    await requestJson({ socketPath, method, path, body, schema, timeoutMs, notRunning, ...options });

  return {
    status: (options?: CpedClientOptions) => ask(cpedStatusAnswer, 'GET', '/v1/status', undefined, options),
    /** Also files that would be templates and cannot be used. */
    templates: () => ask(templatesAnswer, 'GET', '/v1/templates'),
    template: async (name: string) =>
      (await ask(templateAnswer, 'GET', pathOf`/v1/templates/${name}`)).template,
    ...assemblyCalls(ask),
    ...deployableCalls(ask),
    ...orderCalls(ask),
    ...settingCalls(ask),
    ...maintenanceCalls(ask),
    /** The newest events, or those after `after`, that the other filters let through; oldest first. */
    journal: (query: JournalQuery = {}) => ask(journalAnswer, 'GET', `/v1/journal${queryOf(query)}`),
    /** The newest that the filters let through, oldest first. */
    incidents: async (query: IncidentsQuery = {}) =>
      (await ask(incidentsAnswer, 'GET', `/v1/incidents${queryOf(query)}`)).incidents,
    incident: async (id: string) => (await ask(incidentAnswer, 'GET', pathOf`/v1/incidents/${id}`)).incident,
    /** Every event after `afterSeq` (from now on when not given); ends when cped ends or `signal` aborts. */
    events: (afterSeq: number | undefined, signal?: AbortSignal) =>
      eventStream({
        socketPath,
        path: `/v1/events${queryOf({ after: afterSeq })}`,
        schema: journalEventSchema,
        signal,
        notRunning,
      }),
    imagesInUse: (filter: { readonly release?: string; readonly architecture?: string } = {}) =>
      ask(imagesInUseAnswer, 'GET', `/v1/images-in-use${queryOf(filter)}`),
  };
}

type Ask = <T>(
  schema: z.ZodType<T>,
  method: Method,
  path: string,
  body?: unknown,
  options?: CpedClientOptions & { readonly timeoutMs?: number },
) => Promise<T>;

function assemblyCalls(ask: Ask) {
  return {
    assemblies: async () => (await ask(assemblyListAnswer, 'GET', '/v1/assemblies')).assemblies,
    assembly: (name: string) => ask(assemblyStatusSchema, 'GET', pathOf`/v1/assemblies/${name}`),
    createAssembly: (name: string, release: string, architecture: string) =>
      ask(assemblyAnswer, 'POST', '/v1/assemblies', { name, release, architecture }),
    importAssembly: (order: z.input<typeof importAssemblyBody>, options?: CpedClientOptions) =>
      ask(importAnswer, 'POST', '/v1/import', order, { ...options, timeoutMs: importTimeoutMs }),
    cloneAssembly: (source: string, name: string) =>
      ask(assemblyAnswer, 'POST', pathOf`/v1/assemblies/${source}/clone`, { name }),
    renewAssembly: (name: string) => ask(assemblyChangeAnswer, 'POST', pathOf`/v1/assemblies/${name}/renew`),
    deleteAssembly: async (name: string): Promise<void> => {
      await ask(doneAnswer, 'DELETE', pathOf`/v1/assemblies/${name}`);
    },
    access: (name: string) => ask(accessAnswer, 'GET', pathOf`/v1/assemblies/${name}/access`),
    resources: async (assembly: string) =>
      (await ask(resourceListAnswer, 'GET', pathOf`/v1/assemblies/${assembly}/resources`)).resources,
    addResource: (assembly: string, name: string, template: string) =>
      ask(assemblyChangeAnswer, 'POST', pathOf`/v1/assemblies/${assembly}/resources`, { name, template }),
    removeResource: (assembly: string, name: string) =>
      ask(assemblyChangeAnswer, 'DELETE', pathOf`/v1/assemblies/${assembly}/resources/${name}`),
    setAssemblyEscalation: (name: string, policy: EscalationPolicy) =>
      ask(assemblyChangeAnswer, 'PUT', pathOf`/v1/assemblies/${name}/escalation`, { policy }),
    setResourceEscalation: (assembly: string, resource: string, policy: EscalationPolicy) =>
      ask(assemblyChangeAnswer, 'PUT', pathOf`/v1/assemblies/${assembly}/resources/${resource}/escalation`, {
        policy,
      }),
  };
}

const resourceListAnswer = z.object({ resources: z.array(resourceStatusSchema) });

function deployableCalls(ask: Ask) {
  const act = (verb: 'start' | 'stop' | 'reload' | 'recover') => async (name: string) =>
    await ask(deployableAnswer, 'POST', pathOf`/v1/deployables/${name}/${verb}`);
  return {
    deployables: async () => (await ask(deployableListAnswer, 'GET', '/v1/deployables')).deployables,
    deployable: (name: string, options?: CpedClientOptions) =>
      ask(deployableStatusSchema, 'GET', pathOf`/v1/deployables/${name}`, undefined, options),
    createDeployable: (name: string, monitoring?: Monitoring) =>
      ask(deployableAnswer, 'POST', '/v1/deployables', { name, monitoring }),
    deleteDeployable: async (name: string): Promise<void> => {
      await ask(doneAnswer, 'DELETE', pathOf`/v1/deployables/${name}`);
    },
    addAssembly: (deployable: string, assembly: string) =>
      ask(deployableChangeAnswer, 'POST', pathOf`/v1/deployables/${deployable}/assemblies`, { assembly }),
    removeAssembly: (deployable: string, assembly: string) =>
      ask(deployableAnswer, 'DELETE', pathOf`/v1/deployables/${deployable}/assemblies/${assembly}`),
    setDeployableEscalation: (name: string, policy: EscalationPolicy) =>
      ask(deployableChangeAnswer, 'PUT', pathOf`/v1/deployables/${name}/escalation`, { policy }),
    requirements: async (name: string) =>
      (await ask(requirementsAnswer, 'GET', pathOf`/v1/deployables/${name}/requirements`)).requirements,
    startDeployable: act('start'),
    stopDeployable: act('stop'),
    reloadDeployable: act('reload'),
    recoverDeployable: act('recover'),
  };
}

/** Order and parameters; of an assembly or a resource, always the one that waits first. */
function orderCalls(ask: Ask) {
  return {
    setAssemblyDependency: (assembly: string, on: string, restart: boolean) =>
      ask(assemblyChangeAnswer, 'PUT', pathOf`/v1/assemblies/${assembly}/depends`, { on, restart }),
    clearAssemblyDependency: (assembly: string, on: string) =>
      ask(assemblyChangeAnswer, 'DELETE', pathOf`/v1/assemblies/${assembly}/depends/${on}`),
    setResourceDependency: (waiting: ResourceName, on: ResourceName, restart: boolean) =>
      ask(
        assemblyChangeAnswer,
        'PUT',
        pathOf`/v1/assemblies/${waiting.assembly}/resources/${waiting.resource}/depends`,
        { ...on, restart },
      ),
    clearResourceDependency: (waiting: ResourceName, on: ResourceName) =>
      ask(
        assemblyChangeAnswer,
        'DELETE',
        pathOf`/v1/assemblies/${waiting.assembly}/resources/${waiting.resource}/depends/${on.assembly}/${on.resource}`,
      ),
    setParameter: (of: ResourceName, parameter: string, value: ParameterValue) =>
      ask(
        assemblyChangeAnswer,
        'PUT',
        pathOf`/v1/assemblies/${of.assembly}/resources/${of.resource}/parameters/${parameter}`,
        { value },
      ),
    clearParameter: (of: ResourceName, parameter: string) =>
      ask(
        assemblyChangeAnswer,
        'DELETE',
        pathOf`/v1/assemblies/${of.assembly}/resources/${of.resource}/parameters/${parameter}`,
      ),
  };
}

/** What a machine has, how a resource is watched, and the secrets of a deployable. */
function settingCalls(ask: Ask) {
  const secretPath = (deployable: string, secret: string) =>
    pathOf`/v1/deployables/${deployable}/secrets/${secret}`;
  return {
    setMachine: (assembly: string, machine: z.input<typeof machineBody>) =>
      ask(assemblyChangeAnswer, 'PUT', pathOf`/v1/assemblies/${assembly}/machine`, machine),
    setDisk: (assembly: string, disk: string, given: z.input<typeof diskBody>) =>
      ask(assemblyChangeAnswer, 'PUT', pathOf`/v1/assemblies/${assembly}/disks/${disk}`, given),
    removeDisk: (assembly: string, disk: string) =>
      ask(assemblyChangeAnswer, 'DELETE', pathOf`/v1/assemblies/${assembly}/disks/${disk}`),
    /** @param network `network:NAME` or `bridge:NAME` */
    setNetwork: (assembly: string, network: string, given: z.input<typeof networkBody>) =>
      ask(assemblyChangeAnswer, 'PUT', pathOf`/v1/assemblies/${assembly}/networks/${network}`, given),
    removeNetwork: (assembly: string, network: string) =>
      ask(assemblyChangeAnswer, 'DELETE', pathOf`/v1/assemblies/${assembly}/networks/${network}`),
    setWatching: (of: ResourceName, watching: Watching) =>
      ask(
        assemblyChangeAnswer,
        'PUT',
        pathOf`/v1/assemblies/${of.assembly}/resources/${of.resource}/watching`,
        { watching },
      ),
    /** @param value null: one is drawn, unless there is one. */
    setSecret: (deployable: string, secret: string, value: string | null, dryRun: boolean) =>
      ask(secretAnswer, 'PUT', secretPath(deployable, secret), {
        ...(value === null ? {} : { value }),
        ...(dryRun ? { dryRun } : {}),
      }),
    setAlerts: async (deployable: string, alerts: readonly DeployableAlert[]) =>
      (await ask(alertsAnswer, 'PUT', pathOf`/v1/deployables/${deployable}/alerts`, { alerts })).alerts,
    addAlert: (deployable: string, alert: DeployableAlert) =>
      ask(alertsAnswer, 'POST', pathOf`/v1/deployables/${deployable}/alerts`, { alert }),
    removeAlert: (deployable: string, address: AlertAddress) =>
      ask(alertsAnswer, 'POST', pathOf`/v1/deployables/${deployable}/alerts/remove`, { address }),
    removeSecret: async (deployable: string, secret: string): Promise<void> => {
      await ask(doneAnswer, 'DELETE', secretPath(deployable, secret));
    },
  };
}

export type ResourceName = { readonly assembly: string; readonly resource: string };

const windowsPath = '/v1/maintenance/windows';

function maintenanceCalls(ask: Ask) {
  return {
    /** @param forMs null: until it is cleared. */
    setMaintenance: async (target: string, forMs: number | null) =>
      (await ask(maintenanceAnswer, 'POST', '/v1/maintenance', { target, forMs })).maintenance,
    clearMaintenance: (target: string) =>
      ask(maintenanceClearedAnswer, 'POST', '/v1/maintenance/clear', { target }),
    maintenances: () => ask(maintenanceListAnswer, 'GET', '/v1/maintenance'),
    setWindows: (target: string, windows: readonly MaintenanceWindow[]) =>
      ask(maintenanceWindowsAnswer, 'PUT', windowsPath, { target, windows }),
    addWindow: (target: string, window: MaintenanceWindow) =>
      ask(maintenanceWindowsAnswer, 'POST', windowsPath, { target, window }),
    removeWindow: (target: string, which: Pick<MaintenanceWindow, 'every' | 'at'>) =>
      ask(maintenanceWindowsAnswer, 'POST', `${windowsPath}/remove`, { target, ...which }),
    /** @param slots null: the host's default. */
    setStartLimit: async (slots: number | null): Promise<void> => {
      await ask(doneAnswer, 'PUT', '/v1/start-limit', { slots });
    },
  };
}

/** What to tell when nobody listens on cped's socket. */
export function cpedNotRunning(socketPath: string): PcloudError {
  return new PcloudError({
    code: 'cped-not-running',
    category: 'unavailable',
    message: `pcloud-cped is not running: nobody answers on ${socketPath}.`,
    hint: 'Start it with `systemctl start pcloud-cped.service`, or in a checkout with `make shell`.',
    facts: { socketPath },
  });
}

function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(values).filter(
    (entry): entry is [string, string | number | boolean] => entry[1] !== undefined,
  );
  if (given.length === 0) return '';
  return `?${new URLSearchParams(Object.fromEntries(given.map(([key, value]) => [key, String(value)]))).toString()}`;
}
