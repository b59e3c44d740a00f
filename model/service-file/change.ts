/**
 * One change that brings a deployable nearer to its file, as data: what the shell asks of the service, one call
 * each. And how it is told to people. Which changes there are, and in which order, is `plan.ts`. Pure.
 */
import type { Architecture, EscalationPolicy, Monitoring, ParameterValue, Watching } from '../definition.ts';
import { alertText } from '../deployable-alert.ts';
import type { DeployableAlert } from '../deployable-alert.ts';
import { windowText } from '../maintenance-window.ts';
import type { MaintenanceWindow } from '../maintenance-window.ts';
import { placeText } from '../network-attachment.ts';
import type { NetworkAttachment, NetworkPlace } from '../network-attachment.ts';
import { formatParameterValue } from '../parameter.ts';

export type MachineChange = {
  readonly memoryMiB?: number;
  readonly vcpus?: number;
  readonly ports?: readonly number[];
};

/** The end of a line about what a running machine does not have before. */
const atNextStart = ' (at the next start of its machine)';

export type DiskSetting = { readonly sizeGiB: number; readonly mount: string | null };

type OfAssembly = { readonly assembly: string };
type OfResource = OfAssembly & { readonly resource: string };

export type Change =
  | { readonly kind: 'create-deployable'; readonly monitoring: Monitoring }
  | { readonly kind: 'set-secret'; readonly secret: string; readonly isNew: boolean }
  | { readonly kind: 'remove-secret'; readonly secret: string }
  | { readonly kind: 'set-deployable-escalation'; readonly policy: EscalationPolicy; readonly isNew: boolean }
  | {
      readonly kind: 'set-maintenance-windows';
      /** Null: of the deployable. */
      readonly assembly: string | null;
      readonly windows: readonly MaintenanceWindow[];
      readonly from: readonly MaintenanceWindow[];
    }
  | {
      readonly kind: 'set-alerts';
      readonly alerts: readonly DeployableAlert[];
      readonly from: readonly DeployableAlert[];
    }
  | ({
      readonly kind: 'create-assembly';
      readonly release: string;
      readonly architecture: Architecture;
    } & OfAssembly)
  | ({
      readonly kind: 'set-machine';
      readonly to: MachineChange;
      readonly from: MachineChange | null;
    } & OfAssembly)
  | ({
      readonly kind: 'set-disk';
      readonly disk: string;
      readonly to: DiskSetting;
      readonly from: DiskSetting | null;
    } & OfAssembly)
  | ({ readonly kind: 'remove-disk'; readonly disk: string } & OfAssembly)
  | ({
      readonly kind: 'set-network';
      readonly network: NetworkAttachment;
      /** The address that it has; null: it is not attached yet. */
      readonly fromMac: string | null;
      /** Whether there is a machine that has to be started anew for it. */
      readonly isNewAssembly: boolean;
      /** Only on the way to another address, which a later change sets. */
      readonly isOnTheWay: boolean;
    } & OfAssembly)
  | ({ readonly kind: 'remove-network'; readonly network: NetworkPlace } & OfAssembly)
  | ({
      readonly kind: 'set-assembly-escalation';
      readonly policy: EscalationPolicy;
      readonly isNew: boolean;
    } & OfAssembly)
  | ({
      readonly kind: 'set-assembly-dependency';
      readonly on: string;
      readonly restart: boolean;
      readonly isNew: boolean;
    } & OfAssembly)
  | ({ readonly kind: 'clear-assembly-dependency'; readonly on: string } & OfAssembly)
  | ({ readonly kind: 'add-member' | 'remove-member' } & OfAssembly)
  | ({ readonly kind: 'delete-assembly'; readonly dataDisks: readonly string[] } & OfAssembly)
  | ({ readonly kind: 'add-resource'; readonly template: string } & OfResource)
  | ({ readonly kind: 'remove-resource'; readonly template: string } & OfResource)
  | ({
      readonly kind: 'set-resource-escalation';
      readonly policy: EscalationPolicy;
      readonly isNew: boolean;
    } & OfResource)
  | ({
      readonly kind: 'set-watching';
      readonly watching: Watching;
      readonly from: Watching;
    } & OfResource)
  | ({
      readonly kind: 'set-parameter';
      readonly parameter: string;
      readonly value: ParameterValue;
      readonly from: ParameterValue | null;
    } & OfResource)
  | ({
      readonly kind: 'clear-parameter';
      readonly parameter: string;
      readonly from: ParameterValue;
      /** Only on the way to another value, which a later change sets. */
      readonly replaced: boolean;
    } & OfResource)
  | ({
      readonly kind: 'set-resource-dependency';
      readonly on: { readonly assembly: string; readonly resource: string };
      readonly restart: boolean;
      readonly isNew: boolean;
    } & OfResource)
  | ({
      readonly kind: 'clear-resource-dependency';
      readonly on: { readonly assembly: string; readonly resource: string };
    } & OfResource);

