/**
 * Install media for figures of the build stage: the synthetic ones of the tests, since a figure has to repeat
 * on any machine. They are small and their installer is quick, so what we add to an install weighs more here
 * than it does with a release's own media.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { mediaKernel } from '../test/media/kernel.ts';
import { makeInstallMedia, type InstallMedia } from '../test/media/make-media.ts';
import type { MediaReleaseName } from '../test/media/releases.ts';
import type { StackLayout } from '../tools/stack/layout.ts';

/** Makes the media of one release below a figure's own state directory. */
export async function benchMedia(layout: StackLayout, release: MediaReleaseName): Promise<InstallMedia> {
  return await makeInstallMedia({ release, directory: path.join(layout.stateDir, 'media-made', release) });
}

/**
 * What libguestfs, by which oz opens ISO images, needs in its environment where the host has no kernel of its
 * own to boot (a container, a microVM); nothing elsewhere.
 */
export async function applianceEnvironment(layout: StackLayout): Promise<Readonly<Record<string, string>>> {
  if (bootDirectory().some((name) => name.startsWith('vmlinuz'))) return {};
  return (await mediaKernel(path.join(layout.checkout, '.pcloud/test-media'))).applianceEnvironment;
}

function bootDirectory(): readonly string[] {
  try {
    return readdirSync('/boot');
  } catch {
    // None, or not ours to read: libguestfs would find no kernel there either.
    return [];
  }
}
