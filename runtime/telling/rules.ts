/**
 * Whom a notice is told: the operator's rules, and what they mean. The first rule that matches decides; what no
 * rule matches is told to all, since silence has to be asked for. Pure; the file is `rules-file.ts`.
 */
import path from 'node:path';
import { z } from 'zod';
import { globSchema, programNameSchema, rungs } from '../../model/deployable-alert.ts';
import type { DeployableAlert, WebhookAlert } from '../../model/deployable-alert.ts';
import { severities } from '../../model/event.ts';
import type { Notice } from './notice.ts';

/** One or a list of them. Not a union, whose message would name neither the value nor what is right. */
function oneOrMore<T extends z.ZodType>(item: T) {
  return z.preprocess((given) => (Array.isArray(given) ? given : [given]), z.array(item).min(1).max(100));
}

const matchSchema = z.strictObject({
  rung: oneOrMore(z.enum(rungs)).optional(),
  severity: oneOrMore(z.enum(severities)).optional(),
  deployable: oneOrMore(globSchema).optional(),
  assembly: oneOrMore(globSchema).optional(),
  resource: oneOrMore(globSchema).optional(),
});

/** YAML 1.2 has no yes and no; people write them nevertheless. */
const yesNo = z.union([z.boolean(), z.enum(['yes', 'no']).transform((word) => word === 'yes')], {
  error: 'must be yes or no',
});

const ruleSchema = z.strictObject({
  match: matchSchema.default({}),
  programs: z.union([z.enum(['all', 'none']), z.array(programNameSchema).max(100)], {
    error: 'must be all, none, or a list of names of programs',
  }),
  webhook: yesNo,
});

export const rulesSchema = z.strictObject({ rules: z.array(ruleSchema).max(1000) });
export type Rules = z.infer<typeof rulesSchema>;

export type Recipients = {
  readonly programs: 'all' | 'none' | readonly string[];
  readonly webhook: boolean;
};

/** What holds without a file. */
export const everybody: Recipients = { programs: 'all', webhook: true };

export function recipientsOf({ rules }: Rules, notice: Notice): Recipients {
  return rules.find(({ match }) => matches(match, notice)) ?? everybody;
}

/** Those of a deployable's own rules that match; each for itself, since there is no first one among them. */
export function recipientsAmong(
  alerts: readonly DeployableAlert[],
  notice: Notice,
): { readonly programs: readonly string[]; readonly webhooks: readonly WebhookAlert[] } {
  const matching = alerts.filter(({ match }) => match === undefined || matches(match, notice));
  return {
    programs: matching.flatMap((alert) => ('program' in alert ? [alert.program] : [])),
    webhooks: matching.flatMap((alert) => ('webhook' in alert ? [alert] : [])),
  };
}

/** Every condition that is given holds; a name that the notice does not have matches no pattern. */
function matches(match: Partial<z.infer<typeof matchSchema>>, notice: Notice): boolean {
  const fits = (patterns: readonly string[] | undefined, name: string | null): boolean =>
    patterns === undefined || (name !== null && patterns.some((pattern) => path.matchesGlob(name, pattern)));
  return (
    (match.rung?.includes(notice.rung) ?? true) &&
    (match.severity?.includes(notice.severity) ?? true) &&
    fits(match.deployable, notice.deployable) &&
    fits(match.assembly, notice.assembly) &&
    fits(match.resource, notice.resource)
  );
}
