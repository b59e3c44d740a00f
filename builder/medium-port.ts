/**
 * What recipes and builds need of the media store (`media/`), and what an installer is told of a medium. Pure
 * apart from the port's promise.
 */
import { cellServerUrl, hostLoopbackName } from './cell/cell-plan.ts';
import type { MediaStore } from './media/media-store.ts';
import type { Medium } from './media/medium.ts';

export type MediumPort = Pick<MediaStore, 'resolve' | 'provide'>;

/**
 * An address as the machine in a cell reaches it: this host's loopback has another name there.
 * @returns the address, and whether it is on this host.
 */
export function addressInCell(url: string): { readonly url: string; readonly onThisHost: boolean } {
  const address = new URL(url);
  const onThisHost = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(address.hostname);
  if (onThisHost) address.hostname = hostLoopbackName;
  return { url: address.href, onThisHost };
}

/** Where the kickstart says that the packages are. A tree on this host's disk is served inside the cell. */
export function kickstartSourceOf(
  medium: Pick<Medium, 'kind' | 'location'>,
): { readonly kind: 'cdrom' } | { readonly kind: 'url'; readonly url: string } {
  if (medium.kind === 'iso') return { kind: 'cdrom' };
  if (medium.location.startsWith('/')) return { kind: 'url', url: cellServerUrl };
  return { kind: 'url', url: addressInCell(medium.location).url };
}
