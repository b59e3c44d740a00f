/**
 * An assembly's image out of a JEOS without a second installation: an overlay of the JEOS is booted in a QEMU of the
 * build's own, the guest's own package manager installs what the resources need, spoken to over the guest link, the
 * guest is sealed, and the overlay is the image. On failure the console log and a screenshot stay in the work
 * directory; nothing else stays, on any path.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { agentCan } from '../../model/guest-protocol.ts';
import type { Family } from '../../model/resource-template.ts';
import type { InstalledPackage } from '../../model/package-url.ts';
import { parsePackageList } from '../proof.ts';
import { agentTooOld } from './guest-errors.ts';
import { withGuest } from './guest-life.ts';
import type { GuestLife, GuestLifeOptions } from './guest-life.ts';
import { loadGuestScripts, scriptCommand } from './guest-scripts.ts';
import type { GuestScriptName, GuestScripts } from './guest-scripts.ts';
import { captureStep, runStep, runToEnd } from './guest-steps.ts';
import { installPackages, refreshPackages } from './install-packages.ts';
import { createOverlay, finishOverlay } from './overlay.ts';
import { cleanCommand, dnfProbe, inBatches, listCommand } from './package-managers.ts';
import type { Command, PackageManager } from './package-managers.ts';

/**
 * Memory of a building guest in MiB, at the least: apt's indexes and cache of a whole release (130 MiB, in memory so
 * that the disk never holds them), dpkg or yum themselves (up to 250 MiB), and room for the page cache, which
 * under emulation is worth more than anything else.
 */
export const assembleMemoryMiB = 1024;

/** QEMU's user-mode network answers names at this address (qemu(1), `-netdev user`, `dns=`). */
const nameServerAddress = '10.0.2.3';

export type AssembleInput = Omit<GuestLifeOptions, 'agentSocketPath' | 'consolePath' | 'screenPath'> & {
  /** The JEOS's disk as the finished overlay will reach it: the overlay names it relative to its own directory. */
  readonly parentDiskPath: string;
  readonly family: Family;
  readonly packages: readonly string[];
  /** Not started at boot. */
  readonly services: readonly string[];
  /** Written last into the guest, for the proof that the build came to its end. */
  readonly nonce: string;
  /** Short: sockets stand there. */
  readonly runtimeDirectory: string;
  readonly templatesDirectory: string;
  /** How far the whole is, 0 to 1, and what it is at. */
  readonly onProgress: (fraction: number, title: string) => void;
};

export type Assembled = {
  /** All that the guest's package manager has installed, sorted by name. */
  readonly packages: readonly InstalledPackage[];
  /** `sha256sum` of the archive's signed indexes as the guest saw them (apt); empty for others. */
  readonly archiveListing: string;
};

/**
 * Makes the overlay at `overlayPath` and keeps it only when all has succeeded.
 * @throws PcloudError `package-missing`, `archive-unreachable` (worth a retry), `guest-not-up`, `guest-lost`,
 *   `step-timeout`, `step-failed`, `agent-too-old`, `tool-missing`; the signal's reason when cancelled.
 */
export async function assembleByGuest(input: AssembleInput): Promise<Assembled> {
  const { onProgress, signal, workDirectory } = input;
  const place = { ...input, signal };
  const scripts = await loadGuestScripts(input.templatesDirectory);
  let finished = false;
  try {
    onProgress(0, 'Starting the JEOS');
    await createOverlay(place);
    const assembled = await withGuest(
      {
        ...input,
        agentSocketPath: path.join(input.runtimeDirectory, `build-${input.nonce.slice(0, 12)}.sock`),
        consolePath: path.join(workDirectory, 'console.log'),
        screenPath: path.join(workDirectory, 'screen.png'),
      },
      async (guest) => await fillAndSeal(input, guest, scripts),
    );
    onProgress(0.95, 'Writing the disk image');
    await finishOverlay(place);
    finished = true;
    return assembled;
  } finally {
    if (!finished) await rm(input.overlayPath, { force: true });
  }
}

async function fillAndSeal(
  input: AssembleInput,
  guest: GuestLife,
  scripts: GuestScripts,
): Promise<Assembled> {
  const { onProgress } = input;
  const { hello } = guest.session;
  if (!agentCan(hello, 'run')) throw agentTooOld(hello.agentVersion);
  const script = async (
    name: GuestScriptName,
    title: string,
    values: readonly string[] = [],
  ): Promise<void> => {
    await runStep(guest, { title, argv: scriptCommand(scripts, name, values) });
  };
  const command = async (title: string, argv: Command): Promise<void> => {
    await runStep(guest, { title, argv });
  };

  onProgress(0.12, 'Waiting for the network');
  await script('network', "Waiting for the guest's network", [nameServerAddress]);
  const manager = await managerOf(input.family, guest);
  if (manager === 'apt') await script('prepare-apt', 'Preparing for apt');
  onProgress(0.15, 'Asking the package archive');
  await refreshPackages(guest, manager);
  onProgress(0.35, 'Installing packages');
  await installPackages(guest, manager, input.packages, (fraction) =>
    onProgress(0.35 + 0.5 * fraction, 'Installing packages'),
  );
  for (const services of inBatches(input.services))
    await script('disable-services', 'Leaving the services to the supervisor', services);

  onProgress(0.86, 'Sealing the image');
  const list = await captureStep(guest, { title: 'Listing packages', argv: listCommand(manager) });
  const archiveListing = manager === 'apt' ? await listArchive(guest) : '';
  await command('Dropping what was fetched', cleanCommand(manager));
  await script(manager === 'apt' ? 'seal-apt' : 'seal-rpm', 'Sealing: the package manager');
  await script('seal', 'Sealing: identity, logs and seeds');
  await script('seal-last', 'Sealing: the proof, and no more writing', [input.nonce]);
  onProgress(0.9, 'Shutting the guest down');
  await guest.powerOff();
  return { packages: parsePackageList(list), archiveListing };
}

async function managerOf(family: Family, guest: GuestLife): Promise<PackageManager> {
  switch (family) {
    case 'debian':
      return 'apt';
    case 'fedora':
    case 'rhel': {
      const { code } = await runToEnd(guest, { title: 'Which package manager?', argv: dnfProbe });
      return code === 0 ? 'dnf' : 'yum';
    }
  }
}

/** What the archive said of itself while we installed: the builder compares it with the recipe. */
async function listArchive(guest: GuestLife): Promise<string> {
  const script = 'cd "$1" && sha256sum *InRelease';
  const argv: Command = ['/bin/sh', '-c', script, 'sh', '/run/pcloud-build/lists'];
  return await captureStep(guest, { title: "Listing the archive's indexes", argv });
}
