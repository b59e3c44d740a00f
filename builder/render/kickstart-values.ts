/**
 * What a kickstart is made of, besides its template, and what each value may be. A kickstart is read by
 * anaconda, and its scripts by a shell as root: a value that could open a line, a section, a quote or an
 * expansion is refused here, with its name. Rendering is `kickstart.ts`.
 */
import { z } from 'zod';
import { architectureSchema } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { plainUrlSchema, repositorySchema } from '../../model/installer.ts';
import type { Repository } from '../../model/installer.ts';
import { quoteForMessage } from '../../model/names.ts';
import { digestSchema } from '../../model/recipe.ts';
import type { InstallerRelease } from '../../model/release.ts';
import { packageNameSchema, serviceNameSchema } from '../../model/resource-template.ts';
import { rootAccessSchema } from './root-access-values.ts';
import type { RootAccess } from './root-access-values.ts';

export type KickstartValues = {
  readonly release: InstallerRelease;
  readonly architecture: 'x86_64';
  /** 64 hexadecimal digits that only this build's guest writes. */
  readonly nonce: string;
  readonly agent: {
    /** The program, gzipped, in base64; line breaks do not matter. */
    readonly programGzipBase64: string;
    /** Text of its SysV script or of its systemd unit, whichever the release's init reads. */
    readonly init: string;
  };
  readonly rootAccess: RootAccess;
  /** Where the installer finds the packages. */
  readonly source: { readonly kind: 'cdrom' } | { readonly kind: 'url'; readonly url: string };
  /** A full installation of an assembly; null is a JEOS. */
  readonly assembly: {
    /** Names of its resource templates, for the first line. */
    readonly templates: readonly string[];
    readonly packages: readonly string[];
    /** Services that the supervisor starts, and nobody else. */
    readonly services: readonly string[];
    /** TCP ports that the firewall opens besides ssh. */
    readonly ports: readonly number[];
  } | null;
  /** Instead of the release's own; an empty list leaves the guest's as they are (RHEL from a subscriber's ISO). */
  readonly repositories?: readonly Repository[] | undefined;
  readonly timezone?: string | undefined;
  readonly language?: string | undefined;
  readonly keyboard?: string | undefined;
};

const word = (pattern: RegExp) =>
  z.string().max(64).regex(pattern, 'it holds a character that is not allowed');

/** No line may look like a section to anaconda, or end the text to the shell. */
const initTextSchema = z
  .string()
  .min(1)
  .max(32_768)
  .regex(/^[\t\n\x20-\x7e]+$/, 'it must be printable ASCII with line feeds')
  .refine((text) => !/^%/m.test(text), 'a line starts with %')
  .refine((text) => !/^PCLOUD_/m.test(text), 'a line starts with PCLOUD_');

const valuesSchema = z.object({
  architecture: architectureSchema,
  nonce: digestSchema,
  agent: z.object({
    programGzipBase64: z
      .string()
      .min(1)
      .max(4 * 1024 * 1024)
      .regex(/^[A-Za-z0-9+/\n]+={0,2}\n?$/, 'it is not base64'),
    init: initTextSchema,
  }),
  rootAccess: rootAccessSchema,
  source: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('cdrom') }),
    z.object({ kind: z.literal('url'), url: plainUrlSchema }),
  ]),
  assembly: z
    .object({
      templates: z.array(word(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)).max(100),
      packages: z.array(packageNameSchema).max(500),
      services: z.array(serviceNameSchema).max(100),
      ports: z.array(z.int().min(1).max(65_535)).max(100),
    })
    .nullable(),
  repositories: z.array(repositorySchema).max(20).optional(),
  timezone: word(/^[A-Za-z][A-Za-z0-9_+/-]*$/).default('Etc/UTC'),
  language: word(/^[a-z]{2,3}_[A-Z]{2}\.UTF-8$/).default('en_US.UTF-8'),
  keyboard: word(/^[a-z][a-z0-9_-]*$/).default('us'),
});

export type CheckedKickstartValues = z.infer<typeof valuesSchema>;

/**
 * The values as they may be written into a kickstart.
 * @throws PcloudError `bad-kickstart-value` that names the first value that may not.
 */
export function checkKickstartValues(values: KickstartValues): CheckedKickstartValues {
  const checked = valuesSchema.safeParse(values);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw badValue(issue?.path.join('.') ?? '', issue?.message ?? 'it is wrong', checked.error);
  }
  const { rootAccess } = checked.data;
  const { sshKeyTypes } = values.release.installer;
  const keyType = rootAccess.kind === 'key' ? rootAccess.authorizedKey.split(' ')[0] : undefined;
  if (keyType !== undefined && !sshKeyTypes.some((known) => known === keyType))
    throw badValue(
      'rootAccess.authorizedKey',
      `the sshd of ${values.release.name} knows no keys of type ${quoteForMessage(keyType)}, only ${sshKeyTypes.join(', ')}`,
    );
  return checked.data;
}

function badValue(field: string, why: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'bad-kickstart-value',
    category: 'invalid',
    message: `A kickstart cannot be written with this ${field}: ${why}.`,
    hint: 'Values stand in a kickstart as they are, and its scripts run as root: correct the value where it is set.',
    facts: { field },
    cause,
  });
}
