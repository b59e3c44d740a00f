/**
 * Reads what the renderers take as texts: a release's kickstart with the shared parts, and the templates of
 * TDL and oz.cfg. It decides nothing; rendering is `kickstart.ts`, `tdl.ts` and `oz-config.ts`.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { PcloudError } from '../../model/errors.ts';
import type { InstallerRelease } from '../../model/release.ts';
import { errorTextOf } from '../../service/error-code.ts';
import type { KickstartTemplates } from './kickstart.ts';

const suffix = '.ks.hbs';

/** @throws PcloudError `template-unreadable`. */
export async function loadKickstartTemplates(
  kickstartsDirectory: string,
  release: InstallerRelease,
): Promise<KickstartTemplates> {
  const partialsDirectory = path.join(kickstartsDirectory, 'partials');
  const names = await readdir(partialsDirectory).catch((error: unknown) => {
    throw unreadable(partialsDirectory, error);
  });
  const partials = await Promise.all(
    names
      .filter((name) => name.endsWith(suffix))
      .sort()
      .map(async (name) => [path.basename(name, suffix), await readText(path.join(partialsDirectory, name))]),
  );
  return {
    main: await readText(path.join(kickstartsDirectory, `${release.installer.kickstart}${suffix}`)),
    partials: Object.fromEntries(partials) as Record<string, string>,
  };
}

/**
 * The text of a template in `templates/`, such as `tdl.xml.hbs`.
 * @throws PcloudError `template-unreadable`.
 */
export async function loadTemplate(templatesDirectory: string, name: string): Promise<string> {
  return await readText(path.join(templatesDirectory, name));
}

async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: unknown) => {
    throw unreadable(file, error);
  });
}

function unreadable(where: string, error: unknown): PcloudError {
  return new PcloudError({
    code: 'template-unreadable',
    category: 'failed',
    message: `The template cannot be read: ${errorTextOf(error)}.`,
    hint: 'Set PCLOUD_KICKSTARTS_DIR and PCLOUD_TEMPLATES_DIR to the directories that came with this version, or install it again.',
    facts: { where },
    cause: error,
  });
}
