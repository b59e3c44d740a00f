/**
 * The consent to what cannot be undone: asked for on a terminal, given by `--yes` in a script. What is lost is
 * the commands' to say.
 */
import { PcloudError } from '../model/errors.ts';
import type { OptionSpec } from './command.ts';
import type { ShellContext } from './context.ts';

export const yesOption = {
  name: 'yes',
  kind: 'flag',
  about: 'do it without asking; scripts need it',
} as const satisfies OptionSpec;

export type Loss = {
  readonly yes: true | undefined;
  /** The call as it was typed, without `--yes`. */
  readonly call: string;
  /** Another way out for a script, as the end of a sentence. */
  readonly otherwise?: string;
  /** What would be lost, as a question; looked up, where that is needed, only when somebody can be asked. */
  readonly question: string | (() => Promise<string>);
};

/**
 * True when the operator agrees; what follows from a no is said.
 * @throws PcloudError `needs-yes` where nobody can be asked; nothing was asked of a service then.
 */
export async function agreesToLoss(loss: Loss, context: ShellContext): Promise<boolean> {
  if (loss.yes === true) return true;
  if (context.confirm === null) {
    const otherwise = loss.otherwise === undefined ? '' : `, or ${loss.otherwise}`;
    throw new PcloudError({
      code: 'needs-yes',
      category: 'invalid',
      message: `${loss.call.split(' ')[0] ?? ''} asks before it removes anything, and there is nobody to ask.`,
      hint: `Say \`${loss.call} --yes\` to do it without being asked${otherwise}.`,
    });
  }
  const question = typeof loss.question === 'string' ? loss.question : await loss.question();
  const agreed = await context.confirm(`${question} [y/N] `);
  if (!agreed) context.screen.print(['nothing was removed']);
  return agreed;
}
