/**
 * What an assembly may be attached to besides its first network: networks of libvirt's, by name, and bridges of the host.
 * Pure; whether there is such a network at the moment is the runtime's to look up.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

export const networkKinds = ['network', 'bridge'] as const;

/** libvirt takes any name without a slash; this is what its tools and a file can hold without quotes. */
export const libvirtNetworkSchema = z
  .string()
  .max(63)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 'must be the name of a libvirt network (virsh net-list --all)');

/** An interface of Linux: at most 15 bytes (IFNAMSIZ, net/if.h), here without what no bridge is called by. */
export const bridgeSchema = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,14}$/, 'must be the name of a bridge of the host, such as br0');

/** Of one station: a group address (odd first octet) is none (IEEE 802). */
export const macSchema = z
  .string()
  .toLowerCase()
  .regex(
    /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/,
    'must be the hardware address of one card, such as 52:54:00:12:34:56',
  )
  .refine((mac) => mac !== '00:00:00:00:00:00', 'is no address');

const macOrNone = macSchema.nullable();

/** `mac` null: one that comes from the assembly's identity, and stays as long as that does. */
export const networkAttachmentSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('network'), name: libvirtNetworkSchema, mac: macOrNone }),
  z.strictObject({ kind: z.literal('bridge'), name: bridgeSchema, mac: macOrNone }),
]);
export type NetworkAttachment = z.infer<typeof networkAttachmentSchema>;
export type NetworkPlace = Pick<NetworkAttachment, 'kind' | 'name'>;

/** As many as one PCI slot has functions (catalogue/domain-xml.ts). */
export const maxNetworks = 8;
export const networkAttachmentsSchema = z.array(networkAttachmentSchema).max(maxNetworks);

export function isSamePlace(one: NetworkPlace, other: NetworkPlace): boolean {
  return one.kind === other.kind && one.name === other.name;
}

/** `network:NAME` or `bridge:NAME`, as commands take it. */
export function placeWord({ kind, name }: NetworkPlace): string {
  return `${kind}:${name}`;
}

/** What `placeWord` makes, read; undefined for anything else. Whether such a name can be is the schema's. */
export function parsePlaceWord(word: string): NetworkPlace | undefined {
  const [, kind, name] = /^(network|bridge):(.+)$/s.exec(word) ?? [];
  return (kind === 'network' || kind === 'bridge') && name !== undefined ? { kind, name } : undefined;
}

/** `libvirt network lan`, `bridge br0` */
export function placeText({ kind, name }: NetworkPlace): string {
  return kind === 'network' ? `libvirt network ${name}` : `bridge ${name}`;
}

/**
 * The hardware address of the interface: the one that was asked for, or one below QEMU's prefix from the assembly's UUID
 * and the network, so that it is the same at every start and on no two machines (24 bits, as libvirt's own).
 */
export function macOf(uuid: string, attachment: NetworkAttachment): string {
  if (attachment.mac !== null) return attachment.mac;
  const digest = createHash('sha256')
    .update(`${uuid}/${placeWord(attachment)}`)
    .digest('hex');
  return `52:54:00:${digest.slice(0, 2)}:${digest.slice(2, 4)}:${digest.slice(4, 6)}`;
}

/** `bridge br0 (52:54:00:12:34:56)`: a card as it is in a machine. */
export function interfaceText(card: NetworkPlace & { readonly mac: string }): string {
  return `${placeText(card)} (${card.mac})`;
}
