/**
 * The commands that make a deployable run or not: deployable_start, _stop, _reload, _recover.
 */
import { PcloudError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import type { Command } from '../command.ts';
import type { ShellContext } from '../context.ts';
import { formatElapsed } from '../duration.ts';
import { followBuilds } from '../follow-build.ts';
import type { WantedImage } from '../follow-build.ts';
import { describeRequirement } from '../output.ts';
import type { CpedPort, NeededImage } from '../ports.ts';
import { renderWarning } from '../render-message.ts';
import { waitForDeployable } from '../wait-deployable.ts';
import { deployableArgument } from './arguments.ts';

const defaultTimeoutMs = 600_000;

const timeoutOption = {
  name: 'timeout',
  kind: 'duration',
  value: 'TIME',
  about: 'wait at most this long (10m unless given)',
} as const;
const noWaitOption = {
  name: 'no-wait',
  kind: 'flag',
  about: 'return as soon as the service has taken it',
} as const;

const deployableStart = defineCommand({
  name: 'deployable_start',
  topic: 'deployables',
  summary: 'launch a deployable and wait until it is active',
  help: [
    'Has missing images built (with progress), then starts the assemblies, and shows the events until every assembly is online and every resource runs.',
    'Ctrl-C stops the waiting, not the start. With --no-wait it still waits for missing images.',
  ],
  example: 'deployable_start dep1 --timeout 5m',
  arguments: [deployableArgument],
  options: [timeoutOption, noWaitOption],
  exitCodes: [['1', 'blocked, failed, or not active in time; the message says which']],
  async run({ DEPLOYABLE }, context, options) {
    const cped = await context.services.cped();
    await buildMissingImages(await cped.requirements(DEPLOYABLE), context);
    const { lastSeq } = await cped.status();
    await cped.startDeployable(DEPLOYABLE);
    context.screen.print([`deployable ${DEPLOYABLE} is being started`]);
    if (options['no-wait']) return;
    const tookMs = await waitForDeployable(
      {
        name: DEPLOYABLE,
        goal: 'active',
        timeoutMs: options.timeout ?? defaultTimeoutMs,
        afterSeq: lastSeq,
      },
      cped,
      context,
    );
    context.screen.print([
      `deployable ${DEPLOYABLE} is ACTIVE after ${formatElapsed(tookMs)}`,
      ...(await addressesOf(DEPLOYABLE, cped)),
    ]);
  },
});

async function addressesOf(name: string, cped: CpedPort): Promise<readonly string[]> {
  const { assemblies } = await cped.deployable(name);
  return assemblies.flatMap((assembly) =>
    assembly.resources.flatMap(({ name: resource, urls }) =>
      urls.map((url) => `  ${resource} in ${assembly.name}: ${url}`),
    ),
  );
}

/** Asks for every image at once, so that the builder can work on them together, and then waits for all. */
async function buildMissingImages(needed: readonly NeededImage[], context: ShellContext): Promise<void> {
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

const deployableStop = defineCommand({
  name: 'deployable_stop',
  topic: 'deployables',
  summary: 'stop a deployable and wait until it is off',
  help: [
    'Stops the resources, shuts the virtual machines down, and forces off what does not go by itself. What you stop stays stopped, also after a boot of the host.',
  ],
  example: 'deployable_stop dep1',
  arguments: [deployableArgument],
  options: [timeoutOption, noWaitOption],
  exitCodes: [['1', 'not stopped in time, or started again meanwhile']],
  async run({ DEPLOYABLE }, context, options) {
    const cped = await context.services.cped();
    const { lastSeq } = await cped.status();
    await cped.stopDeployable(DEPLOYABLE);
    context.screen.print([`deployable ${DEPLOYABLE} is being stopped`]);
    if (options['no-wait']) return;
    const tookMs = await waitForDeployable(
      {
        name: DEPLOYABLE,
        goal: 'stopped',
        timeoutMs: options.timeout ?? defaultTimeoutMs,
        afterSeq: lastSeq,
      },
      cped,
      context,
    );
    context.screen.print([`deployable ${DEPLOYABLE} is stopped after ${formatElapsed(tookMs)}`]);
  },
});

const deployableReload = defineCommand({
  name: 'deployable_reload',
  topic: 'deployables',
  summary: 'bring a running deployable in line with its definition',
  help: [
    'Takes over assemblies, resources and escalation settings that were changed since it was started, without touching what did not change.',
  ],
  example: 'deployable_reload dep1',
  arguments: [deployableArgument],
  async run({ DEPLOYABLE }, context) {
    const cped = await context.services.cped();
    await cped.reloadDeployable(DEPLOYABLE);
    context.screen.print([`deployable ${DEPLOYABLE} follows its definition now`]);
  },
});

const deployableRecover = defineCommand({
  name: 'deployable_recover',
  topic: 'deployables',
  summary: 'let recovery go on where it was given up',
  help: [
    'For what is blocked or unrecoverable: forgets the failures counted so far and tries again. Remove the cause first; deployable_status and events say what it was.',
  ],
  example: 'deployable_recover dep1',
  arguments: [deployableArgument],
  async run({ DEPLOYABLE }, context) {
    const cped = await context.services.cped();
    await cped.recoverDeployable(DEPLOYABLE);
    context.screen.print([`recovery of deployable ${DEPLOYABLE} goes on; failures are counted anew`]);
  },
});

export const lifecycleCommands: readonly Command[] = [
  deployableStart,
  deployableStop,
  deployableReload,
  deployableRecover,
];
