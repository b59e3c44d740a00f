/**
 * The command image_gc: shows the images that nothing refers to, asks, and has them removed. What cped knows of
 * assemblies it takes to the builder, which knows the rest and decides.
 */
import { requirementOf } from '../../model/definition.ts';
import type { Requirement } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { maxNamesTold } from '../../model/image-gc.ts';
import type { GcAnswer, GcEntry, GcRequest } from '../../model/image-gc.ts';
import { agreesToLoss, yesOption } from '../agree.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { ShellContext } from '../context.ts';
import { formatBytes } from '../duration.ts';
import { printJson, viewOf } from '../output.ts';
import { imagesInWords, renderGarbage, shortId } from '../render-garbage.ts';
import { renderWarning } from '../render-message.ts';

const defaultGraceMs = 3_600_000;

export const imageGc = defineCommand({
  name: 'image_gc',
  topic: 'JEOS images',
  summary: 'remove images that nothing refers to, after showing them',
  help: [
    "Kept is what has a name (the present JEOS of each release), what an assembly's disk stands on, what an assembly would be started on, what a queued build needs, what another kept image stands on, and what is younger than an hour. All else is shown, with damaged images that nobody needs and the rest of removals that were cut short; then it is asked for.",
    'Just before each removal everything is looked at again: what has come into use since it was shown is kept, and told.',
    'The runtime service is asked what its assemblies stand on, so it must be running. Where builders of several hosts share the work, the assemblies of the other hosts are not known here: then --shared says that you have looked.',
  ],
  example: 'image_gc --dry-run',
  arguments: [],
  options: [
    { name: 'dry-run', kind: 'flag', about: 'only show what would be removed' },
    yesOption,
    { name: 'older-than', kind: 'duration', value: 'TIME', about: 'keep what is younger (1h unless given)' },
    { name: 'shared', kind: 'flag', about: 'also where other hosts may use the images' },
    { ...jsonOption, about: 'print one line of JSON; needs --dry-run or --yes' },
  ],
  exitCodes: [['1', 'nobody said yes, or a service does not answer; nothing was removed']],
  async run(_, context, options) {
    const graceMs = options['older-than'] ?? defaultGraceMs;
    const builder = await context.services.builder();
    const ask = async (remove: GcRequest['remove']): Promise<GcAnswer> =>
      await builder.collectGarbage({ ...(await whatAssembliesNeed(context)), graceMs, remove });
    const { entries, shared } = await ask(null);
    const free = entries.filter(({ verdict }) => verdict === 'free');
    const dryRun = options['dry-run'] ?? false;
    if (!options.json) printFree(free, entries.length - free.length, context);
    if (dryRun || free.length === 0) {
      if (options.json) printJson(context, { dryRun, images: entries });
      return 0;
    }
    if (shared && !options.shared) throw sharedWithOthers();
    const agreed = await agreesToLoss(
      {
        yes: options.yes,
        call: 'image_gc',
        otherwise: '`image_gc --dry-run` only to see',
        question: free.length === 1 ? 'Remove it?' : `Remove these ${imagesInWords(free.length)}?`,
      },
      // With --json, a program reads what is printed.
      options.json ? { ...context, confirm: null } : context,
    );
    if (!agreed) return 1;
    const removal = await ask(free.map(({ id }) => id));
    if (options.json) printJson(context, { dryRun, images: removal.entries });
    else printRemoved(removal.entries, context);
    return 0;
  },
});

/** What cped knows: the images that disks stand on, and what the assemblies without a disk need. */
async function whatAssembliesNeed(context: ShellContext): Promise<Pick<GcRequest, 'pinned' | 'wanted'>> {
  const cped = await context.services.cped();
  const pinned = new Map<string, string[]>();
  const wanted = new Map<string, { requirement: Requirement; assemblies: string[] }>();
  for (const status of await cped.assemblies()) {
    if (status.imageDigest !== null) {
      pinned.set(status.imageDigest, [...(pinned.get(status.imageDigest) ?? []), status.name]);
      continue;
    }
    if (status.imported) continue;
    const requirement = requirementOf(status);
    const key = JSON.stringify(requirement);
    const others = wanted.get(key)?.assemblies ?? [];
    wanted.set(key, { requirement, assemblies: [...others, status.name] });
  }
  const some = (names: readonly string[]): string[] => names.slice(0, maxNamesTold);
  return {
    pinned: [...pinned].map(([digest, names]) => ({ digest, assemblies: some(names) })),
    wanted: [...wanted.values()].map((one) => ({ ...one, assemblies: some(one.assemblies) })),
  };
}

function printFree(free: readonly GcEntry[], keptCount: number, context: ShellContext): void {
  context.screen.print(
    free.length === 0
      ? [`Nothing to remove: ${imagesInWords(keptCount)}, all of them needed or new.`]
      : renderGarbage(free, viewOf(context)),
  );
}

function printRemoved(entries: readonly GcEntry[], context: ShellContext): void {
  const removed = entries.filter(({ verdict }) => verdict === 'removed');
  const sumBytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  context.screen.print([`removed ${imagesInWords(removed.length)}, ${formatBytes(sumBytes)}`]);
  for (const entry of entries) {
    if (entry.verdict === 'removed') continue;
    const what = `${shortId(entry)} (${entry.title})`;
    const said = entry.verdict === 'gone' ? `was gone already: ${what}` : `kept after all: ${what}`;
    context.screen.complain(renderWarning(said, entry.why, context.screen.style));
  }
}

function sharedWithOthers(): PcloudError {
  return new PcloudError({
    code: 'images-shared',
    category: 'conflict',
    message:
      'Builders of other hosts share the work of this one, and perhaps its images; what the assemblies there stand on is not known here. Nothing was removed.',
    hint: 'Run `image_gc --dry-run` here and `assembly_list` on the other hosts; `image_gc --shared` then removes all the same.',
  });
}
