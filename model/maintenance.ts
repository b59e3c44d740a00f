/**
 * What maintenance can be set on, as one word: `deployable:D`, `assembly:A` or `resource:A/R`. The operator
 * may write it so, the database holds it so, and it is read back here. And the limits of what may be set. Pure.
 */
import { PcloudError } from './errors.ts';
import { nameSchema, quoteForMessage } from './names.ts';

export type MaintenanceTargetName =
  | { readonly kind: 'deployable'; readonly deployable: string }
  | { readonly kind: 'assembly'; readonly assembly: string }
  | { readonly kind: 'resource'; readonly assembly: string; readonly resource: string };

/** At least a second, as the shell's times have no less; at most as long as an escalation's period. */
export const minMaintenanceMs = 1000;
export const maxMaintenanceMs = 366 * 24 * 3_600_000;

/** How many assemblies may be starting at once, at most: more than any one host starts. */
export const maxStartLimit = 1000;

/** The target that such a word means; undefined for any other word. */
export function parseMaintenanceKey(key: string): MaintenanceTargetName | undefined {
  const [, kind, first = '', second] = /^(deployable|assembly|resource):([^/]*)(?:\/(.*))?$/s.exec(key) ?? [];
  if (kind === undefined || !isName(first)) return undefined;
  if (kind === 'resource')
    return second !== undefined && isName(second) ? { kind, assembly: first, resource: second } : undefined;
  if (second !== undefined) return undefined;
  return kind === 'deployable' ? { kind, deployable: first } : { kind: 'assembly', assembly: first };
}

/**
 * The word itself if it may be a target: one that `parseMaintenanceKey` reads, a name, or `ASSEMBLY/RESOURCE`.
 * @throws PcloudError `bad-target`.
 */
export function checkTargetWord(word: string): string {
  const parts = word.split('/');
  if (parseMaintenanceKey(word) !== undefined || (parts.length <= 2 && parts.every(isName))) return word;
  throw new PcloudError({
    code: 'bad-target',
    category: 'invalid',
    message: `${quoteForMessage(word)} is no target for maintenance.`,
    hint: targetForms,
  });
}

/** For a hint. */
export const targetForms =
  'A target is a deployable (dep1), an assembly (assy1) or a resource (assy1/httpdone), also as deployable:dep1, assembly:assy1, resource:assy1/httpdone.';

function isName(text: string): boolean {
  return nameSchema.safeParse(text).success;
}
