/**
 * The making of an assembly's image by its own guest: an overlay of the JEOS is booted, and the resources'
 * packages are installed over the guest link.
 */
import type { Making, MakingContext } from './making.ts';

export async function makingOfGuest(context: MakingContext): Promise<Making> {
  throw new Error(`not yet: ${context.digest}`);
}
