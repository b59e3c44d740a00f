/**
 * The operator's commands on the networks that an assembly is attached to besides its first one: attach, detach. A
 * machine that runs keeps what it was started with. Whether there is such a network is looked up at the start; one that
 * is not there now may come until then, so that is only told.
 */
import { closestName } from '../../catalogue/did-you-mean.ts';
import type { AssemblyDefinition } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { quoteForMessage } from '../../model/names.ts';
import {
  isSamePlace,
  macOf,
  maxNetworks,
  networkAttachmentSchema,
  parsePlaceWord,
  placeText,
  placeWord,
} from '../../model/network-attachment.ts';
import type { NetworkAttachment, NetworkPlace } from '../../model/network-attachment.ts';
import { errorTextOf } from '../../service/error-code.ts';
import { findAssembly } from './context.ts';
import type { DefinitionContext } from './context.ts';
import type { AssemblyChange } from './effect.ts';
import { conflict } from './refusals.ts';

/**
 * Attaches an assembly to a network, or gives its card there another hardware address.
 * @param word `network:NAME` or `bridge:NAME`
 * @param mac null: one that comes from the assembly's identity
 * @throws PcloudError `bad-name`, `unknown-assembly`, `bad-network`, `too-many-networks`, `mac-taken`.
 */
export async function setNetwork(
  context: DefinitionContext,
  name: string,
  word: string,
  mac: string | null,
): Promise<AssemblyChange> {
  findAssembly(context, name);
  const wanted = checkedAttachment(name, word, mac);
  const missing = await missingNote(context, wanted);
  return context.store.transaction(() => {
    const assembly = findAssembly(context, name);
    const before = assembly.networks.find((one) => isSamePlace(one, wanted));
    if (before === undefined && assembly.networks.length >= maxNetworks)
      throw conflict(
        'too-many-networks',
        `Assembly ${name} is attached to ${maxNetworks} further networks already, and a machine takes no more.`,
        `Detach it from one with \`assembly_network_remove ${name} NETWORK\`.`,
        { assembly: name },
      );
    refuseTakenMac(context, assembly, wanted);
    const networks =
      before === undefined
        ? [...assembly.networks, wanted]
        : assembly.networks.map((one) => (one === before ? wanted : one));
    context.store.setNetworks(name, networks);
    return { assembly: findAssembly(context, name), takesEffect: 'at-start', note: missing };
  });
}

/**
 * Detaches an assembly from a network.
 * @param word `network:NAME` or `bridge:NAME`
 * @throws PcloudError `bad-name`, `unknown-assembly`, `bad-network`, `unknown-network`.
 */
export function removeNetwork(context: DefinitionContext, name: string, word: string): AssemblyChange {
  const place = checkedAttachment(name, word, null);
  return context.store.transaction(() => {
    const assembly = findAssembly(context, name);
    const networks = assembly.networks.filter((one) => !isSamePlace(one, place));
    if (networks.length === assembly.networks.length) throw unknownNetwork(assembly, place);
    context.store.setNetworks(name, networks);
    return { assembly: findAssembly(context, name), takesEffect: 'at-start', note: null };
  });
}

async function missingNote(context: DefinitionContext, place: NetworkPlace): Promise<string | null> {
  try {
    const problem = await context.networkProblem(place);
    return problem === null
      ? null
      : `At the moment ${problem.message}, and without it the machine is not started. ${problem.hint}`;
  } catch (error) {
    return `Whether there is a ${placeText(place)} could not be looked up (${errorTextOf(error).replace(/\.$/, '')}); the next start does.`;
  }
}

function checkedAttachment(assembly: string, word: string, mac: string | null): NetworkAttachment {
  const place = parsePlaceWord(word);
  const parsed = networkAttachmentSchema.safeParse({ ...place, mac });
  if (parsed.success) return parsed.data;
  const isMac = place !== undefined && parsed.error.issues[0]?.path[0] === 'mac';
  throw new PcloudError({
    code: 'bad-network',
    category: 'invalid',
    message: isMac
      ? `The card of assembly ${assembly} cannot have the hardware address ${quoteForMessage(mac ?? '')}.`
      : `Assembly ${assembly} cannot be attached to ${quoteForMessage(word)}.`,
    hint: isMac
      ? 'It is six pairs of hexadecimal digits with colons, of one card and not of a group, such as 52:54:00:12:34:56.'
      : 'It is network:NAME for a network of libvirt (`virsh net-list --all`), or bridge:NAME for a bridge of the host (`ip link show type bridge`).',
    facts: { assembly },
  });
}

/** Two cards of one address on one network lose each other's packets. */
function refuseTakenMac(
  context: DefinitionContext,
  assembly: AssemblyDefinition,
  wanted: NetworkAttachment,
): void {
  const mac = macOf(assembly.uuid, wanted);
  const other = context.store
    .assemblies()
    .find((one) =>
      [
        one.macAddress,
        ...one.networks
          .filter((network) => one.name !== assembly.name || !isSamePlace(network, wanted))
          .map((network) => macOf(one.uuid, network)),
      ].includes(mac),
    );
  if (other === undefined) return;
  throw conflict(
    'mac-taken',
    `A card of assembly ${other.name} has the hardware address ${mac} already.`,
    'Choose another one, or none: then one is made that no other card has.',
    { assembly: assembly.name, other: other.name },
  );
}

function unknownNetwork(assembly: AssemblyDefinition, place: NetworkPlace): PcloudError {
  const known = assembly.networks.map(placeWord);
  const near = closestName(placeWord(place), known);
  return new PcloudError({
    code: 'unknown-network',
    category: 'not-found',
    message: `Assembly ${assembly.name} is not attached to the ${placeText(place)}.`,
    hint:
      near === undefined
        ? `It is attached to ${known.join(', ') || 'no further network'}.`
        : `Did you mean ${near}?`,
    facts: { assembly: assembly.name },
  });
}
