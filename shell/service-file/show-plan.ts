/** What an apply would change, changes and has changed, for people and as JSON. What it does is `../commands/apply.ts`. */
import { pendingText } from '../../model/machine-pending.ts';
import { tellChange } from '../../model/service-file/change.ts';
import type { Sign } from '../../model/service-file/change.ts';
import type { ApplyPlan } from '../../model/service-file/plan.ts';
import type { WantedService } from '../../model/service-file/wanted.ts';
import type { ShellContext } from '../context.ts';
import { printJson, printNote } from '../output.ts';
import { printable } from '../printable.ts';
import { renderWarning } from '../render-message.ts';
import type { Style } from '../style.ts';
import type { OnMade } from './carry-out.ts';

const order: readonly Sign[] = ['-', '~', '+'];

export function showPlan(
  plan: ApplyPlan,
  how: { readonly diff: boolean; readonly dryRun: boolean },
  context: ShellContext,
): void {
  const { screen } = context;
  const told = plan.changes.map((change) => ({ change, line: tellChange(change) }));
  const shown = told.flatMap(({ change, line }) =>
    line === undefined ? [] : [{ about: 'assembly' in change ? change.assembly : '', ...line }],
  );
  const abouts = [...new Set(shown.map(({ about }) => about))];
  const lines = how.diff
    ? abouts.flatMap((about) =>
        shown
          .filter((one) => one.about === about)
          .toSorted((a, b) => order.indexOf(a.sign) - order.indexOf(b.sign)),
      )
    : how.dryRun
      ? shown
      : [];
  screen.print(lines.map((line) => paint(line, screen.style)));
  for (const name of plan.leftOver)
    screen.print([
      `assembly ${name} is in the deployable and not in the file; it stays (--prune deletes it with its disk)`,
    ]);
  for (const { assembly, what } of plan.atNextStart)
    screen.print([
      `assembly ${assembly}: ${pendingText(what)} (--restart stops and starts the deployable for it)`,
    ]);
  for (const { assembly, disk } of plan.leftOverDisks)
    screen.print([
      `data disk ${disk} of assembly ${assembly} is not in the file; it stays (--prune deletes it with all that is on it)`,
    ]);
  if (plan.changes.length === 0) screen.print(['nothing to change']);
  else if (how.dryRun) screen.print([`dry run: nothing was changed (${shown.length} to change)`]);
}

/** What was a difference is none any more; and whether anything runs by it, which the file does not say. */
export function showDone(name: string, plan: ApplyPlan, runs: boolean, { screen }: ShellContext): void {
  const count = plan.changes.filter((change) => tellChange(change) !== undefined).length;
  const next = runs ? '' : `; it does not run: \`deployable_start ${name}\` starts it`;
  if (count > 0) screen.print([`deployable ${name} is defined as the file says (${count} changed)${next}`]);
}

/** How a change is told once it is made. */
export function changeTelling({
  json,
  diff,
}: {
  readonly json?: true | undefined;
  readonly diff?: true | undefined;
}): OnMade {
  return json ? complainNote : diff ? printChangesNote : printChange;
}

const printChange: OnMade = (change, note, context) => {
  const line = tellChange(change);
  if (line === undefined) return;
  context.screen.print([paint(line, context.screen.style)]);
  printNote(note, context);
};

/** The line itself stands in the difference above. */
const printChangesNote: OnMade = (change, note, context) => {
  if (tellChange(change) !== undefined) printNote(note, context);
};

/** Standard output is one line of JSON. */
const complainNote: OnMade = (change, note, { screen }) => {
  if (note !== null && tellChange(change) !== undefined)
    screen.complain(renderWarning(printable(note), undefined, screen.style));
};

function paint({ sign, text }: { readonly sign: Sign; readonly text: string }, style: Style): string {
  const colours = { '+': style.green, '-': style.red, '~': style.yellow };
  return colours[sign](`${sign} ${printable(text)}`);
}

export function printPlan(
  service: WantedService,
  plan: ApplyPlan,
  done: boolean,
  context: ShellContext,
): void {
  const { changes, leftOver, leftOverDisks, atNextStart } = plan;
  printJson(context, { deployable: service.name, done, changes, leftOver, leftOverDisks, atNextStart });
}
