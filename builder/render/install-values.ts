/**
 * What the two engines' texts and arguments have in common: which paths and names may stand in them, the
 * arguments of an installer's kernel, and the error for a value that may not.
 */
import { z } from 'zod';
import { PcloudError } from '../../model/errors.ts';

/**
 * tty0 gives a screenshot its text, ttyS0 (the last one, so /dev/console) the console's log. A guest of KVM leaves the
 * test of its timer out by itself (kvm_guest_init in Linux's arch/x86/kernel/kvm.c); on a busy host without KVM that
 * test fails (6 of 32 boots, eight at a time on two cores; none of 24 without it), and when all ways to route the
 * interrupt fail, the kernel panics: "IO-APIC + timer doesn't work!".
 */
export const machineArguments = ['no_timer_check', 'console=tty0', 'console=ttyS0'] as const;

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
