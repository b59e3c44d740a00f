/**
 * Whom else to tell of what happens to one deployable: rules of its own, beside those of the whole service
 * (`alerts.yaml`) and in the same words. And what those words are. Which notices they match is
 * `runtime/telling/rules.ts`. Pure.
 */
import { z } from 'zod';
import { severities } from './event.ts';
import { nameSchema } from './names.ts';

/** What failed, from the smallest to the largest; `host`: libvirt, or the service itself. */
export const rungs = ['resource', 'assembly', 'deployable', 'host'] as const;
export type Rung = (typeof rungs)[number];

/** A name, `*`, `?`, `[…]`, `{a,b}`; names of ours hold no slash. */
export const globSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9._*?[\]{},!-]+$/, 'must be a name with *, ?, [...] or {a,b}');

/** Never a path: programs are those of the administrator's directory. */
export const programNameSchema = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^/\s]+$/, 'must be the name of a file in the directory of alert programs');

/** Of a deployable. */
export const maxAlerts = 20;

const secretWord = /^@secret:(.*)$/s;

/** The name in `@secret:NAME`; undefined for any other text. */
export function secretOfWord(text: string): string | undefined {
  const name = secretWord.exec(text)?.[1];
  return name !== undefined && nameSchema.safeParse(name).success ? name : undefined;
}

/**
 * Why an address is none that alerts may be posted to, as the end of a sentence; undefined: it is one. A user, a
 * password or a query in it would be a secret that everybody is shown.
 * @param withToken a token is sent along, which nobody else may read on its way.
 */
export function webhookFault(address: string, withToken: boolean): string | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    return 'must be an address such as https://alerts.example.org/hook, or @secret:NAME';
  if (url.username !== '' || url.password !== '') return 'must have no user and no password in it';
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (withToken && url.protocol !== 'https:' && !isHere) return 'must be https where a token is sent along';
  return undefined;
}

/** An address in a definition is shown to whoever may look; the whole of it may be a secret instead. */
const webhookSchema = z
  .string()
  .min(1)
  .max(1024)
  .refine(
    (text) => secretOfWord(text) !== undefined || webhookFault(text, false) === undefined,
    'must be an address such as https://alerts.example.org/hook without user and password, or @secret:NAME',
  )
  .refine(
    (text) => secretOfWord(text) !== undefined || !/[?#]/.test(text),
    'has more than a path, which may be a secret: give all of it as @secret:NAME',
  );

const tokenSchema = z
  .string()
  .max(100)
  .refine((text) => secretOfWord(text) !== undefined, 'must be @secret:NAME, a secret of the deployable');

const manyOf = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(100).optional();

/** All that are given hold, and of each one is enough. */
export const alertMatchSchema = z.strictObject({
  rung: manyOf(z.enum(rungs)),
  severity: manyOf(z.enum(severities)),
  assembly: manyOf(globSchema),
  resource: manyOf(globSchema),
});
export type AlertMatch = z.infer<typeof alertMatchSchema>;

const webhookAlertSchema = z
  .strictObject({ webhook: webhookSchema, token: tokenSchema.optional(), match: alertMatchSchema.optional() })
  .refine(
    ({ webhook, token }) =>
      token === undefined || secretOfWord(webhook) !== undefined || webhookFault(webhook, true) === undefined,
    { path: ['webhook'], message: 'must be https where a token is sent along' },
  );
const programAlertSchema = z.strictObject({
  program: programNameSchema,
  match: alertMatchSchema.optional(),
});

export const deployableAlertSchema = z.union([webhookAlertSchema, programAlertSchema]);
export type DeployableAlert = z.infer<typeof deployableAlertSchema>;
export type WebhookAlert = z.infer<typeof webhookAlertSchema>;
/** Where an alert goes; all that go there are meant. */
export const alertAddressSchema = z.union([
  z.strictObject({ webhook: z.string().max(1024) }),
  z.strictObject({ program: z.string().max(255) }),
]);
export type AlertAddress = z.infer<typeof alertAddressSchema>;
export const deployableAlertsSchema = z.array(deployableAlertSchema).max(maxAlerts);

/** The schemas of the words by themselves, for a file that takes one as well as a list. */
export const alertWords = {
  webhook: webhookSchema,
  token: tokenSchema,
  program: programNameSchema,
  rung: z.enum(rungs),
  severity: z.enum(severities),
  glob: globSchema,
};

/** The secrets that it needs. */
export function secretsOfAlert(alert: DeployableAlert): readonly string[] {
  if ('program' in alert) return [];
  return [alert.webhook, alert.token ?? ''].flatMap((word) => secretOfWord(word) ?? []);
}

/** `program alert-pager of rung assembly`; of an address only where it is, since its path may be a secret. */
export function alertText(alert: DeployableAlert): string {
  const what =
    'program' in alert
      ? `program ${alert.program}`
      : `webhook ${shownAddress(alert.webhook)}${alert.token === undefined ? '' : ` with ${alert.token}`}`;
  const conditions = Object.entries(alert.match ?? {}).flatMap(([key, words]) =>
    words === undefined ? [] : [`${key} ${words.join(' or ')}`],
  );
  return conditions.length === 0 ? what : `${what} of ${conditions.join(', ')}`;
}

function shownAddress(webhook: string): string {
  if (secretOfWord(webhook) !== undefined) return webhook;
  const { origin, pathname } = new URL(webhook);
  return pathname === '/' ? origin : `${origin}/…`;
}
