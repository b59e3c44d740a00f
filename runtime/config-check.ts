/**
 * `pcloud-cped --check-config`: all of the configuration that can be judged without libvirt, without network
 * and without changing anything. How findings are told is `service/config-check.ts`.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { loadReleases } from '../catalogue/releases.ts';
import { openTemplateLibrary } from '../catalogue/template-library.ts';
import { faultText } from '../model/template-fault.ts';
import { checkOwnDirectory, checkReadable, findingOf } from '../service/config-check.ts';
import type { Finding } from '../service/config-check.ts';
import { errorCodeOf, errorTextOf } from '../service/error-code.ts';
import { groupIdOf } from '../service/groups.ts';
import { checkListen } from './access/listen-check.ts';
import { migrations } from './adapters/sqlite-schema.ts';
import type { CpedConfig } from './config.ts';
import { readDomainRenderer } from './outside.ts';
import { readProgramDirectory } from './telling/programs.ts';
import { readRules } from './telling/rules-file.ts';

/** What is wrong with the configuration; errors keep the service from starting or from doing what was asked. */
export async function checkCped(config: CpedConfig): Promise<readonly Finding[]> {
  const { group, alerts } = config;
  const tokenFile = alerts.webhook?.tokenFile ?? null;
  return [
    ...(await checkOwnDirectory(config.stateDir, 'PCLOUD_STATE_DIR')),
    ...(await checkOwnDirectory(config.runtimeDir, 'PCLOUD_RUNTIME_DIR')),
    ...(group === undefined ? [] : await findingOf(async () => await groupIdOf(group))),
    ...(await findingOf(async () => await loadReleases(config.templatesDir))),
    ...(await findingOf(async () => await readDomainRenderer(config.templatesDir))),
    ...(await checkTemplates(config)),
    ...(await findingOf(async () => await readRules(alerts.rulesFile))),
    ...(await readProgramDirectory(alerts.directory)).skipped.map(({ name, why }): Finding => ({
      kind: 'warning',
      text: `The alert program ${path.join(alerts.directory, name)} is not run: ${why}.`,
    })),
    ...(tokenFile === null ? [] : await checkReadable(tokenFile, 'PCLOUD_WEBHOOK_TOKEN_FILE')),
    ...(await checkListen(config.listen, Date.now())),
    ...(await checkDatabase(path.join(config.stateDir, 'cped.sqlite'))),
  ];
}

/** A broken one costs nobody else anything, so the service starts; whoever asks wants to know. */
async function checkTemplates(config: CpedConfig): Promise<readonly Finding[]> {
  let faults: readonly Finding[] = [];
  const broken = await findingOf(async () => {
    const library = await openTemplateLibrary({
      templatesDirectory: config.templatesDir,
      ownDirectory: config.resourceTemplatesDir,
    });
    faults = library.faults().map((fault) => ({
      kind: 'warning',
      text: `A resource template cannot be used: ${faultText(fault)}`,
    }));
  });
  return [...broken, ...faults];
}

/** SQLite's file header: https://sqlite.org/fileformat2.html, "User Version Number". */
const versionOffset = 60;

/** By its header alone: opening it as another user would leave files beside it. */
async function checkDatabase(file: string): Promise<readonly Finding[]> {
  try {
    const handle = await open(file, 'r');
    try {
      const header = Buffer.alloc(versionOffset + 4);
      const { bytesRead } = await handle.read(header, 0, header.length, 0);
      const version = bytesRead < header.length ? 0 : header.readUInt32BE(versionOffset);
      if (version <= migrations.length) return [];
      const text = `The database ${file} was written by a newer version (format ${version}, this one knows ${migrations.length}).`;
      return [{ kind: 'error', text }];
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCodeOf(error) ?? '')) return [];
    return [{ kind: 'error', text: `The database ${file} cannot be read: ${errorTextOf(error)}.` }];
  }
}
