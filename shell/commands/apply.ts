/**
 * The commands for a whole service in one file: deployable_apply, deployable_export. What has to change is
 * `model/service-file/plan.ts`; each change is carried out by the call that its own command makes.
 */
import { stringify } from 'yaml';
import { PcloudError } from '../../model/errors.ts';
import { dataDiskWords } from '../../model/service-file/change.ts';
import type { Change } from '../../model/service-file/change.ts';
import { exportService } from '../../model/service-file/export.ts';
import { planApply } from '../../model/service-file/plan.ts';
import type { ApplyPlan, Defined } from '../../model/service-file/plan.ts';
import type { WantedService } from '../../model/service-file/wanted.ts';
import { agreesToLoss, yesOption } from '../agree.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { tellingAtStop } from '../context.ts';
import type { ShellContext } from '../context.ts';
import { followBuilds } from '../follow-build.ts';
import { printJson, queueImage } from '../output.ts';
import type { CpedPort } from '../ports.ts';
import { printable } from '../printable.ts';
import { renderWarning } from '../render-message.ts';
import {
  buildMissingImages,
  noWaitOption,
  startAndWait,
  stopAndWait,
  timeoutOption,
} from '../run-deployable.ts';
import type { WaitOptions } from '../run-deployable.ts';
import { carryOutAll } from '../service-file/carry-out.ts';
import { changeTelling, printPlan, showDone, showPlan } from '../service-file/show-plan.ts';
import { namesThatAreNotThere } from '../service-file/check-names.ts';
import { loadService, readSecrets } from '../service-file/load.ts';
import { deployableArgument } from './arguments.ts';

const fileOption = {
  name: 'file',
  short: 'f',
  kind: 'text',
  value: 'FILE',
  about: 'the YAML file; - is standard input',
} as const;
const flag = <const N extends string>(name: N, about: string) => ({ name, kind: 'flag', about }) as const;

const deployableApply = defineCommand({
  name: 'deployable_apply',
  topic: 'deployables',
  summary: 'make a deployable as a file describes it',
  help: [
    'Compares the file with what is defined and carries out the difference: applied again it changes nothing, and what was interrupted is completed by applying again. docs/service-files.md says what the file may hold.',
    'A deployable that is running follows at once, as by deployable_reload. What a machine has (memory, CPUs, ports, data disks, networks) it takes at its next start; with --restart the whole deployable is stopped and started for it.',
    'Assemblies and data disks that the file does not have stay, unless --prune is given: that deletes them with all that is on them, and asks first.',
  ],
  example: 'deployable_apply -f shop.yaml --dry-run',
  arguments: [],
  options: [
    fileOption,
    flag('diff', 'show the difference first, sorted by what it is about'),
    flag('dry-run', 'say what would be done, and change nothing'),
    flag('start', 'start the deployable, unless it runs, and wait until it is active'),
    flag('restart', 'stop and start it where a machine needs that to change'),
    flag('prune', 'delete the assemblies and data disks that the file does not have'),
    yesOption,
    timeoutOption,
    noWaitOption,
    jsonOption,
  ],
  afterCtrlC: 'what was changed stands: deployable_apply again goes on, with --diff it shows what is left',
  exitCodes: [
    ['1', 'not done, or not wholly: the message says what, and applying again goes on'],
    ['2', 'the file is wrong; each mistake is told with its line and column'],
  ],
  async run(_, context, options) {
    if (options.file === undefined)
      throw new PcloudError({
        code: 'usage',
        category: 'invalid',
        message: 'deployable_apply: the file is missing.',
        hint: 'Usage: deployable_apply -f FILE; -f - reads standard input.',
      });
    const loaded = await loadService(options.file, context);
    const { service } = loaded;
    const faults = await namesThatAreNotThere(service, context);
    if (faults.length > 0) throw loaded.wrong(faults);
    const secrets = await readSecrets(loaded);
    const cped = await context.services.cped();
    const defined = await definedOf(service, secrets, cped);
    const plan = planApply(defined, service, options.prune ?? false);
    if (plan.obstacles.length > 0) throw loaded.wrong(plan.obstacles);
    const dryRun = options['dry-run'] ?? false;
    if (options.json && dryRun) printPlan(service, plan, false, context);
    else if (!options.json) showPlan(plan, { diff: options.diff ?? false, dryRun }, context);
    if (dryRun) return;

    const running = defined.deployable?.intent === 'up';
    const wantsStop = plan.changes.some(needsStopIn(plan)) || plan.atNextStart.length > 0;
    const stops = running && options.restart === true && wantsStop;
    if (!stops && running) refuseWhileRunning(service.name, plan);
    const lost = plan.changes.flatMap(tellLost);
    if (lost.length > 0) {
      const loss = {
        yes: options.yes,
        call: `deployable_apply -f ${options.file} --prune`,
        question: `Delete ${lost.join(', ')}, and all that is on it?`,
      };
      if (!(await agreesToLoss(loss, context))) return 1;
    }
    const again = `deployable_apply -f ${options.file}${(stops || options.start) === true ? ' --start' : ''}`;
    await tellingAtStop(`Nothing of the file was changed yet: ${again} goes on.`, async () => {
      if (stops) await stopAndWait(service.name, { ...options, 'no-wait': undefined }, context);
      await buildJeos(plan, context);
    });
    const how = { again, onMade: changeTelling(options) };
    await carryOutAll(plan.changes, { cped, deployable: service.name, secrets }, how, context);
    if (options.json) printPlan(service, plan, true, context);
    else showDone(service.name, plan, running || options.start === true, context);
    const what = {
      running,
      stops,
      start: options.start === true,
      otherImages: plan.changes.some(({ kind }) => kind === 'create-assembly' || kind === 'add-resource'),
      quiet: options.json === true,
    };
    await tellingAtStop(
      `All of the file is defined now; ${again} goes on.`,
      async () => await follow(service.name, what, options, context),
    );
    return undefined;
  },
});

