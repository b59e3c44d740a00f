/**
 * What the two engines' texts and arguments have in common: which paths and names may stand in them, the
 * consoles of an installer's kernel, and the error for a value that may not.
 */
import { z } from 'zod';
import { PcloudError } from '../../model/errors.ts';

/** tty0 gives a screenshot its text, ttyS0 (the last one, so /dev/console) the console's log. */
export const consoleArguments = ['console=tty0', 'console=ttyS0'] as const;

/**
 * An absolute path that keeps its meaning in XML, in an INI file, and among virt-install's comma-separated
 * options.
 */
export const installPathSchema = z
  .string()
  .max(4095)
  .regex(
    /^\/[^\p{Cc}\u2028\u2029,'"\\]*$/u,
    'it must be an absolute path without commas, quotes or control characters',
  )
  .refine((text) => text.isWellFormed() && text === text.trim(), 'it must not end in a space');

/** Interface names of Linux have at most 15 bytes. */
export const bridgeNameSchema = z.string().regex(/^[A-Za-z0-9_.-]{1,15}$/, 'it must be the name of a bridge');

/** A libvirt URI, such as `qemu:///system?socket=/run/…`. */
export const libvirtUriSchema = z
  .string()
  .max(1000)
  .regex(/^[a-z+]+:\/\/[\x21-\x7e]*$/, 'it must be a libvirt URI, such as qemu:///system');

/**
 * The values, checked.
 * @throws PcloudError `bad-install-value` that names the first wrong one.
 */
export function parseInstallValues<T>(schema: z.ZodType<T>, values: unknown): T {
  const checked = schema.safeParse(values);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw badInstallValue(issue?.path.join('.') ?? '', issue?.message ?? 'it is wrong', checked.error);
}

export function badInstallValue(field: string, why: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'bad-install-value',
    category: 'invalid',
    message: `An installation cannot be started with this ${field}: ${why}.`,
    hint: 'Correct the setting that it comes from (directories, libvirt address, network), or the release in templates/releases/.',
    facts: { field },
    cause,
  });
}
