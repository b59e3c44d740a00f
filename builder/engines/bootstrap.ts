/**
 * The engine `bootstrap`: the plan that makes a Debian image with mmdebstrap, without an installer and
 * without root. Pure: recipe in, plan out. The steps are `bootstrap-steps.ts`; what happens inside the tree
 * is the scripts' in `templates/guest/`.
 */
import path from 'node:path';
import type { BootstrapJeosRecipe, TreeAssemblyRecipe } from '../../model/recipe.ts';
import { step } from '../plan.ts';
import type { Plan } from '../plan.ts';
import {
  artifactDirectoryName,
  bootFilesStep,
  compareStep,
  convertStep,
  fileSystemSteps,
  mmdebstrapStep,
  noPadding,
  seedStep,
  templateFilesDirectory,
  templateFilesStep,
  treeSteps,
} from './bootstrap-steps.ts';
import type { BootstrapContext } from './bootstrap-steps.ts';

/** Where an assembly's tree starts from. */
export type ParentArtifact = {
  readonly digest: string;
  readonly diskFile: string;
  readonly diskSizeMiB: number;
};

const mebibyte = 1024 * 1024;

/** The plan for a JEOS. */
export function planJeos(recipe: BootstrapJeosRecipe, context: BootstrapContext): Plan {
  const guestFiles = path.join(context.templatesDirectory, 'guest', recipe.guestFiles);
  return {
    files: [
      { path: 'archive.sources', content: context.sources },
      {
        path: 'seed/variables',
        content: `KERNEL_PACKAGE=${recipe.kernelPackage}\nNONCE=${context.digest}\n`,
      },
    ],
    copies: [
      { from: guestFiles, to: 'seed' },
      { from: context.agentPath, to: 'seed/pcloud-agent' },
      { from: context.agentUnitPath, to: 'seed/pcloud-agent.service' },
    ],
    directories: [artifactDirectoryName, 'tree'],
    neededBytes: 1400 * mebibyte,
    steps: [
      seedStep(),
      mmdebstrapStep(context, recipe.suites[0] ?? '', {
        variant: recipe.variant ?? 'minbase',
        include: recipe.packages,
        script: 'customise.sh',
        setupHooks: [],
        withTemplateFiles: false,
        weight: 40,
      }),
      ...treeSteps(context),
      bootFilesStep(['vmlinuz', 'initrd', 'packages.tsv', 'archive.tsv']),
      ...fileSystemSteps(context, recipe.diskSizeMiB, context.digest),
      convertStep(undefined),
      compareStep(),
      step({
        id: 'keep-tree',
        title: 'Keeping the file tree for assembly images',
        argv: ['zstd', '-q', '-3', '-T0', 'root.tar', '-o', `${artifactDirectoryName}/root.tar.zst`],
        inputs: ['root.tar'],
        outputs: [`${artifactDirectoryName}/root.tar.zst`],
      }),
    ],
  };
}

/** The plan for an assembly image: the parent's tree with packages added, its disk an overlay on the parent's. */
export function planAssembly(
  recipe: TreeAssemblyRecipe,
  context: BootstrapContext,
  parent: ParentArtifact,
): Plan {
  const guestFiles = path.join(context.templatesDirectory, 'guest', recipe.family);
  return {
    files: [
      { path: 'archive.sources', content: context.sources },
      {
        path: 'seed/variables',
        content: `NONCE=${context.digest}\nSERVICES="${recipe.services.join(' ')}"\n`,
      },
      ...(recipe.files ?? []).map(({ path: file, content, executable }) => ({
        path: `${templateFilesDirectory}${file}`,
        content,
        ...(executable ? { isExecutable: true as const } : {}),
      })),
    ],
    copies: [{ from: path.join(guestFiles, 'assembly.sh'), to: 'seed/assembly.sh' }],
    directories: [artifactDirectoryName, 'tree'],
    neededBytes: 1600 * mebibyte,
    steps: [
      step({
        id: 'parent-tree',
        title: 'Unpacking the JEOS',
        argv: ['zstd', '-q', '-d', `${parent.digest}/root.tar.zst`, '-o', 'base.tar'],
        inputs: [`${parent.digest}/root.tar.zst`],
        outputs: ['base.tar'],
      }),
      step({
        id: 'parent-writable',
        title: 'Making the copy of the JEOS writable',
        // zstd gives its output the mode of its input, and an artifact is read-only.
        argv: ['chmod', 'u+w', 'base.tar'],
        inputs: ['base.tar'],
        outputs: ['base.tar'],
      }),
      step({
        id: 'parent-devices',
        title: 'Leaving the device nodes to the new tree',
        // Without root nobody may make device nodes; mmdebstrap makes its own in either case.
        argv: ['tar', noPadding, '--delete', '--wildcards', '-f', 'base.tar', './dev/*'],
        inputs: ['base.tar'],
        outputs: ['base.tar'],
      }),
      seedStep(),
      ...(recipe.files === undefined ? [] : [templateFilesStep(recipe.files)]),
      mmdebstrapStep(context, '', {
        variant: 'custom',
        include: recipe.packages,
        script: 'assembly.sh',
        setupHooks: ['tar-in base.tar /'],
        withTemplateFiles: recipe.files !== undefined,
        weight: 20,
      }),
      ...treeSteps(context),
      bootFilesStep(['packages.tsv', 'archive.tsv']),
      // The parent's identifiers, so that the overlay holds as little as possible.
      ...fileSystemSteps(context, parent.diskSizeMiB, parent.digest),
      convertStep(`../${parent.digest}/${parent.diskFile}`),
      compareStep(),
    ],
  };
}
