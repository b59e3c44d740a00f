/**
 * `pcloudsh jeos_create debian12 x86_64` from the operator's point of view, in a state directory of its own
 * with a builder and nothing else: a build of an image that is not there, and the same command again.
 */
import { pcloudsh, type Bench, type Figure } from '../bench.ts';
import { diskMegabytes, withBuilder, type BenchBuilder } from '../builder.ts';
import type { Row } from '../statistics.ts';

const release = ['debian12', 'x86_64'] as const;

/** `image … is built: 0123456789ab in 59s`, and the progress lines before it: `  7% …: Installing packages (0s)`. */
const progressLine = /^ *\d+% [^:]*: (.*) \((?:(\d+)m ?)?(\d+)s\)$/gm;

/** Seconds from a step's first line to the next one's; the shell counts whole seconds. */
function stepsOf(
  output: string,
  totalS: number,
): readonly { readonly title: string; readonly seconds: number }[] {
  const lines = [...output.matchAll(progressLine)].map((match) => ({
    title: match[1] ?? '',
    atS: Number(match[2] ?? 0) * 60 + Number(match[3]),
  }));
  return lines.map((line, index) => ({
    title: line.title,
    seconds: Math.round((lines[index + 1]?.atS ?? totalS) - line.atS),
  }));
}

async function timed(
  work: () => Promise<string>,
): Promise<{ readonly seconds: number; readonly output: string }> {
  const startMs = performance.now();
  const output = await work();
  return { seconds: (performance.now() - startMs) / 1000, output };
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  return await withBuilder(bench, 'build', async (builder) => await build(bench, builder));
}

async function build(bench: Bench, builder: BenchBuilder): Promise<readonly Row[]> {
  const { client, layout } = builder;
  const run = (words: readonly string[]) => pcloudsh(bench, words, layout);
  const builtS: number[] = [];
  const unchangedS: number[] = [];
  const sizesMB: number[] = [];
  let steps = '';
  for (let index = 0; index < Math.min(3, bench.samples(3)); index += 1) {
    const built = await timed(() => run(['jeos_create', ...release]));
    builtS.push(built.seconds);
    const longest = stepsOf(built.output, built.seconds)
      .toSorted((a, b) => b.seconds - a.seconds)
      .slice(0, 3);
    steps = longest.map((step) => `${step.title} ${step.seconds} s`).join(', ');
    bench.note(`built in ${built.seconds.toFixed(1)} s: ${steps}`);
    for (let again = 0; again < bench.samples(7); again += 1)
      unchangedS.push((await timed(() => run(['jeos_create', ...release]))).seconds);
    sizesMB.push(diskMegabytes(builder, (await client.jeosDetails(...release, false)).digest));
    await client.deleteJeos(...release);
  }
  return [
    {
      figure: 'JEOS build (debian12 x86_64), archive cached',
      unit: 's',
      target: { atMost: 60 },
      samples: builtS,
      note: `longest steps of the last build: ${steps}`,
    },
    { figure: 'JEOS build, nothing changed', unit: 's', target: { atMost: 1 }, samples: unchangedS },
    {
      figure: 'JEOS (debian12 x86_64): its compressed disk',
      unit: 'MB',
      target: { atMost: 100 },
      samples: sizesMB,
      note: '10^6 bytes of disk.qcow2; the kernel and the initrd lie beside it',
    },
  ];
}

export const jeosBuild: Figure = {
  name: 'jeos-build',
  how: "The whole of `pcloudsh jeos_create debian12 x86_64`, process start included. Built: the image is not there (deleted in between); the first build of a run may fetch the archive's lists, and how near the packages are is this host's mirror or proxy. Nothing changed: the same command again, which still asks the archive for its signed index. The disk: the length of the artifact's `disk.qcow2`, which is compressed (zstd).",
  measure,
};
