/**
 * What the catalogue says of a release that its own installer (anaconda) sets up: kickstart, media, package
 * archive, and what the installer and each engine want to be told. Data only; which releases there are is
 * `templates/releases/`, and what is made of this is the builder's.
 */
import { z } from 'zod';
import { nameSchema } from './names.ts';

/** Engines that run a release's own installer in a virtual machine. */
/** What installs packages in a guest. */
export const packageManagers = ['apt', 'dnf', 'yum'] as const;
export type PackageManager = (typeof packageManagers)[number];

export const installerEngineNames = ['oz', 'virt-install'] as const;
export const installerEngineSchema = z.enum(installerEngineNames);
export type InstallerEngineName = z.infer<typeof installerEngineSchema>;

/**
 * An http(s) address in which no character means anything to a kickstart, a shell, an INI file or XML: it can
 * stand wherever an address is written. No user, no password, no query.
 */
export const plainUrlSchema = z
  .string()
  .max(500)
  .regex(
    /^https?:\/\/(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~+/-]*)?$/,
    'it must be an http or https address of letters, digits and . _ ~ + - /',
  );

/** An address of a directory: installers append file names to it. */
const treeUrlSchema = plainUrlSchema.endsWith('/', 'it must end in /');

/** One word on a kernel's command line. */
const kernelWordSchema = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.,:=/-]*$/, 'it must be one word without quotes');

const mediaSchema = z.strictObject({
  /**
   * The install tree. The installer in the guest reads it, so for releases that cannot speak today's TLS it
   * is plain http; the ISO, which we verify, is the better source there.
   */
  treeUrl: treeUrlSchema.optional(),
  /** An ISO that holds packages, not only the installer. The host reads it. */
  isoUrl: plainUrlSchema.optional(),
  checksumUrl: plainUrlSchema.optional(),
  isoSizeBytes: z.int().positive().optional(),
});

export const repositorySchema = z.strictObject({
  id: z
    .string()
    .max(63)
    .regex(/^[a-z0-9][a-z0-9._-]*$/),
  name: z
    .string()
    .max(100)
    .regex(/^[A-Za-z0-9][A-Za-z0-9 ._()-]*$/),
  baseUrl: treeUrlSchema,
  /** The key in the guest that signs its packages. Required: an archive over http is only as good as that. */
  gpgKey: z
    .string()
    .max(200)
    .regex(/^\/etc\/pki\/rpm-gpg\/[A-Za-z0-9][A-Za-z0-9._-]*$/),
  /** Whether an installation from the tree needs it as well (RHEL 9 has its packages in two trees). */
  useAtInstall: z.boolean().default(false),
});
export type Repository = z.infer<typeof repositorySchema>;

const sshKeyTypes = ['ssh-rsa', 'ecdsa-sha2-nistp256', 'ssh-ed25519'] as const;

export const installerSchema = z.strictObject({
  /** Name of the kickstart template in `kickstarts/`. */
  kickstart: nameSchema,
  /** pykickstart's name of its dialect, as `ksvalidator -v` takes it. */
  kickstartVersion: z.string().regex(/^(?:F|RHEL)[0-9]{1,2}$/),
  /** What oz's TDL calls it; needed where `engines` has oz. oz wants RHEL's version without its minor number. */
  osName: nameSchema.optional(),
  osVersion: z
    .string()
    .regex(/^[0-9]{1,3}$/)
    .optional(),
  /** What virt-install's --osinfo calls it: what libosinfo in the oldest supported host knows. */
  osVariant: nameSchema,
  /** A multiple of 1024, because a TDL counts in GiB. The disk file is sparse. */
  diskSizeMiB: z.int().min(2048).max(1_048_576).multipleOf(1024),
  /** What the installer needs, which is more than what the installed guest does. */
  installMemoryMiB: z.int().min(256).max(65_536),
  /** Words for the installer's kernel besides the kickstart and the consoles. */
  kernelArguments: z.array(kernelWordSchema).max(20).default([]),
  /** How the installer's kernel is told where the kickstart is. */
  kickstartArgument: z.enum(['ks', 'inst.ks']),
  /** The installer labels disks with GPT, so that GRUB 2 on a BIOS needs a partition of its own. */
  biosBoot: z.boolean().default(false),
  /** Types of public keys that the guest's sshd knows. */
  sshKeyTypes: z
    .array(z.enum(sshKeyTypes))
    .min(1)
    .default([...sshKeyTypes]),
  /**
   * What the media and repositories below are really of, where the release itself is for subscribers and they
   * stand in for it. Undefined: they are of the release.
   */
  standIn: z
    .string()
    .max(100)
    .regex(/^[A-Za-z0-9][A-Za-z0-9 .-]*$/)
    .optional(),
  media: mediaSchema,
  /** What the guest's package manager uses from its first boot on. */
  repositories: z.array(repositorySchema).max(20).default([]),
});
export type Installer = z.infer<typeof installerSchema>;
