/**
 * The operator's commands on whom else to tell of what happens to a deployable. Programs are only named: whether one
 * is there, and is run, shows when there is something to tell.
 */
import { PcloudError } from '../../model/errors.ts';
import { alertText, maxAlerts, secretsOfAlert } from '../../model/deployable-alert.ts';
import type { AlertAddress, DeployableAlert } from '../../model/deployable-alert.ts';
import { isSameData } from '../../model/service-file/equal.ts';
import { findDeployable } from './context.ts';
import type { DefinitionContext } from './context.ts';
import { conflict } from './refusals.ts';

type Alerts = readonly DeployableAlert[];

/**
 * All of them at once.
 * @throws PcloudError `bad-name`, `unknown-deployable`, `unknown-secret`.
 */
export function setAlerts(context: DefinitionContext, deployable: string, alerts: Alerts): Alerts {
  return editAlerts(context, deployable, () => alerts);
}

/**
 * One more, unless it is there.
 * @throws PcloudError as `setAlerts`, and `too-many-alerts`.
 */
export function addAlert(context: DefinitionContext, deployable: string, alert: DeployableAlert): Alerts {
  return editAlerts(context, deployable, (alerts) => {
    if (alerts.some((one) => isSameData(one, alert))) return alerts;
    if (alerts.length < maxAlerts) return [...alerts, alert];
    throw conflict(
      'too-many-alerts',
      `Deployable ${deployable} has ${alerts.length} alerts, which is the most.`,
      `Take one out first: \`alert_list --deployable ${deployable}\` shows them.`,
    );
  });
}

/**
 * Takes out all that go there, whatever they match.
 * @throws PcloudError as `setAlerts`, and `unknown-alert`.
 */
export function removeAlert(context: DefinitionContext, deployable: string, address: AlertAddress): Alerts {
  return editAlerts(context, deployable, (alerts) => {
    const left = alerts.filter((alert) => !goesTo(alert, address));
    if (left.length < alerts.length) return left;
    throw new PcloudError({
      code: 'unknown-alert',
      category: 'not-found',
      message: `Deployable ${deployable} has no alert that goes there.`,
      hint: alerts.length === 0 ? 'It has none at all.' : `It has: ${alerts.map(alertText).join('; ')}.`,
    });
  });
}

function goesTo(alert: DeployableAlert, address: AlertAddress): boolean {
  if ('program' in address) return 'program' in alert && alert.program === address.program;
  return 'webhook' in alert && alert.webhook === address.webhook;
}

function editAlerts(
  context: DefinitionContext,
  deployableName: string,
  edit: (alerts: Alerts) => Alerts,
): Alerts {
  return context.store.transaction(() => {
    const { name } = findDeployable(context, deployableName);
    const alerts = edit(context.store.deployableAlerts(name));
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
