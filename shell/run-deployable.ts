/**
 * Starting and stopping a deployable as commands do it: missing images are built first, and the end is waited for.
 * Which commands do so is theirs to say.
 */
import { PcloudError } from '../model/errors.ts';
import { tellingAtStop } from './context.ts';
import type { ShellContext } from './context.ts';
import { formatElapsed } from './duration.ts';
import { followBuilds } from './follow-build.ts';
import type { WantedImage } from './follow-build.ts';
import { describeRequirement } from './output.ts';
import type { CpedPort, NeededImage } from './ports.ts';
import { renderWarning } from './render-message.ts';
import { waitForDeployable } from './wait-deployable.ts';

const defaultTimeoutMs = 600_000;

export const timeoutOption = {
  name: 'timeout',
  kind: 'duration',
  value: 'TIME',
  about: 'wait at most this long (10m unless given)',
} as const;
export const noWaitOption = {
  name: 'no-wait',
  kind: 'flag',
  about: 'return as soon as the service has taken it',
} as const;

export type WaitOptions = {
  readonly timeout: number | undefined;
  readonly 'no-wait': true | undefined;
};

/** @throws PcloudError the service's, a build's, and `not-active` and the like of the waiting. */
export async function startAndWait(name: string, options: WaitOptions, context: ShellContext): Promise<void> {
  const cped = await context.services.cped();
  await tellingAtStop(
    `${name} is not started before that: deployable_start ${name} goes on from there.`,
    async () => await buildMissingImages(await cped.requirements(name), context),
  );
  const { lastSeq } = await cped.status();
  await cped.startDeployable(name);
  context.screen.print([`deployable ${name} is being started`]);
  if (options['no-wait']) return;
  const tookMs = await waitForDeployable(
    {
      name: name,
      goal: 'active',
      timeoutMs: options.timeout ?? defaultTimeoutMs,
      afterSeq: lastSeq,
    },
    cped,
    context,
  );
  context.screen.print([
    `deployable ${name} is ACTIVE after ${formatElapsed(tookMs)}`,
    ...(await addressesOf(name, cped)),
  ]);
}

/** @throws PcloudError the service's, and those of the waiting. */
export async function stopAndWait(name: string, options: WaitOptions, context: ShellContext): Promise<void> {
  const cped = await context.services.cped();
  const { lastSeq } = await cped.status();
  await cped.stopDeployable(name);
  context.screen.print([`deployable ${name} is being stopped`]);
  if (options['no-wait']) return;
  const tookMs = await waitForDeployable(
    {
      name: name,
      goal: 'stopped',
      timeoutMs: options.timeout ?? defaultTimeoutMs,
      afterSeq: lastSeq,
    },
    cped,
    context,
  );
  context.screen.print([`deployable ${name} is stopped after ${formatElapsed(tookMs)}`]);
}

async function addressesOf(name: string, cped: CpedPort): Promise<readonly string[]> {
  const { assemblies } = await cped.deployable(name);
  return assemblies.flatMap((assembly) =>
    assembly.resources.flatMap(({ name: resource, urls }) =>
      urls.map((url) => `  ${resource} in ${assembly.name}: ${url}`),
    ),
  );
}

/** Asks for every image at once, so that the builder can work on them together, and then waits for all. */
export async function buildMissingImages(
  needed: readonly NeededImage[],
  context: ShellContext,
): Promise<void> {
  if (needed.length === 0) return;
  const wanted: WantedImage[] = [];
  try {
    const builder = await context.services.builder();
    for (const { requirement } of needed)
      wanted.push({
        title: describeRequirement(requirement),
        ensured: await builder.ensureRequirement(requirement),
      });
  } catch (error) {
    if (!(error instanceof PcloudError) || error.category !== 'unavailable') throw error;
    // The runtime works without the builder: it knows which images are there, and says what is missing.
    context.screen.complain(
      renderWarning(
        `${error.message} Going on with the images that are there.`,
        error.hint,
        context.screen.style,
      ),
    );
    return;
  }
  const built = await followBuilds(wanted, context);
  context.screen.print(
    built.map(
      ({ title, digest, elapsedMs }) =>
        `image ${title} is built: ${digest.slice(0, 12)} in ${formatElapsed(elapsedMs)}`,
    ),
  );
}
