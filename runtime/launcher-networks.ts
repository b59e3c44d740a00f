/**
 * The networks that a machine is to be attached to, before its start: looked up, awaited for a while, and named when they
 * do not come. A start that is bound to fail would be tried again and again, and take its healthy neighbours down with it.
 */
import type { AssemblyDefinition } from '../model/definition.ts';
import type { DomainInterface } from '../model/domain-spec.ts';
import { PcloudError } from '../model/errors.ts';
import { isSamePlace, macOf, placeWord } from '../model/network-attachment.ts';
import type { NetworkPlace } from '../model/network-attachment.ts';
import type { Logger } from '../service/logger.ts';
import type { DefinitionStore } from './definitions/store.ts';
import { changedMeanwhile } from './launcher-refusals.ts';
import type { Clock, Hypervisor, NetworkProblem } from './ports.ts';

/** A host that boots may bring its bridges up after us; libvirt starts its own networks before it answers. */
export const networkPatienceMs = 20_000;
const askAgainMs = 1000;

export type NetworkWays = {
  readonly store: Pick<DefinitionStore, 'assembly' | 'deployableOf'>;
  /** The libvirt network that every machine's first card is on; null where that is QEMU's own. */
  readonly firstNetwork: string | null;
  readonly hypervisor: Pick<Hypervisor, 'networkProblem'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly log: Logger;
};

/** Further network cards, in the order of the definition. */
export function domainInterfaces({ uuid, networks }: AssemblyDefinition): readonly DomainInterface[] {
  return networks.map((network) => ({ kind: network.kind, name: network.name, mac: macOf(uuid, network) }));
}

/**
 * Makes the function that waits until the machine of an assembly can be attached to all its networks; undefined where there is
 * none to wait for. Its promise rejects with PcloudError `network-missing`, which no repetition by itself would mend, or with
 * `changed-meanwhile` when the assembly is wanted down before they come.
 *
 * All who wait for one network share its patience, and whoever comes when that is used up is told at once: a start holds one
 * of few places (`start_limit_set`) that others need.
 */
export function networkWaiter(ways: NetworkWays): (assembly: string) => Promise<void> | undefined {
  const { store, clock, log } = ways;
  /** When each was first seen to be missing, and not since seen to be there; monotonic. */
  const missingSinceMs = new Map<string, number>();

  const placesOf = (name: string): readonly NetworkPlace[] => [
    ...(ways.firstNetwork === null ? [] : [{ kind: 'network', name: ways.firstNetwork } as const]),
    ...(store.assembly(name)?.networks ?? []),
  ];
  const isWanted = (name: string): boolean => store.deployableOf(name)?.intent === 'up';

  async function problemOf(assembly: string, place: NetworkPlace): Promise<NetworkProblem | null> {
    try {
      const problem = await ways.hypervisor.networkProblem(place);
      if (problem === null) missingSinceMs.delete(placeWord(place));
      return problem;
    } catch (error) {
      // Whoever cannot be asked says so better when the machine is started.
      log.warn({ err: error, assembly, network: placeWord(place) }, 'a network could not be looked up');
      return null;
    }
  }

  async function wait(name: string): Promise<void> {
    const wasWanted = isWanted(name);
    for (;;) {
      // Read anew each time: whoever detaches it from what is missing need not wait.
      const found = await firstProblem(placesOf(name), async (place) => await problemOf(name, place));
      if (found === null) return;
      if (wasWanted && !isWanted(name)) throw changedMeanwhile(name);
      const { place, problem } = found;
      const sinceMs = missingSinceMs.get(placeWord(place));
      if (sinceMs === undefined) {
        missingSinceMs.set(placeWord(place), clock.monotonicMs());
        const text = `${problem.message}; it is awaited for ${networkPatienceMs / 1000} s`;
        log.warn({ assembly: name, network: placeWord(place) }, text);
      } else if (clock.monotonicMs() - sinceMs >= networkPatienceMs)
        throw networkMissing(name, found, store.assembly(name)?.networks ?? []);
      await new Promise<void>((resolve) => void clock.after(askAgainMs, resolve));
    }
  }

  return (name) => (placesOf(name).length === 0 ? undefined : wait(name));
}

type Found = { readonly place: NetworkPlace; readonly problem: NetworkProblem };

async function firstProblem(
  places: readonly NetworkPlace[],
  problemOf: (place: NetworkPlace) => Promise<NetworkProblem | null>,
): Promise<Found | null> {
  for (const place of places) {
    const problem = await problemOf(place);
    if (problem !== null) return { place, problem };
  }
  return null;
}

function networkMissing(
  assembly: string,
  { place, problem }: Found,
  further: readonly NetworkPlace[],
): PcloudError {
  const otherwise = further.some((one) => isSamePlace(one, place))
    ? `To do without it: \`assembly_network_remove ${assembly} ${placeWord(place)}\`.`
    : 'It is the first network of every machine: PCLOUD_NETWORK, in the settings of pcloud-cped, names it.';
  return new PcloudError({
    code: 'network-missing',
    category: 'conflict',
    message: `Assembly ${assembly} is to be attached to a network, and ${problem.message}.`,
    hint: `${problem.hint} ${otherwise}`,
    facts: { assembly, network: placeWord(place) },
  });
}
