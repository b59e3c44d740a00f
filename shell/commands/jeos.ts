/**
 * The commands for JEOS images: jeos_create, jeos_delete, jeos_list, release_list.
 */
import { PcloudError } from '../../model/errors.ts';
import { agreesToLoss, yesOption } from '../agree.ts';
import type { Command } from '../command.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { ShellContext } from '../context.ts';
import { followBuilds } from '../follow-build.ts';
import { installChoice, installOptions, noWaitOption } from '../image-choice.ts';
import { printList } from '../output.ts';
import { renderWarning } from '../render-message.ts';
import { renderImages, renderReleases, shortDigest } from '../render-images.ts';

const release = {
  name: 'RELEASE',
  kind: 'release',
  presence: 'required',
  about: 'a release of the catalogue, such as debian12 (release_list)',
} as const;
const architecture = {
  name: 'ARCH',
  kind: 'architecture',
  presence: 'required',
  about: 'the architecture: x86_64',
} as const;

const jeosCreate = defineCommand({
  name: 'jeos_create',
  topic: 'JEOS images',
  summary: 'build a JEOS image',
  help: [
    'Has the image built by a queued job and shows how far it is. An image of the same recipe that is there already is used as it is. Two people who ask at once share one job.',
    'Fedora and RHEL are installed from their own media (media_list) by their own installer; release_list shows by which engines.',
  ],
  example: 'jeos_create debian12 x86_64',
  arguments: [release, architecture],
  options: [...installOptions, noWaitOption],
  exitCodes: [['1', 'the build failed; the message names its log']],
  afterCtrlC: 'the build goes on: build_list shows how far it is, build_cancel ends it',
  async run({ RELEASE, ARCH }, context, options) {
    const choice = installChoice(options);
    const builder = await context.services.builder();
    const startedMs = context.clock.monotonicMs();
    const ensured = await builder.ensureJeos(RELEASE, ARCH, choice);
    const title = `JEOS ${RELEASE} ${ARCH}`;
    const digest = shortDigest(ensured.digest);
    if (ensured.ready) {
      context.screen.print([`${title} is already built: ${digest}`]);
      return;
    }
    if (options['no-wait']) {
      context.screen.print([`queued the build of ${title}: ${digest}; build_list shows how far it is`]);
      return;
    }
    await followBuilds([{ title, ensured }], context);
    const seconds = ((context.clock.monotonicMs() - startedMs) / 1000).toFixed(1);
    context.screen.print([`${title} is built: ${digest} in ${seconds} s`]);
  },
});

const jeosDelete = defineCommand({
  name: 'jeos_delete',
  topic: 'JEOS images',
  summary: 'delete a JEOS image',
  help: [
    'Deletes the image and the assembly images built on it, unless an assembly is made of them. The runtime service is asked about that first, so it must be running. It asks first; a script says --yes.',
  ],
  example: 'jeos_delete debian12 x86_64 --yes',
  arguments: [release, architecture],
  options: [yesOption],
  exitCodes: [['1', 'not deleted: nobody said yes, or the message says why']],
  async run({ RELEASE, ARCH }, context, { yes }) {
    const users = await usersOfJeos(RELEASE, ARCH, context);
    if (users.length > 0)
      throw new PcloudError({
        code: 'image-in-use',
        category: 'conflict',
        message: `The JEOS ${RELEASE} ${ARCH} cannot be deleted: it is what ${users.join(', ')} ${users.length === 1 ? 'is' : 'are'} made of.`,
        hint: `Delete these assemblies first: ${users.map((name) => `assembly_delete ${name}`).join('; ')}`,
      });
    const loss = {
      yes,
      call: `jeos_delete ${RELEASE} ${ARCH}`,
      question: `Delete the JEOS ${RELEASE} ${ARCH} and the images built on it? They would have to be built again.`,
    };
    if (!(await agreesToLoss(loss, context))) return 1;
    const builder = await context.services.builder();
    await builder.deleteJeos(RELEASE, ARCH);
    context.screen.print([`JEOS ${RELEASE} ${ARCH} deleted`]);
    return 0;
  },
});

/** Assemblies made of a release, which may be given by another of its names. */
async function usersOfJeos(
  releaseName: string,
  architectureName: string,
  context: ShellContext,
): Promise<readonly string[]> {
  const cped = await context.services.cped();
  const builder = await context.services.builder();
  const known = (await builder.releases()).find(
    ({ name, aliases }) => name === releaseName || aliases.includes(releaseName),
  );
  return await cped.usersOf(known?.name ?? releaseName, architectureName);
}

const jeosList = defineCommand({
  name: 'jeos_list',
  topic: 'JEOS images',
  summary: 'list the JEOS images that are built',
  help: [
    'Shows release, architecture, image digest, size, age and engine of each; one that was made from a synthetic medium is named as such.',
  ],
  example: 'jeos_list --json',
  arguments: [],
  options: [jsonOption],
  async run(_, context, options) {
    const builder = await context.services.builder();
    const { images, damaged } = await builder.images();
    printList(context, {
      json: options.json,
      key: 'jeos',
      items: images.filter((image) => image.kind === 'jeos'),
      render: renderImages,
      whenEmpty: 'No JEOS is built yet; jeos_create RELEASE ARCH builds one.',
    });
    for (const { digest, reason, hint } of damaged)
      context.screen.complain(
        renderWarning(
          `The image ${shortDigest(digest)} cannot be used: ${reason}`,
          hint,
          context.screen.style,
        ),
      );
  },
});

const releaseList = defineCommand({
  name: 'release_list',
  topic: 'JEOS images',
  summary: 'list the releases that a JEOS can be built of',
  help: ['The release catalogue, as the builder has read it.'],
  example: 'release_list',
  arguments: [],
  options: [jsonOption],
  async run(_, context, options) {
    const builder = await context.services.builder();
    printList(context, {
      json: options.json,
      key: 'releases',
      items: await builder.releases(),
      render: renderReleases,
      whenEmpty: 'The catalogue is empty.',
    });
  },
});

export const jeosCommands: readonly Command[] = [jeosCreate, jeosDelete, jeosList, releaseList];