async function definedOf(
  service: WantedService,
  secrets: ReadonlyMap<string, string | null>,
  cped: CpedPort,
): Promise<Defined> {
  const [deployables, assemblies] = await Promise.all([cped.deployables(), cped.assemblies()]);
  const deployable = deployables.find(({ name }) => name === service.name) ?? null;
  const otherSecrets = new Set<string>();
  for (const [secret, value] of secrets)
    if (deployable === null || (await cped.setSecret(service.name, secret, value, true)).changed)
      otherSecrets.add(secret);
  return { deployable, assemblies, otherSecrets };
}

/** What a machine that is there already has only after its next start; one that is made now has it from its first. */
function needsStopIn(plan: ApplyPlan): (change: Change) => boolean {
  const made = new Set(
    plan.changes.flatMap((change) => (change.kind === 'create-assembly' ? [change.assembly] : [])),
  );
  const kinds: ReadonlySet<Change['kind']> = new Set([
    ...(['set-machine', 'set-disk', 'set-network', 'remove-network'] as const),
    ...(['remove-member', 'remove-disk'] as const),
  ]);
  return (change) =>
    kinds.has(change.kind) &&
    !('assembly' in change && change.assembly !== null && made.has(change.assembly));
}

/** Its VMs would run on with nobody to watch them. */
function refuseWhileRunning(name: string, plan: ApplyPlan): void {
  const gone = plan.changes.flatMap((change) =>
    change.kind === 'remove-member'
      ? [change.assembly]
      : change.kind === 'remove-disk'
        ? [`the data disk ${change.assembly}/${change.disk}`]
        : [],
  );
  if (gone.length === 0) return;
  throw new PcloudError({
    code: 'deployable-running',
    category: 'conflict',
    message: `Deployable ${name} is running, so ${gone.join(', ')} cannot be taken out. Nothing was changed.`,
    hint: `Say --restart to have it stopped and started for that, or stop it first: \`deployable_stop ${name}\`.`,
    facts: { deployable: name },
  });
}

function tellLost(change: Change): readonly string[] {
  if (change.kind === 'remove-disk') return [`the data disk ${change.assembly}/${change.disk}`];
  if (change.kind !== 'delete-assembly') return [];
  return [`${change.assembly} with its disk${dataDiskWords(change.dataDisks)}`];
}

/** An assembly is defined on a JEOS that is there. Without the builder the service says what is missing. */
async function buildJeos(plan: ApplyPlan, context: ShellContext): Promise<void> {
  const wanted = new Map(
    plan.changes.flatMap((change) =>
      change.kind === 'create-assembly' ? [[`JEOS ${change.release} ${change.architecture}`, change]] : [],
    ),
  );
  if (wanted.size === 0) return;
  try {
    const builder = await context.services.builder();
    const images = [];
    for (const [title, { release, architecture }] of wanted)
      images.push({ title, ensured: await builder.ensureJeos(release, architecture) });
    await followBuilds(images, context);
  } catch (error) {
    if (!(error instanceof PcloudError) || error.category !== 'unavailable') throw error;
    context.screen.complain(
      renderWarning(
        `${error.message} Going on with the images that are there.`,
        error.hint,
        context.screen.style,
      ),
    );
  }
}

/** Brings what runs in line, or starts it. A reload changes nothing where nothing changed, so it completes an earlier one. */
async function follow(
  name: string,
  what: {
    readonly running: boolean;
    readonly stops: boolean;
    readonly start: boolean;
    readonly otherImages: boolean;
    readonly quiet: boolean;
  },
  options: WaitOptions,
  context: ShellContext,
): Promise<void> {
  const cped = await context.services.cped();
  if (what.stops || (what.start && !what.running)) return await startAndWait(name, options, context);
  const needed = await cped.requirements(name);
  if (!what.running) {
    if (what.otherImages && !what.quiet)
      for (const { assembly, requirement } of needed)
        await queueImage(assembly, { requirement, imageDigest: null, note: null }, context);
    return;
  }
  await buildMissingImages(needed, context);
  await cped.reloadDeployable(name);
}

const deployableExport = defineCommand({
  name: 'deployable_export',
  topic: 'deployables',
  summary: 'print a deployable as the file that deployable_apply takes',
  help: [
    'Secrets are only named, never shown: applied elsewhere, the file has new ones drawn. Imported assemblies are left out, since no file makes one.',
  ],
  example: 'deployable_export dep1',
  arguments: [deployableArgument],
  options: [jsonOption],
  async run({ DEPLOYABLE }, context, { json }) {
    const cped = await context.services.cped();
    const status = await cped.deployable(DEPLOYABLE);
    const file = exportService(status);
    const left = status.assemblies.filter(({ imported }) => imported).map(({ name }) => name);
    if (left.length > 0)
      context.screen.complain(
        renderWarning(
          `${left.join(', ')} was imported, and is left out of the file.`,
          undefined,
          context.screen.style,
        ),
      );
    if (json) return printJson(context, { file });
    const text = stringify(file, { lineWidth: 0, aliasDuplicateObjects: false });
    context.screen.print(text.trimEnd().split('\n').map(printable));
  },
});

export const applyCommands: readonly Command[] = [deployableApply, deployableExport];
