/**
 * The operator's commands on the secrets of a deployable: values that its resources are given as parameters, and
 * that no answer, definition or log holds. They are drawn here, or come in once.
 */
import { timingSafeEqual } from 'node:crypto';
import { secretValueSchema } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { secretsOfAlert } from '../../model/deployable-alert.ts';
import { checkName } from '../../model/names.ts';
import { isSecret } from '../../model/parameter.ts';
import { findDeployable } from './context.ts';
import type { DefinitionContext } from './context.ts';
import { effectOn } from './effect.ts';
import { conflict } from './refusals.ts';

export type SecretChange = { readonly changed: boolean; readonly note: string | null };

/**
 * @param value null: one is drawn, unless there is one already.
 * @param dryRun only tells whether it would change anything.
 * @throws PcloudError `bad-name`, `unknown-deployable`, `bad-secret`.
 */
export function setSecret(
  context: DefinitionContext,
  deployableName: string,
  name: string,
  value: string | null,
  dryRun: boolean,
): SecretChange {
  checkName('secret', name);
  if (value !== null && !secretValueSchema.safeParse(value).success)
    // The value stands in no message.
    throw new PcloudError({
      code: 'bad-secret',
      category: 'invalid',
      message: `What was given as the secret ${name} cannot be one.`,
      hint: 'A secret is one line of 1 to 128 characters, without control characters.',
    });
  return context.store.transaction(() => {
    const deployable = findDeployable(context, deployableName);
    const present = context.store.secret(deployable.name, name);
    const changed =
      value === null ? present === undefined : present === undefined || !isEqual(present, value);
    if (changed && !dryRun) context.store.saveSecret(deployable.name, name, value ?? context.newSecret());
    return { changed, note: changed ? effectOn(deployable).note : null };
  });
}

/** @throws PcloudError `bad-name`, `unknown-deployable`, `unknown-secret`, `secret-in-use`. */
export function removeSecret(context: DefinitionContext, deployableName: string, name: string): void {
  checkName('secret', name);
  context.store.transaction(() => {
    const deployable = findDeployable(context, deployableName);
    const known = context.store.secretNames(deployable.name);
    if (!known.includes(name))
      throw new PcloudError({
        code: 'unknown-secret',
        category: 'not-found',
        message: `Deployable ${deployable.name} has no secret ${name}.`,
        hint: known.length === 0 ? 'It has none at all.' : `It has ${known.join(', ')}.`,
      });
    for (const assemblyName of deployable.assemblies)
      for (const resource of context.store.assembly(assemblyName)?.resources ?? [])
        for (const [parameter, value] of Object.entries(resource.parameters))
          if (isSecret(value) && value.secret === name)
            throw conflict(
              'secret-in-use',
              `Resource ${resource.name} in assembly ${assemblyName} is given the secret ${name} as ${parameter}.`,
              `Clear that first: \`resource_parameter_clear ${resource.name} ${assemblyName} ${parameter}\`.`,
              { deployable: deployable.name, secret: name },
            );
    if (context.store.deployableAlerts(deployable.name).some((alert) => secretsOfAlert(alert).includes(name)))
      throw conflict(
        'secret-in-use',
        `An alert of deployable ${deployable.name} needs the secret ${name}.`,
        `Take the alert out first: \`deployable_alert_remove\`; \`alert_list\` shows it.`,
        { deployable: deployable.name, secret: name },
      );
    context.store.deleteSecret(deployable.name, name);
  });
}

function isEqual(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
