/**
 * The commands about images that are there: jeos_show and assembly_show, which tell what one is made of, and
 * image_gc from `image-gc.ts`.
 */
import { requirementOf } from '../../model/definition.ts';
import type { Requirement } from '../../model/definition.ts';
import type { ImageChoice } from '../../model/builder-api.ts';
import { PcloudError } from '../../model/errors.ts';
import type { AssemblyStatus } from '../../model/cped-api.ts';
import type { ImageDetails } from '../../model/image-details.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import type { ShellContext } from '../context.ts';
import { followBuilds } from '../follow-build.ts';
import { installChoice, installOptions, noWaitOption } from '../image-choice.ts';
import { describeRequirement, printJson, viewOf } from '../output.ts';
import { renderImageDetails } from '../render-image-details.ts';
import { shortDigest } from '../render-images.ts';
import { imageGc } from './image-gc.ts';

const packagesOption = {
  name: 'packages',
  kind: 'flag',
  about: 'list every package with its version as well',
} as const;

const jeosShow = defineCommand({
  name: 'jeos_show',
  topic: 'JEOS images',
  summary: 'show what a JEOS image is made of',
  help: [
    'Engine and version, install medium with its checksum, kickstart, agent, times, sizes and files of the present JEOS of a release. A medium that stands in for another, or that tests made, is named as such.',
    'The package list is SPDX 2.3 JSON in the directory shown.',
  ],
  example: 'jeos_show debian12 x86_64 --packages',
  arguments: [
    {
      name: 'RELEASE',
      kind: 'release',
      presence: 'required',
      about: 'a release of the catalogue, such as debian12 (release_list)',
    },
    { name: 'ARCH', kind: 'architecture', presence: 'required', about: 'the architecture: x86_64' },
  ],
  options: [packagesOption, jsonOption],
  exitCodes: [['1', 'it is not built']],
  async run({ RELEASE, ARCH }, context, options) {
    const builder = await context.services.builder();
    const image = await builder.jeosDetails(RELEASE, ARCH, options.packages ?? false);
    if (options.json) printJson(context, { image });
    else context.screen.print(renderImageDetails(image, viewOf(context)));
  },
});

const assemblyShow = defineCommand({
  name: 'assembly_show',
  topic: 'assemblies',
  summary: "show what an assembly's image is made of",
  help: [
    'The image that its disk stands on; for an assembly that was never started, the one that it would be started on now. All that jeos_show tells, and the JEOS below it.',
  ],
  example: 'assembly_show assy1',
  arguments: [
    { name: 'NAME', kind: 'assembly', presence: 'required', about: 'the assembly (assembly_list)' },
  ],
  options: [packagesOption, jsonOption],
  exitCodes: [['1', 'it has no image yet; the message says what builds one']],
  async run({ NAME }, context, options) {
    const cped = await context.services.cped();
    const status = await cped.assembly(NAME);
    if (status.imported) throw noImage(NAME);
    const builder = await context.services.builder();
    const requirement = requirementOf(status);
    const digest = status.imageDigest ?? (await builder.matchImage(requirement));
    const pinned = status.imageDigest !== null;
    if (digest === null) {
      if (!options.json) throw noImageYet(status, requirement);
      printJson(context, { assembly: NAME, pinned, image: null });
      return 1;
    }
    const image = await builder.imageDetails(digest, options.packages ?? false);
    if (options.json) printJson(context, { assembly: NAME, pinned, image });
    else printAssemblyImage(NAME, pinned, image, context);
    return 0;
  },
});

function printAssemblyImage(name: string, pinned: boolean, image: ImageDetails, context: ShellContext): void {
  context.screen.print([
    pinned
      ? `assembly ${name}: its disk stands on this image`
      : `assembly ${name}: it has no disk yet; it would be started on this image`,
    ...renderImageDetails(image, viewOf(context)),
  ]);
}

function noImageYet(
  { name, deployable, release, architecture }: AssemblyStatus,
  requirement: Requirement,
): PcloudError {
  const start =
    deployable === null
      ? `\`deployable_assembly_add DEPLOYABLE ${name}\` and \`deployable_start DEPLOYABLE\``
      : `\`deployable_start ${deployable}\``;
  return new PcloudError({
    code: 'image-not-built',
    category: 'not-found',
    message: `Assembly ${name} has no image yet: it needs ${describeRequirement(requirement)}, and that is not built.`,
    hint:
      requirement.templates.length === 0
        ? `Build it with \`jeos_create ${release} ${architecture}\`.`
        : `${start} builds it before it starts; build_list shows what is being built.`,
    facts: { assembly: name },
  });
}

const assemblyBuild = defineCommand({
  name: 'assembly_build',
  topic: 'assemblies',
  summary: "build an assembly's image now",
  help: [
    'deployable_start has it built as well; this is for building ahead, and for another way than the usual one. The usual one: on the JEOS of its release, for Debian by laying packages over its file tree, else by its own package manager in a running overlay of it.',
    'An assembly that has a disk already stays on its image; a new one is for those that have none.',
  ],
  example: 'assembly_build assy1 --install',
  arguments: [
    { name: 'NAME', kind: 'assembly', presence: 'required', about: 'the assembly (assembly_list)' },
  ],
  options: [
    { name: 'install', kind: 'flag', about: 'by a full install of its own, resources and all' },
    { name: 'guest', kind: 'flag', about: 'by the package manager in a running overlay of the JEOS' },
    ...installOptions,
    noWaitOption,
  ],
  exitCodes: [['1', 'the build failed; the message names its log']],
  afterCtrlC: 'the build goes on: build_list shows how far it is, build_cancel ends it',
  async run({ NAME }, context, options) {
    if (options.install && options.guest)
      throw new PcloudError({
        code: 'bad-option',
        category: 'invalid',
        message: '--install and --guest are two ways of making one image.',
        hint: 'Give one of them, or none for the usual way.',
      });
    const method: ImageChoice['method'] = options.install ? 'install' : options.guest ? 'guest' : undefined;
    const choice = { ...installChoice(options), ...(method === undefined ? {} : { method }) };
    const cped = await context.services.cped();
    const status = await cped.assembly(NAME);
    if (status.imported) throw noImage(NAME);
    const requirement = requirementOf(status);
    const builder = await context.services.builder();
    const ensured = await builder.ensureRequirement(requirement, choice);
    const title = `the image of assembly ${NAME} (${describeRequirement(requirement)})`;
    const digest = shortDigest(ensured.digest);
    if (ensured.ready) context.screen.print([`${title} is already built: ${digest}`]);
    else if (options['no-wait'])
      context.screen.print([`queued the build of ${title}: ${digest}; build_list shows how far it is`]);
    else {
      await followBuilds([{ title, ensured }], context);
      context.screen.print([`${title} is built: ${digest}`]);
    }
  },
});

function noImage(assembly: string): PcloudError {
  return new PcloudError({
    code: 'assembly-imported',
    category: 'conflict',
    message: `Assembly ${assembly} was imported: its disk is its own and stands on no image.`,
    hint: '`assembly_list` shows it.',
  });
}

export const imageCommands: readonly Command[] = [jeosShow, assemblyShow, assemblyBuild, imageGc];
