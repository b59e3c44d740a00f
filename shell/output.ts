/**
 * What commands print in the same way: lists as table or JSON, and what became of a build that was asked for.
 */
import type { Requirement } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import type { ShellContext } from './context.ts';
import type { ChangedAssembly } from './ports.ts';
import { printable } from './printable.ts';
import { shortDigest } from './render-images.ts';
import { renderWarning } from './render-message.ts';
import type { View } from './render-status.ts';

/** Of every JSON line; it grows when a field changes its meaning or goes, not when one is added. */
export const jsonVersion = 1;

export function printJson(context: ShellContext, value: Readonly<Record<string, unknown>>): void {
  context.screen.print([JSON.stringify({ version: jsonVersion, ...value })]);
}

export function viewOf(context: ShellContext): View {
  const { screen, clock } = context;
  return { nowMs: clock.wallMs(), columns: screen.columns(), style: screen.style };
}

/** Prints a list: as JSON under `key`, as the table, or as the sentence for an empty one. */
export function printList<T>(
  context: ShellContext,
  options: {
    readonly json: true | undefined;
    readonly key: string;
    readonly items: readonly T[];
    readonly render: (items: readonly T[], view: View) => readonly string[];
    readonly whenEmpty: string;
  },
): void {
  if (options.json) printJson(context, { [options.key]: options.items });
  else if (options.items.length === 0) context.screen.print([options.whenEmpty]);
  else context.screen.print(options.render(options.items, viewOf(context)));
}

export function describeRequirement(requirement: Requirement): string {
  const what = `${requirement.release} ${requirement.architecture}`;
  return requirement.templates.length === 0
    ? `JEOS ${what}`
    : `${what} with ${requirement.templates.join(', ')}`;
}

/** What is left to be done after a change, in the service's words. */
export function printNote(note: string | null, context: ShellContext): void {
  if (note !== null) context.screen.print([printable(note)]);
}

/**
 * After a definition changed: has its image queued at once and says so. That the builder is away, or refuses,
 * does not undo the definition: it is a warning.
 */
export async function queueImage(
  assembly: string,
  changed: ChangedAssembly,
  context: ShellContext,
): Promise<void> {
  printNote(changed.note, context);
  if (changed.imageDigest !== null) {
    context.screen.print([
      `assembly ${assembly} keeps its disk, on image ${shortDigest(changed.imageDigest)}`,
    ]);
    return;
  }
  const { requirement } = changed;
  if (requirement === null) return;
  const what = describeRequirement(requirement);
  try {
    const builder = await context.services.builder();
    const { digest, ready } = await builder.ensureRequirement(requirement);
    context.screen.print([
      ready
        ? `its image (${what}) is built already: ${shortDigest(digest)}`
        : `its image (${what}) is on its way: ${shortDigest(digest)}; build_list shows how far it is`,
    ]);
  } catch (error) {
    if (!(error instanceof PcloudError)) throw error;
    context.screen.complain(
      renderWarning(
        `The definition stands, but the build of its image (${what}) could not be queued: ${error.message}`,
        `${error.hint === undefined ? '' : `${error.hint} `}deployable_start asks for the image again.`,
        context.screen.style,
      ),
    );
  }
}
