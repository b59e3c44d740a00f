/**
 * Where an alert of a deployable's own webhook goes, at the moment when it is sent: the definition may have changed
 * since, and so may its secrets. Nothing of a secret is in what is wrong.
 */
import { secretOfWord, webhookFault } from '../../model/deployable-alert.ts';
import type { WebhookAlert } from '../../model/deployable-alert.ts';
import { isSameData } from '../../model/service-file/equal.ts';
import type { DefinitionStore } from '../definitions/store.ts';
import { isBearerToken } from './webhook.ts';

export type AlertDefinitions = Pick<DefinitionStore, 'deployableAlerts' | 'secret'>;

export type OwnAddress =
  | { readonly kind: 'to'; readonly url: string; readonly token: string | null }
  /** Nobody wants it there any more. */
  | { readonly kind: 'gone' }
  /** As the end of a sentence. */
  | { readonly kind: 'wrong'; readonly why: string };

export function addressOf(
  definitions: AlertDefinitions,
  deployable: string,
  alert: WebhookAlert,
): OwnAddress {
  if (!definitions.deployableAlerts(deployable).some((one) => isSameData(one, alert)))
    return { kind: 'gone' };
  const valueOf = (word: string): string | undefined => {
    const secret = secretOfWord(word);
    return secret === undefined ? word : definitions.secret(deployable, secret);
  };
  const url = valueOf(alert.webhook);
  const token = alert.token === undefined ? null : valueOf(alert.token);
  if (url === undefined || token === undefined)
    return { kind: 'wrong', why: 'a secret that it needs is not there' };
  const fault = webhookFault(url, token !== null);
  if (fault !== undefined)
    return { kind: 'wrong', why: `its address in the secret ${secretOfWord(alert.webhook)} ${fault}` };
  if (token !== null && !isBearerToken(token))
    return {
      kind: 'wrong',
      why: `what is in the secret ${secretOfWord(alert.token ?? '')} is no bearer token`,
    };
  return { kind: 'to', url, token };
}
