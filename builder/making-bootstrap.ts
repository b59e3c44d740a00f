/** The making of the engine `bootstrap`: mmdebstrap's plan with this host's paths, and its proof. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentUnitPath } from './agent-files.ts';
import { requireParent } from './describe.ts';
import { engineVersionOf } from './engine-version.ts';
import type { BootstrapContext } from './engines/bootstrap-steps.ts';
import { planAssembly, planJeos } from './engines/bootstrap.ts';
import { noSuchStep } from './making.ts';
import type { Making, MakingContext } from './making.ts';
import type { Plan } from './plan.ts';
import { proveArchive, proveNonce } from './proof.ts';
import type { BuildInputs } from './recipe-source.ts';

const stampProgram = fileURLToPath(new URL('engines/stamp-times.ts', import.meta.url));
const mebibyte = 1024 * 1024;

export async function makingOfBootstrap(
  context: MakingContext,
  inputs: Extract<BuildInputs, { kind: 'bootstrap' }>,
): Promise<Making> {
  const { recipe, digest, workDirectory } = context;
  if (!('guestFilesSha256' in recipe)) throw new Error(`not a recipe of the engine bootstrap: ${digest}`);
  return {
    plan: planOf(context, inputs.sources),
    made: {
      engineVersion: await engineVersionOf('bootstrap'),
      kickstartSha256: null,
      medium: null,
      method: recipe.kind === 'assembly' ? 'tree' : null,
    },
    runInstall: noSuchStep,
    runGuest: noSuchStep,
    prove: async (finished) => {
      await proveNonce(path.join(workDirectory, 'disk.raw'), digest);
      proveArchive(await readFile(path.join(finished, 'archive.tsv'), 'utf8'), recipe.archive);
    },
  };
}

function planOf(making: MakingContext, sources: string): Plan {
  const { config, recipe, digest } = making;
  const context: BootstrapContext = {
    digest,
    mode: process.getuid?.() === 0 ? 'root' : 'unshare',
    sources,
    templatesDirectory: config.templatesDirectory,
    agentPath: config.agentPath,
    agentUnitPath: agentUnitPath(config),
    stampProgram,
    nodePath: process.execPath,
    temporaryDirectory: path.join(making.workDirectory, 'temporary'),
  };
  if (recipe.kind === 'jeos' && recipe.engine === 'bootstrap') return planJeos(recipe, context);
  if (recipe.kind === 'assembly' && recipe.method === 'tree') {
    const { manifest, digest: parentDigest } = requireParent(making.parent);
    const diskSizeMiB = Math.floor(manifest.disk.virtualSizeBytes / mebibyte);
    return planAssembly(recipe, context, { digest: parentDigest, diskFile: manifest.disk.file, diskSizeMiB });
  }
  throw new Error(`not a recipe of the engine bootstrap: ${digest}`);
}
