/**
 * The networks that a machine is to be attached to, before its start: looked up, awaited for a while, and named when they
 * do not come. A start that is bound to fail would be tried again and again, and take its healthy neighbours down with it.
 */
import type { AssemblyDefinition } from '../model/definition.ts';
import type { DomainInterface, DomainNetwork } from '../model/domain-spec.ts';
import { PcloudError } from '../model/errors.ts';
import { isSamePlace, macOf, placeWord } from '../model/network-attachment.ts';
import type { NetworkPlace } from '../model/network-attachment.ts';
import type { Logger } from '../service/logger.ts';
import type { Clock, Hypervisor, NetworkProblem } from './ports.ts';

/** A host that boots may bring its bridges up after us; libvirt starts its own networks before it answers. */
export const networkPatienceMs = 20_000;
const askAgainMs = 1000;

export type NetworkWays = {
  readonly hypervisor: Pick<Hypervisor, 'networkProblem'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly log: Logger;
};

/** Further network cards, in the order of the definition. */
export function domainInterfaces({ uuid, networks }: AssemblyDefinition): readonly DomainInterface[] {
  return networks.map((network) => ({ kind: network.kind, name: network.name, mac: macOf(uuid, network) }));
}

/**
 * Resolves when a machine can be attached to all of them.
 * @throws PcloudError `network-missing` after `networkPatienceMs`; a repetition by itself would not mend it.
 */
export async function awaitNetworks(
  assembly: AssemblyDefinition,
  first: DomainNetwork,
  ways: NetworkWays,
): Promise<void> {
  const places: NetworkPlace[] = [
    ...(first.kind === 'libvirt' ? [{ kind: 'network', name: first.network } as const] : []),
    ...assembly.networks,
  ];
  const { clock, log } = ways;
  const endMs = clock.monotonicMs() + networkPatienceMs;
  for (let told = false; ; told = true) {
    const found = await firstProblem(assembly.name, places, ways);
    if (found === null) return;
    if (clock.monotonicMs() >= endMs) throw networkMissing(assembly, found);
    if (!told)
      log.warn(
        { assembly: assembly.name, network: placeWord(found.place) },
        `${found.problem.message}; it is awaited for ${networkPatienceMs / 1000} s`,
      );
    await new Promise<void>((resolve) => void clock.after(askAgainMs, resolve));
  }
}

type Found = { readonly place: NetworkPlace; readonly problem: NetworkProblem };

async function firstProblem(
  assembly: string,
  places: readonly NetworkPlace[],
  { hypervisor, log }: NetworkWays,
): Promise<Found | null> {
  for (const place of places) {
    try {
      const problem = await hypervisor.networkProblem(place);
      if (problem !== null) return { place, problem };
    } catch (error) {
      // Whoever cannot be asked says so better when the machine is started.
      log.warn({ err: error, assembly, network: placeWord(place) }, 'a network could not be looked up');
    }
  }
  return null;
}

function networkMissing(assembly: AssemblyDefinition, { place, problem }: Found): PcloudError {
  const isFurther = assembly.networks.some((one) => isSamePlace(one, place));
  const otherwise = isFurther
    ? `To do without it: \`assembly_network_remove ${assembly.name} ${placeWord(place)}\`.`
    : 'It is the first network of every machine: PCLOUD_NETWORK, in the settings of pcloud-cped, names it.';
  return new PcloudError({
    code: 'network-missing',
    category: 'conflict',
    message: `Assembly ${assembly.name} is to be attached to a network, and ${problem.message}.`,
    hint: `${problem.hint} ${otherwise}`,
    facts: { assembly: assembly.name, network: placeWord(place) },
  });
}
