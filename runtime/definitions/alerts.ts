/**
 * The operator's command on whom else to tell of what happens to a deployable. Programs are only named: whether one
 * is there, and is run, shows when there is something to tell.
 */
import { PcloudError } from '../../model/errors.ts';
import { secretsOfAlert } from '../../model/deployable-alert.ts';
import type { DeployableAlert } from '../../model/deployable-alert.ts';
import { findDeployable } from './context.ts';
import type { DefinitionContext } from './context.ts';

/**
 * All of them at once.
 * @throws PcloudError `bad-name`, `unknown-deployable`, `unknown-secret`.
 */
export function setAlerts(
  context: DefinitionContext,
  deployableName: string,
  alerts: readonly DeployableAlert[],
): readonly DeployableAlert[] {
  return context.store.transaction(() => {
    const { name } = findDeployable(context, deployableName);
    const known = context.store.secretNames(name);
    const missing = alerts.flatMap(secretsOfAlert).find((secret) => !known.includes(secret));
    if (missing !== undefined)
      throw new PcloudError({
        code: 'unknown-secret',
        category: 'not-found',
        message: `Deployable ${name} has no secret ${missing}, which an alert of it needs.`,
        hint: `Set it first: \`deployable_secret_set ${name} ${missing} --from-file FILE\`.`,
        facts: { deployable: name, secret: missing },
      });
    context.store.saveDeployableAlerts(name, alerts);
    return alerts;
  });
}
