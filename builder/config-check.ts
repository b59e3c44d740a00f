/**
 * `pcloud-builder --check-config`: all of the configuration that can be judged without Redis, without network
 * and without changing anything. How findings are told is `service/config-check.ts`.
 */
import { loadReleases } from '../catalogue/releases.ts';
import { openTemplateLibrary } from '../catalogue/template-library.ts';
import { faultText } from '../model/template-fault.ts';
import { checkOwnDirectory, checkReadable, findingOf } from '../service/config-check.ts';
import type { Finding } from '../service/config-check.ts';
import { groupIdOf } from '../service/groups.ts';
import { checkSocketPath } from '../service/unix-socket.ts';
import type { BuilderConfig } from './config.ts';

/** What is wrong with the configuration; errors keep the service from starting, or every build from its end. */
export async function checkBuilder(config: BuilderConfig): Promise<readonly Finding[]> {
  const { group } = config;
  const named = [
    [config.debianSourcesPath, 'PCLOUD_DEBIAN_SOURCES'],
    [config.rootKeyPath, 'PCLOUD_ROOT_KEY_FILE'],
    [config.agentPath, 'PCLOUD_GUEST_AGENT'],
    [config.kickstartsDirectory, 'PCLOUD_KICKSTARTS_DIR'],
  ] as const;
  const findings: Finding[] = [
    ...(await findingOf(async () => await Promise.resolve(checkSocketPath(config.socketPath)))),
    ...(await checkOwnDirectory(config.builderDirectory, 'PCLOUD_BUILDER_DIR')),
    ...(await checkOwnDirectory(config.runtimeDirectory, 'PCLOUD_RUNTIME_DIR')),
    ...(await checkOwnDirectory(config.imageDirectory, 'PCLOUD_IMAGE_DIR')),
    ...(await checkOwnDirectory(config.mediaDirectory, 'PCLOUD_MEDIA_DIR')),
    ...(group === undefined ? [] : await findingOf(async () => await groupIdOf(group))),
    ...(await findingOf(async () => await loadReleases(config.templatesDirectory))),
  ];
  for (const [file, setting] of named)
    if (file !== undefined) findings.push(...(await checkReadable(file, setting)));
  findings.push(
    ...(await findingOf(async () => {
      const { faults } = await openTemplateLibrary({
        templatesDirectory: config.templatesDirectory,
        ownDirectory: config.resourceTemplatesDirectory,
      });
      // They cost nobody else anything, but whoever asks wants to know.
      for (const fault of faults())
        findings.push({ kind: 'warning', text: `A resource template cannot be used: ${faultText(fault)}` });
    })),
  );
  return findings;
}
