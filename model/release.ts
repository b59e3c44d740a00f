/**
 * A release: what `debian12` or `F14` means to the build stage. Releases are data
 * (`templates/releases/*.yaml`); this file says what such a file may hold, per engine
 * (what an installer is told stands in `installer.ts`).
 */
import { z } from 'zod';
import { architectureSchema } from './definition.ts';
import { watchdogModels } from './domain-spec.ts';
import { installerEngineNames, installerEngineSchema, installerSchema } from './installer.ts';
import { nameSchema } from './names.ts';
import { familySchema, packageNameSchema } from './resource-template.ts';
import { sshAlgorithmsSchema } from './ssh.ts';

export const engineNames = ['bootstrap', ...installerEngineNames] as const;
export type EngineName = (typeof engineNames)[number];

const suiteSchema = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9-]*$/);

/** Words for the kernel's command line: printable, no spaces inside a word, no quotes. */
const cmdlineSchema = z
  .string()
  .max(1024)
  .regex(/^[!#-&(-~]+( [!#-&(-~]+)*$/);

const commonShape = {
  name: nameSchema,
  summary: z.string().min(1).max(200),
  /** Other names that people use; each is as good as `name`. */
  aliases: z.array(nameSchema).max(10).default([]),
  family: familySchema,
  architectures: z.array(architectureSchema).min(1).max(4),
  /** The guest's service manager. */
  init: z.enum(['systemd', 'sysv']),
  machine: z.enum(['pc', 'q35']),
  /** What a guest of this release needs at the least to run a JEOS. */
  memoryMiB: z.int().min(64).max(65_536),
  /** The virtual machine's watchdog, where the release's kernel has the driver and loads it. */
  watchdog: z.enum(watchdogModels).optional(),
  /** What its sshd knows, where today's ssh does not offer that by itself. */
  ssh: sshAlgorithmsSchema.optional(),
  /** Identifier in libosinfo's database, for tools that show one. */
  osinfoId: z.url().optional(),
};

const bootstrapReleaseSchema = z.strictObject({
  ...commonShape,
  packageManager: z.literal('apt'),
  engine: z.literal('bootstrap'),
  bootstrap: z.strictObject({
    /** First suite is the release itself, the others are laid over it (updates, security). */
    suites: z.array(suiteSchema).min(1).max(5),
    components: z.array(suiteSchema).min(1).max(5),
    /** The package whose dependency is the kernel to take. */
    kernelPackage: packageNameSchema,
    packages: z.array(packageNameSchema).max(100),
    /** What mmdebstrap starts from: Debian's essential packages and apt, or nothing but what is listed. */
    variant: z.enum(['minbase', 'custom']).default('minbase'),
    /** Directory of `templates/guest/` whose files go into the image. */
    guestFiles: nameSchema,
    cmdline: cmdlineSchema,
    /** Size of the file system; the disk file is sparse and holds only what is used. */
    diskSizeMiB: z.int().min(512).max(1_048_576),
  }),
});

const installerReleaseSchema = z
  .strictObject({
    ...commonShape,
    packageManager: z.enum(['yum', 'dnf']),
    /** The engine that is taken when nobody asks for another. */
    engine: installerEngineSchema,
    /** All that can install it. */
    engines: z.array(installerEngineSchema).min(1),
    installer: installerSchema,
  })
  .refine(({ engine, engines }) => engines.includes(engine), {
    path: ['engines'],
    error: 'the default engine must be one of them',
  })
  .refine(
    ({ engines, installer }) =>
      !engines.includes('oz') || (installer.osName !== undefined && installer.osVersion !== undefined),
    { path: ['installer', 'osName'], error: 'oz needs osName and osVersion' },
  );

export const releaseSchema = z.discriminatedUnion('engine', [bootstrapReleaseSchema, installerReleaseSchema]);
export type Release = z.infer<typeof releaseSchema>;
export type BootstrapRelease = z.infer<typeof bootstrapReleaseSchema>;
export type InstallerRelease = z.infer<typeof installerReleaseSchema>;
