/**
 * The commands for builds: build_list, build_show, build_log, build_cancel, build_retry.
 */
import { PcloudError } from '../../model/errors.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { stoppedWaiting } from '../context.ts';
import type { ShellContext } from '../context.ts';
import { followBuilds } from '../follow-build.ts';
import { printJson, printList, viewOf } from '../output.ts';
import type { BuilderPort, BuildView, LogPiece } from '../ports.ts';
import { plainLine, renderBuild, renderBuilds } from '../render-builds.ts';
import { shortDigest } from '../render-images.ts';
import { renderWarning } from '../render-message.ts';
import { throughRestarts } from '../through-restarts.ts';

const buildArgument = {
  name: 'BUILD',
  kind: 'build',
  presence: 'required',
  about: 'digest of the image as build_list shows it, or its first digits, at least 6',
} as const;

/**
 * The one build whose digest begins so.
 * @throws PcloudError `no-such-build`, `ambiguous-digest`.
 */
async function resolveBuild(builder: BuilderPort, digits: string): Promise<BuildView> {
  const matching = (await builder.builds()).filter(({ digest }) => digest.startsWith(digits));
  const [build] = matching;
  if (build !== undefined && matching.length === 1) return build;
  throw build === undefined
    ? new PcloudError({
        code: 'no-such-build',
        category: 'not-found',
        message: `No build of an image ${digits} is known.`,
        hint: 'build_list shows them.',
      })
    : new PcloudError({
        code: 'ambiguous-digest',
        category: 'invalid',
        message: `${matching.length} builds begin with ${digits}.`,
        hint: `Give more digits: ${matching.map(({ digest }) => digest.slice(0, 16)).join(', ')}.`,
      });
}

const buildList = defineCommand({
  name: 'build_list',
  topic: 'builds',
  summary: 'list builds: waiting, running, and how the last ones ended',
  help: ['Each with its state, how far it is, its step, and its error where it failed.'],
  example: 'build_list',
  arguments: [],
  options: [jsonOption],
  async run(_, context, options) {
    const builder = await context.services.builder();
    printList(context, {
      json: options.json,
      key: 'builds',
      items: await builder.builds(),
      render: renderBuilds,
      whenEmpty: 'No builds yet.',
    });
  },
});

const buildShow = defineCommand({
  name: 'build_show',
  topic: 'builds',
  summary: 'show one build: its steps and times, place, error, log tail',
  help: [
    'Also of builds that ended: what was asked for and where, how long each step took, why earlier attempts failed, and the files that were kept. Of several attempts at one image the last one is shown in full.',
  ],
  example: 'build_show 3f9a0c11d2e4',
  arguments: [buildArgument],
  options: [jsonOption],
  async run({ BUILD }, context, options) {
    const builder = await context.services.builder();
    const build = await builder.build((await resolveBuild(builder, BUILD)).digest);
    if (options.json) printJson(context, { build });
    else context.screen.print(renderBuild(build, viewOf(context)));
  },
});

const buildLog = defineCommand({
  name: 'build_log',
  topic: 'builds',
  summary: 'print the log of a build, or follow it while it runs',
  help: [
    'Prints all of it. With -f it goes on with what is added until the build ends, whichever builder does it; when the build is begun again, so is its log, and that is said.',
  ],
  example: 'build_log 3f9a0c11d2e4 -f',
  arguments: [buildArgument],
  options: [{ name: 'follow', short: 'f', kind: 'flag', about: 'go on until the build ends' }],
  exitCodes: [['1', 'with -f, also: the build failed or was cancelled']],
  afterCtrlC: 'the build goes on: build_log BUILD -f follows it again, build_cancel BUILD ends it',
  async run({ BUILD }, context, options) {
    const builder = await context.services.builder();
    const { digest, title } = await resolveBuild(builder, BUILD);
    const state = await printLog(builder, digest, options.follow === true, context);
    if (context.signal.aborted)
      throw stoppedWaiting(
        `Stopped following the log; the build of ${title} goes on. build_log ${shortDigest(digest)} -f follows it again, build_cancel ends it.`,
      );
    if (options.follow !== true || state === 'built') return;
    const ended = await builder.build(digest);
    throw new PcloudError({
      code: 'build-failed',
      category: 'failed',
      message: ended.error ?? `The build of ${title} ended as ${state ?? ended.state}.`,
      hint: ended.hint ?? `\`build_retry ${shortDigest(digest)}\` asks for it again.`,
    });
  },
});