/** `+` comes, `-` goes, `~` becomes another. */
export type Sign = '+' | '-' | '~';
export type ToldChange = { readonly sign: Sign; readonly text: string };

/** One line for people; undefined for what is only on the way to another change. */
export function tellChange(change: Change): ToldChange | undefined {
  return 'resource' in change ? tellResourceChange(change) : tellOtherChange(change);
}

type ResourceChange = Extract<Change, { readonly resource: string }>;

function tellOtherChange(change: Exclude<Change, ResourceChange>): ToldChange | undefined {
  switch (change.kind) {
    case 'create-deployable':
      return { sign: '+', text: `deployable, monitoring ${change.monitoring}` };
    case 'set-secret':
      return { sign: change.isNew ? '+' : '~', text: `secret ${change.secret}` };
    case 'remove-secret':
      return { sign: '-', text: `secret ${change.secret}` };
    case 'set-deployable-escalation':
      return { sign: newSign(change), text: `escalation ${policyWords(change.policy)}` };
    case 'set-alerts': {
      const { alerts, from } = change;
      return { sign: signOf(from, alerts), text: `alerts ${told(from, alerts).map(alertText).join('; ')}` };
    }
    case 'set-maintenance-windows': {
      const { assembly, windows, from } = change;
      return {
        sign: signOf(from, windows),
        text: `${assembly === null ? '' : `assembly ${assembly}: `}maintenance ${told(from, windows).map(windowText).join('; ')}`,
      };
    }
    case 'create-assembly':
      return {
        sign: '+',
        text: `assembly ${change.assembly}: ${change.release} ${change.architecture}`,
      };
    case 'add-member':
      return { sign: '+', text: `assembly ${change.assembly}: in the deployable` };
    case 'remove-member':
      return { sign: '-', text: `assembly ${change.assembly}: in the deployable` };
    case 'delete-assembly':
      return {
        sign: '-',
        text: `assembly ${change.assembly}, with its disk${dataDiskWords(change.dataDisks)}`,
      };
    case 'set-machine':
      return {
        sign: change.from === null ? '+' : '~',
        text: `assembly ${change.assembly}: ${machineWords(change.to, change.from)}`,
      };
    case 'set-disk':
      return {
        sign: change.from === null ? '+' : '~',
        text: `assembly ${change.assembly}: data disk ${change.disk}, ${diskSettingWords(change.to, change.from)}`,
      };
    case 'remove-disk':
      return {
        sign: '-',
        text: `assembly ${change.assembly}: data disk ${change.disk}, with all that is on it`,
      };
    case 'set-network':
      if (change.isOnTheWay) return undefined;
      return {
        sign: change.fromMac === null ? '+' : '~',
        text: `assembly ${change.assembly}: ${networkWords(change)}`,
      };
    case 'remove-network':
      return { sign: '-', text: `assembly ${change.assembly}: ${placeText(change.network)}${atNextStart}` };
    case 'set-assembly-escalation':
      return {
        sign: newSign(change),
        text: `assembly ${change.assembly}: escalation ${policyWords(change.policy)}`,
      };
    case 'set-assembly-dependency':
      return {
        sign: newSign(change),
        text: `assembly ${change.assembly}: depends on ${change.on}${restartWords(change.restart)}`,
      };
    case 'clear-assembly-dependency':
      return { sign: '-', text: `assembly ${change.assembly}: depends on ${change.on}` };
  }
}

