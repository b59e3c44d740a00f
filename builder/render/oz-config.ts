/** One build's settings of oz (`oz.cfg`). Pure; the template comes in as text. */
import Handlebars from 'handlebars';
import { z } from 'zod';
import {
  bridgeNameSchema,
  installPathSchema,
  libvirtUriSchema,
  parseInstallValues,
} from './install-values.ts';

export type OzConfigValues = {
  /** Private to the build, all three. */
  readonly outputDirectory: string;
  readonly dataDirectory: string;
  readonly screenshotDirectory: string;
  readonly uri: string;
  readonly accelerator: 'kvm' | 'tcg';
  /** Bridge of a network that has DHCP and, for an installation by address, a way out. */
  readonly bridge: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** After this oz gives up by itself, in seconds. Our watchdog is meant to be the one that judges. */
  readonly installLimitSeconds: number;
};

const configSchema = z.object({
  outputDirectory: installPathSchema,
  dataDirectory: installPathSchema,
  screenshotDirectory: installPathSchema,
  uri: libvirtUriSchema,
  accelerator: z.enum(['kvm', 'tcg']),
  bridge: bridgeNameSchema,
  cpus: z.int().min(1).max(64),
  memoryMiB: z.int().min(64).max(1_048_576),
  installLimitSeconds: z
    .int()
    .min(60)
    .max(7 * 86_400),
});

/**
 * The text of oz.cfg.
 * @throws PcloudError `bad-install-value` that names the value.
 */
export function renderOzConfig(template: string, values: OzConfigValues): string {
  const { accelerator, ...checked } = parseInstallValues(configSchema, values);
  return Handlebars.compile(template, { strict: true, noEscape: true, knownHelpersOnly: true })({
    ...checked,
    outputDirectory: literal(checked.outputDirectory),
    dataDirectory: literal(checked.dataDirectory),
    screenshotDirectory: literal(checked.screenshotDirectory),
    uri: literal(checked.uri),
    domainType: accelerator === 'kvm' ? 'kvm' : 'qemu',
  });
}

/** Python's configparser expands %(name)s; two percent signs are one. */
function literal(value: string): string {
  return value.replaceAll('%', '%%');
}