/** Prints line by line; resolves with the state that ended the log. */
async function printLog(
  builder: BuilderPort,
  digest: string,
  follow: boolean,
  context: ShellContext,
): Promise<string | undefined> {
  let afterId: string | undefined;
  let state: string | undefined;
  let rest = '';
  const take = ({ id, event }: LogPiece): void => {
    afterId = id ?? afterId;
    if (event.kind === 'text') {
      const lines = (rest + event.text).split(/\r?\n|\r/);
      rest = lines.pop() ?? '';
      if (lines.length > 0) context.screen.print(lines.map(plainLine));
      return;
    }
    if (rest !== '') context.screen.print([plainLine(rest)]);
    rest = '';
    if (event.kind === 'end') state = event.state;
    else
      context.screen.complain(
        renderWarning('The build was begun again, and its log with it.', undefined, context.screen.style),
      );
  };
  await throughRestarts(context, 'its log goes on where it stopped', async (isThere) => {
    for await (const piece of builder.log(digest, follow, context.signal, afterId)) {
      isThere();
      take(piece);
    }
    if (state === undefined && !context.signal.aborted) throw cutOff(digest);
  });
  return state;
}

function cutOff(digest: string): PcloudError {
  return new PcloudError({
    code: 'connection-lost',
    category: 'unavailable',
    message: `The builder ended before the log of ${shortDigest(digest)} did.`,
    hint: 'Ask again when it is back.',
  });
}

const buildCancel = defineCommand({
  name: 'build_cancel',
  topic: 'builds',
  summary: 'cancel a build that waits or runs',
  help: ['The tools of a running build are ended and what they made is removed, within seconds.'],
  example: 'build_cancel 3f9a0c11d2e4',
  arguments: [buildArgument],
  async run({ BUILD }, context) {
    const builder = await context.services.builder();
    const { digest } = await resolveBuild(builder, BUILD);
    await builder.cancel(digest);
    context.screen.print([`the build of ${shortDigest(digest)} is cancelled`]);
  },
});

const buildRetry = defineCommand({
  name: 'build_retry',
  topic: 'builds',
  summary: 'ask again for what a failed or cancelled build was to make',
  help: [
    'Asks for the same image from what is there now: where the package archive, the agent or the templates have changed since, that is another image with another digest.',
  ],
  example: 'build_retry 3f9a0c11d2e4',
  arguments: [buildArgument],
  options: [{ name: 'no-wait', kind: 'flag', about: 'only queue the build' }],
  exitCodes: [['1', 'it runs already, or failed again']],
  afterCtrlC: 'the build goes on: build_list shows how far it is, build_cancel ends it',
  async run({ BUILD }, context, options) {
    const builder = await context.services.builder();
    const { digest: before, title } = await resolveBuild(builder, BUILD);
    const ensured = await builder.retry(before);
    const digest = shortDigest(ensured.digest);
    if (ensured.digest !== before)
      context.screen.print([`${title} is another image by now: ${digest} instead of ${shortDigest(before)}`]);
    if (ensured.ready) context.screen.print([`${title} is built already: ${digest}`]);
    else if (options['no-wait']) context.screen.print([`queued the build of ${title}: ${digest}`]);
    else {
      const [followed] = await followBuilds([{ title, ensured }], context);
      const seconds = ((followed?.elapsedMs ?? 0) / 1000).toFixed(1);
      context.screen.print([`${title} is built: ${digest} in ${seconds} s`]);
    }
  },
});

export const buildCommands: readonly Command[] = [buildList, buildShow, buildLog, buildCancel, buildRetry];
