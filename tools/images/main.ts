/**
 * `make images`: the JEOS of every release, through the build queue, with progress and a table at the end. Run
 * again, it builds nothing; interrupted, it cancels what it asked for, and run again, goes on. Exit code 0 when
 * every image is there, 1 when one is not, 2 for what can never work, 130 and 143 when interrupted.
 */
import { exitCodeOf, PcloudError } from '../../model/errors.ts';
import { readArguments, usage } from './arguments.ts';
import type { ImagesArguments } from './arguments.ts';
import { createBoard } from './board.ts';
import { buildAll } from './build-all.ts';
import { useBuilder } from './builder-service.ts';
import type { BuilderService } from './builder-service.ts';
import { renderSummary } from './render.ts';
import type { Row } from './render.ts';
import { chooseTargets } from './targets.ts';
import type { Target } from './targets.ts';

type Interruption = { readonly signal: AbortSignal; exitCode(): number | undefined };

/** The first signal cancels in good order, the second one leaves at once. */
function watchForInterruption(): Interruption {
  const interrupted = new AbortController();
  let exitCode: number | undefined;
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(name, () => {
      if (exitCode !== undefined) process.exit(code);
      exitCode = code;
      interrupted.abort();
    });
  }
  return { signal: interrupted.signal, exitCode: () => exitCode };
}

async function run(args: ImagesArguments, interruption: Interruption): Promise<number> {
  const service = await useBuilder({
    ...args,
    environment: process.env,
    onProgress: (line) => process.stdout.write(`${line}\n`),
  });
  try {
    const targets = await targetsOf(service, args);
    return await buildAndTell(service, targets, args, interruption);
  } finally {
    await service.release();
  }
}

async function targetsOf(service: BuilderService, args: ImagesArguments): Promise<readonly Target[]> {
  const chosen = chooseTargets(await service.client.releases(), args.releases, args.archive);
  if ('unknown' in chosen) {
    // The builder refuses it in its own words, with what may have been meant.
    await service.client.ensureJeos(chosen.unknown, 'x86_64');
    throw new Error(`the builder knows ${chosen.unknown} and does not list it`);
  }
  if (chosen.targets.length > 0) return chosen.targets;
  throw new PcloudError({
    code: 'no-releases',
    category: 'invalid',
    message: 'There is no release to build.',
    hint: args.archive
      ? 'With --archive only releases with an installer are built; release_list in `make shell` shows them.'
      : 'The catalogue (templates/releases/) is empty.',
  });
}

async function buildAndTell(
  { client }: BuilderService,
  targets: readonly Target[],
  args: ImagesArguments,
  interruption: Interruption,
): Promise<number> {
  const monotonicMs = (): number => performance.now();
  const startedMs = monotonicMs();
  const titles = targets.map(({ title }) => title);
  const board = createBoard({ output: process.stdout, environment: process.env, titles, monotonicMs });
  interruption.signal.addEventListener('abort', () =>
    board.say('Interrupted: cancelling the builds that were asked for here (once more leaves them running).'),
  );
  const outcomes = await buildAll(targets, {
    client,
    board,
    jobs: args.jobs,
    signal: interruption.signal,
    monotonicMs,
  });
  board.close();
  const { images } = await client.images();
  const rows: readonly Row[] = targets.map(({ title, engine }, index) => {
    const outcome = outcomes[index] ?? { kind: 'not-begun' };
    const digest = 'digest' in outcome ? outcome.digest : undefined;
    const image = images.find((one) => one.digest === digest);
    return { title, engine, outcome, sizeBytes: image?.sizeBytes ?? null };
  });
  process.stdout.write(`\n${renderSummary(rows, monotonicMs() - startedMs).join('\n')}\n`);
  return interruption.exitCode() ?? (outcomes.some(({ kind }) => kind === 'failed') ? 1 : 0);
}

try {
  const args = readArguments(process.argv.slice(2), process.env);
  if (args.help) process.stdout.write(`${usage}\n`);
  else process.exitCode = await run(args, watchForInterruption());
} catch (error) {
  if (!(error instanceof PcloudError)) throw error;
  process.stderr.write(`images: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`);
  process.exitCode = exitCodeOf(error.category);
}
