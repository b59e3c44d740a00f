/**
 * An assembly's image with httpd on a debian12 JEOS that is there: made by the JEOS's own guest over the guest
 * link, and, for scale, by mmdebstrap over the JEOS's file tree. And how large its overlay is.
 */
import type { AssemblyMethod } from '../../model/recipe.ts';
import type { Bench, Figure } from '../bench.ts';
import { awaitBuilt, copyImages, diskMegabytes, withBuilder, type BenchBuilder } from '../builder.ts';
import type { Row } from '../statistics.ts';

const requirement = { release: 'debian12', architecture: 'x86_64', templates: ['httpd'] } as const;

type Sample = { readonly seconds: number; readonly diskMB: number };

/** One that was built before is deleted first: it is asked for again otherwise, and answered at once. */
async function buildOnce(bench: Bench, builder: BenchBuilder, method: AssemblyMethod): Promise<Sample> {
  const { client } = builder;
  const ask = async () =>
    await client.ensureRequirement({ ...requirement, templates: [...requirement.templates] }, { method });
  let startMs = performance.now();
  let answer = await ask();
  if (answer.state === 'built') {
    await client.deleteImage(answer.digest);
    startMs = performance.now();
    answer = await ask();
  }
  const digest = await awaitBuilt(bench, builder, answer);
  const seconds = (performance.now() - startMs) / 1000;
  bench.note(`httpd on debian12 by ${method}: ${seconds.toFixed(1)} s`);
  return { seconds, diskMB: diskMegabytes(builder, digest) };
}

async function build(bench: Bench, builder: BenchBuilder): Promise<readonly Row[]> {
  await builder.stop();
  copyImages(bench, builder);
  await builder.start();
  bench.note('a debian12 JEOS first');
  await awaitBuilt(bench, builder, await builder.client.ensureJeos('debian12', 'x86_64'));
  const byGuest: Sample[] = [];
  const byTree: Sample[] = [];
  for (let index = 0; index < bench.samples(5); index += 1) {
    byGuest.push(await buildOnce(bench, builder, 'guest'));
    byTree.push(await buildOnce(bench, builder, 'tree'));
  }
  const row = (figure: string, unit: 's' | 'MB', samples: readonly number[]): Row => ({
    figure,
    unit,
    target: null,
    samples,
  });
  return [
    {
      ...row(
        'assembly image, httpd on a debian12 JEOS, by its guest',
        's',
        byGuest.map(({ seconds }) => seconds),
      ),
      target: { atMost: 60 },
    },
    row(
      '… its overlay on the JEOS',
      'MB',
      byGuest.map(({ diskMB }) => diskMB),
    ),
    row(
      '… the same by the file tree',
      's',
      byTree.map(({ seconds }) => seconds),
    ),
    row(
      '… whose overlay has',
      'MB',
      byTree.map(({ diskMB }) => diskMB),
    ),
  ];
}

export const assemblyBuild: Figure = {
  name: 'assembly-build',
  how: "From the request on the builder's socket to the end of the build, with the JEOS built before and the assembly's image deleted in between: the archive asked for its index, the guest booted (under TCG where there is no KVM), httpd installed by its package manager, sealed, ended, the overlay compressed, proven and described. The packages come from the archive that this host uses, each time anew. By the file tree: the same request with the method `tree`, which boots nothing. Overlay: the length of `disk.qcow2`.",
  measure: async (bench) =>
    await withBuilder(bench, 'assembly', async (builder) => await build(bench, builder)),
};