function tellResourceChange(change: ResourceChange): ToldChange | undefined {
  const name = `resource ${change.assembly}/${change.resource}`;
  switch (change.kind) {
    case 'add-resource':
      return { sign: '+', text: `${name}: ${change.template}` };
    case 'remove-resource':
      return { sign: '-', text: `${name}: ${change.template}` };
    case 'set-resource-escalation':
      return { sign: newSign(change), text: `${name}: escalation ${policyWords(change.policy)}` };
    case 'set-watching':
      return { sign: '~', text: `${name}: ${watchingWords(change.watching, change.from)}` };
    case 'set-parameter': {
      const was = change.from === null ? '' : `${shown(change.from)} → `;
      return {
        sign: change.from === null ? '+' : '~',
        text: `${name}: parameter ${change.parameter} = ${was}${shown(change.value)}`,
      };
    }
    case 'clear-parameter':
      if (change.replaced) return undefined;
      return { sign: '-', text: `${name}: parameter ${change.parameter} = ${shown(change.from)}` };
    case 'set-resource-dependency':
      return {
        sign: newSign(change),
        text: `${name}: depends on ${change.on.assembly}/${change.on.resource}${restartWords(change.restart)}`,
      };
    case 'clear-resource-dependency':
      return { sign: '-', text: `${name}: depends on ${change.on.assembly}/${change.on.resource}` };
  }
}

function newSign({ isNew }: { readonly isNew: boolean }): Sign {
  return isNew ? '+' : '~';
}

/** Of a list that is set at once. */
function signOf(from: readonly unknown[], to: readonly unknown[]): Sign {
  return from.length === 0 ? '+' : to.length === 0 ? '-' : '~';
}

function told<T>(from: readonly T[], to: readonly T[]): readonly T[] {
  return to.length === 0 ? from : to;
}

function restartWords(restart: boolean): string {
  return restart ? ', and restarts with it' : '';
}

function policyWords(policy: EscalationPolicy): string {
  return policy === 'never' ? 'never' : `after ${policy.failures} within ${policy.periodMs / 1000} s`;
}

function shown(value: ParameterValue): string {
  return formatParameterValue(value);
}

function machineWords(to: MachineChange, from: MachineChange | null): string {
  const words: string[] = [];
  const was = (before: string | undefined): string => (before === undefined ? '' : `${before} → `);
  if (to.memoryMiB !== undefined) words.push(`memory ${was(from?.memoryMiB?.toString())}${to.memoryMiB} MiB`);
  if (to.vcpus !== undefined) words.push(`CPUs ${was(from?.vcpus?.toString())}${to.vcpus}`);
  if (to.ports !== undefined)
    words.push(`ports ${was(from?.ports === undefined ? undefined : listed(from.ports))}${listed(to.ports)}`);
  const text = words.join(', ');
  return from === null ? text : `${text}${atNextStart}`;
}

/** The end of a sentence that names what goes. */
export function dataDiskWords(names: readonly string[]): string {
  return names.length === 0 ? '' : ` and its data disk${names.length === 1 ? '' : 's'} ${names.join(', ')}`;
}

function diskSettingWords(to: DiskSetting, from: DiskSetting | null): string {
  if (from === null) return `${to.sizeGiB} GiB${to.mount === null ? '' : `, at ${to.mount}`}`;
  const words: string[] = [];
  if (to.sizeGiB !== from.sizeGiB) words.push(`${from.sizeGiB} → ${to.sizeGiB} GiB`);
  if (to.mount !== from.mount) words.push(`at ${from.mount ?? 'no place'} → ${to.mount ?? 'no place'}`);
  return `${words.join(', ')}${atNextStart}`;
}

function networkWords({
  network,
  fromMac,
  isNewAssembly,
}: Extract<Change, { readonly kind: 'set-network' }>): string {
  const { mac } = network;
  const place = placeText(network);
  const end = isNewAssembly ? '' : atNextStart;
  if (fromMac !== null) return `${place}, ${fromMac} → ${mac ?? 'an address of its own'}${end}`;
  return `${place}${mac === null ? '' : `, ${mac}`}${end}`;
}

function listed(ports: readonly number[]): string {
  return ports.length === 0 ? 'none' : ports.join(' ');
}

const watchingKeys = ['monitorIntervalMs', 'monitorTimeoutMs', 'startTimeoutMs', 'stopTimeoutMs'] as const;

function watchingWords(to: Watching, from: Watching): string {
  const words: string[] = watchingKeys
    .filter((key) => to[key] !== from[key])
    .map((key) => `${key} ${from[key] ?? 'as its template'} → ${to[key] ?? 'as its template'}`);
  if (JSON.stringify(to.checks) !== JSON.stringify(from.checks))
    words.push(
      to.checks === undefined
        ? 'checks as its template'
        : `checks ${to.checks.map((check) => check.name).join(', ') || 'none'}`,
    );
  return words.join(', ');
}
