/**
 * The private stack of a checkout as a whole: libvirtd, pcloud-builder (which starts its own Redis) and
 * pcloud-cped, started in that order and stopped in reverse. Each part's own start and stop stand in
 * `libvirtd.ts` and `services.ts`; what only a sweep finds, in `members.ts`.
 */
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type StackLayout, environmentOf, envFileText, layoutOf } from './layout.ts';
import { livingLibvirtd, privateLibvirtUri, startPrivateLibvirtd, stopPrivateLibvirtd } from './libvirtd.ts';
import { withLock } from './lock.ts';
import { type StackMember, listMembers, stopMembers } from './members.ts';
import { writeFileAtomically } from './pid-file.ts';
import type { ProcessIdentity } from './processes.ts';
import { livingService, serviceNames, startService, stopService } from './services.ts';

/**
 * The layout of this checkout's stack, as this user.
 * @param stateDir another one than `.pcloud`, for a stack of a test's own
 */
export function layoutOfThisCheckout(stateDir?: string): StackLayout {
  return layoutOf({
    checkout: path.resolve(import.meta.dirname, '../..'),
    uid: process.getuid?.() ?? 0,
    xdgRuntimeDir: process.env['XDG_RUNTIME_DIR'],
    stateDir,
  });
}

/** What a client of this stack needs in its environment. */
export function clientEnvironment(layout: StackLayout): Readonly<Record<string, string>> {
  return environmentOf(layout, privateLibvirtUri(layout));
}

/**
 * Starts what does not run yet and waits until all of it answers. After a killed run, what that left behind
 * is ended first: its machines too, since a libvirtd that is gone cannot vouch for them.
 * @param onProgress called with the name of each part before it starts
 * @throws PcloudError `daemon-not-started` or `daemon-not-ready`, naming the log
 */
export async function upStack(layout: StackLayout, onProgress: (part: string) => void): Promise<void> {
  await prepareStack(layout, async () => {
    if (livingLibvirtd(layout) === undefined) onProgress('libvirtd');
    await startPrivateLibvirtd(layout);
    for (const name of serviceNames) {
      if (livingService(layout, name) === undefined) onProgress(name);
      await startService(layout, name);
    }
  });
}

/**
 * Makes the stack's directories, sweeps after a killed run where nothing of the stack runs, and starts what
 * `work` starts, one caller at a time.
 */
export async function prepareStack(layout: StackLayout, work: () => Promise<unknown>): Promise<void> {
  mkdirSync(layout.stateDir, { recursive: true });
  await withLock(path.join(layout.stateDir, 'stack.lock'), async () => {
    const anyAlive = statusOf(layout).some((part) => part.process !== undefined);
    if (!anyAlive) await sweep(layout);
    mkdirSync(layout.runtimeDir, { recursive: true, mode: 0o700 });
    writeFileAtomically(layout.envFile, envFileText(clientEnvironment(layout)), 0o644);
    await work();
  });
}

/**
 * Stops everything of this stack, machines included, and awaits that it is gone. Definitions, images and
 * disks stay; what the operator wants up is started again after the next `up`.
 * @returns the members that no part accounted for (left by a killed run)
 */
export async function downStack(
  layout: StackLayout,
  onProgress: (part: string) => void,
): Promise<readonly StackMember[]> {
  mkdirSync(layout.stateDir, { recursive: true });
  return withLock(path.join(layout.stateDir, 'stack.lock'), async () => {
    for (const name of [...serviceNames].reverse()) {
      // The supervisor goes first: machines that it still watched would be started again.
      onProgress(name);
      await stopService(layout, name);
    }
    onProgress('machines and libvirtd');
    await stopPrivateLibvirtd(layout);
    return sweep(layout);
  });
}

async function sweep(layout: StackLayout): Promise<readonly StackMember[]> {
  const left = await stopMembers(layout, 'all');
  rmSync(layout.runtimeDir, { recursive: true, force: true });
  return left;
}

export type PartStatus = { readonly part: string; readonly process: ProcessIdentity | undefined };

/** Each daemon of the stack and the process that it runs as. */
export function statusOf(layout: StackLayout): readonly PartStatus[] {
  return [
    { part: 'libvirtd', process: livingLibvirtd(layout) },
    ...serviceNames.map((name) => ({ part: name, process: livingService(layout, name) })),
  ];
}

/** The machines of this stack that run now. */
export function machinesOf(layout: StackLayout): readonly StackMember[] {
  return listMembers(layout).filter((member) => member.kind === 'machine');
}
