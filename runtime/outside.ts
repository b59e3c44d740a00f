/** The real world outside cped: libvirt, the guest links, the clock, and whether KVM works. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { domainXmlRenderer } from '../catalogue/domain-xml.ts';
import type { DomainSpec } from '../model/domain-spec.ts';
import { PcloudError } from '../model/errors.ts';
import { errorTextOf } from '../service/error-code.ts';
import type { Logger } from '../service/logger.ts';
import { probeAccelerator } from '../service/accelerator-probe.ts';
import { createGuestLinks } from './adapters/guest-link.ts';
import { libvirtHypervisor } from './adapters/libvirt-hypervisor.ts';
import { systemClock } from './adapters/system-clock.ts';
import type { CpedConfig } from './config.ts';
import type { Outside } from './cped.ts';
import { defaultLimits } from './supervisor/limits.ts';

/**
 * Nothing is connected yet; the supervisor's loop opens the hypervisor, which keeps trying by itself.
 * @throws PcloudError `template-unreadable`.
 */
export async function connectOutside(config: CpedConfig, log: Logger): Promise<Outside> {
  const clock = systemClock;
  const renderXml = await readDomainRenderer(config.templatesDir);
  const accelerator = await probeAccelerator({
    memoryFile: path.join(config.runtimeDir, 'cped-accelerator.json'),
  });
  const notice = (message: string): void => log.warn(message);
  return {
    clock,
    accelerator,
    hypervisor: libvirtHypervisor({
      uri: config.libvirtUri,
      owner: config.owner,
      clock,
      renderXml,
      notice,
    }),
    links: createGuestLinks({ clock, heartbeatMs: defaultLimits(accelerator.accelerator).heartbeatMs }),
  };
}

/**
 * How a machine is described to libvirt.
 * @throws PcloudError `template-unreadable`.
 */
export async function readDomainRenderer(templatesDir: string): Promise<(spec: DomainSpec) => string> {
  try {
    return domainXmlRenderer(await readFile(path.join(templatesDir, 'domain.xml.hbs'), 'utf8'));
  } catch (error) {
    throw new PcloudError({
      code: 'template-unreadable',
      category: 'failed',
      message: `The domain template cannot be read: ${errorTextOf(error)}.`,
      hint: 'Set PCLOUD_TEMPLATES_DIR to the directory with domain.xml.hbs, or install it again.',
      cause: error,
    });
  }
}
