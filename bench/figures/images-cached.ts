/**
 * `make images` when every image is there already, as a whole command: with a builder that runs, and with one
 * that has to be started for it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import type { Bench, Figure } from '../bench.ts';
import { addMedium, withBuilder, type BenchBuilder } from '../builder.ts';
import { benchMedia } from '../install-media.ts';
import type { Row } from '../statistics.ts';

const releases = ['F14', 'F15', 'F16', 'RHEL6'] as const;
const commandLimitMs = 30 * 60_000;

async function makeImages(bench: Bench, { layout }: BenchBuilder): Promise<string> {
  const { stdout } = await execa(
    'make',
    ['--no-print-directory', 'images', `RELEASES=${releases.join(' ')}`],
    {
      cwd: layout.checkout,
      env: { PCLOUD_RUNTIME_DIR: layout.runtimeDir },
      cancelSignal: bench.signal,
      timeout: commandLimitMs,
      stdin: 'ignore',
    },
  );
  return stdout;
}

/** Four images that are there, and not four that the command says are there. */
async function buildAll(bench: Bench, builder: BenchBuilder): Promise<void> {
  for (const release of releases) {
    const { treeDirectory } = await benchMedia(builder.layout, release);
    await addMedium(builder, release, treeDirectory);
  }
  bench.note(`building ${releases.join(', ')} from synthetic media`);
  await makeImages(bench, builder);
  const { images } = await builder.client.images();
  const missing = releases.find((release) => !images.some((image) => image.release === release));
  if (missing !== undefined) throw new Error(`make images left ${missing} unbuilt`);
}

async function timeCached(bench: Bench, builder: BenchBuilder): Promise<number> {
  const startMs = performance.now();
  const said = await makeImages(bench, builder);
  const seconds = (performance.now() - startMs) / 1000;
  if (!said.includes('nothing was built')) throw new Error(`make images built again: ${said.slice(-400)}`);
  return seconds;
}

async function run(bench: Bench, builder: BenchBuilder): Promise<readonly Row[]> {
  if (!existsSync(path.join(builder.layout.checkout, 'tools/images/main.ts')))
    throw new Error('there is no `make images` in this checkout');
  await buildAll(bench, builder);
  const running: number[] = [];
  const startedForIt: number[] = [];
  for (let index = 0; index < bench.samples(15); index += 1) running.push(await timeCached(bench, builder));
  for (let index = 0; index < bench.samples(7); index += 1) {
    await builder.stop();
    const startMs = performance.now();
    await builder.start();
    await timeCached(bench, builder);
    await builder.stop();
    startedForIt.push((performance.now() - startMs) / 1000);
  }
  return [
    {
      figure: 'make images, four releases that are there',
      unit: 's',
      target: { atMost: 2 },
      samples: running,
    },
    {
      figure: '… with a builder started and stopped for it',
      unit: 's',
      target: { atMost: 2 },
      samples: startedForIt,
    },
  ];
}

export const imagesCached: Figure = {
  name: 'images-cached',
  how: `The whole of \`make images RELEASES="${releases.join(' ')}"\`, bootstrap's look at the checkout included, after the same command has built the four from synthetic install trees on this host (nothing is asked of any archive then). First with pcloud-builder running; then with it, and its Redis, started before and stopped after, as the command itself does where none runs.`,
  measure: async (bench) => await withBuilder(bench, 'cached', async (builder) => await run(bench, builder)),
};
