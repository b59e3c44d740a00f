/** Recipes with made-up facts, and what else a plan is made of, for tests that need some and not a particular one. */
import type { BootstrapContext } from '../../builder/engines/bootstrap-steps.ts';
import type { BootstrapJeosRecipe, TreeAssemblyRecipe } from '../../model/recipe.ts';

const digestOf = (digit: string): string => digit.repeat(64);

export const sampleJeosRecipe: BootstrapJeosRecipe = {
  recipeVersion: 1,
  kind: 'jeos',
  release: 'debian12',
  family: 'debian',
  architecture: 'x86_64',
  engine: 'bootstrap',
  init: 'systemd',
  machine: 'pc',
  memoryMiB: 128,
  suites: ['bookworm'],
  components: ['main'],
  kernelPackage: 'linux-image-amd64',
  packages: ['openssh-server', 'udev'],
  guestFiles: 'debian',
  cmdline: 'root=LABEL=pcloud-root rw',
  diskSizeMiB: 4096,
  archive: {
    sourcesSha256: digestOf('1'),
    suites: [{ suite: 'bookworm', inReleaseSha256: digestOf('2') }],
  },
  guestFilesSha256: digestOf('3'),
  agentSha256: digestOf('4'),
};

export const sampleAssemblyRecipe: TreeAssemblyRecipe = {
  recipeVersion: 1,
  kind: 'assembly',
  method: 'tree',
  release: 'debian12',
  family: 'debian',
  architecture: 'x86_64',
  engine: 'bootstrap',
  parentDigest: digestOf('5'),
  templates: ['httpd'],
  packages: ['apache2'],
  services: ['apache2'],
  archive: sampleJeosRecipe.archive,
  guestFilesSha256: digestOf('6'),
};

/** Where a plan of the engine `bootstrap` finds what is not the recipe's. */
export const sampleContext: BootstrapContext = {
  digest: digestOf('7'),
  mode: 'root',
  sources: 'Types: deb\nURIs: http://archive.example/debian\n',
  templatesDirectory: '/templates',
  agentPath: '/agent/build/pcloud-agent',
  agentUnitPath: '/agent/pcloud-agent.service',
  stampProgram: '/engines/stamp-times.ts',
  nodePath: '/bin/node',
  temporaryDirectory: '/build/temporary',
};

export const sampleParent = { digest: digestOf('5'), diskFile: 'disk.qcow2', diskSizeMiB: 4096 };
