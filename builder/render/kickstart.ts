/**
 * From a release and a build's values to its kickstart. Pure: templates come in as texts
 * (`load-templates.ts` reads them), values are checked by `kickstart-values.ts`.
 */
import Handlebars from 'handlebars';
import { PcloudError } from '../../model/errors.ts';
import type { Repository } from '../../model/installer.ts';
import { sortedUnique } from '../../model/recipe.ts';
import type { InstallerRelease } from '../../model/release.ts';
import { checkKickstartValues } from './kickstart-values.ts';
import type { CheckedKickstartValues, KickstartValues } from './kickstart-values.ts';

/** Texts of a release's template and of all shared parts, by name (`source` for `partials/source.ks.hbs`). */
export type KickstartTemplates = {
  readonly main: string;
  readonly partials: Readonly<Record<string, string>>;
};

/** As `base64` writes it. */
const base64LineLength = 76;

/**
 * The kickstart, ending in a line feed.
 * @throws PcloudError `bad-kickstart-value` that names the value; `kickstart-broken` for a template's own fault.
 */
export function renderKickstart(templates: KickstartTemplates, values: KickstartValues): string {
  const context = contextOf(values.release, checkKickstartValues(values));
  const handlebars = Handlebars.create();
  handlebars.registerPartial({ ...templates.partials });
  try {
    return handlebars.compile(templates.main, { strict: true, noEscape: true, knownHelpersOnly: true })(
      context,
    );
  } catch (error) {
    throw new PcloudError({
      code: 'kickstart-broken',
      category: 'failed',
      message: `The kickstart template ${values.release.installer.kickstart} cannot be rendered: ${error instanceof Error ? error.message : String(error)}.`,
      hint: 'Correct the template, or install kickstarts/ again.',
      cause: error,
    });
  }
}

/**
 * What the guest's package manager is pointed at.
 * @param ownMedia whether the installation is from the release's own media, and not from what stands in for them:
 *   a subscriber's guest gets its packages from the subscription.
 */
export function repositoriesOf(release: InstallerRelease, ownMedia: boolean): readonly Repository[] {
  return ownMedia && release.installer.standIn !== undefined ? [] : release.installer.repositories;
}

function contextOf(release: InstallerRelease, values: CheckedKickstartValues): Record<string, unknown> {
  const { rootAccess, source, assembly, agent } = values;
  const packages = sortedUnique(assembly?.packages ?? []);
  const templates = sortedUnique(assembly?.templates ?? []);
  return {
    release,
    title: [
      release.name,
      values.architecture,
      ...(templates.length === 0 ? [] : ['with', ...templates]),
    ].join(' '),
    nonce: values.nonce,
    language: values.language,
    keyboard: values.keyboard,
    timezone: values.timezone,
    cdrom: source.kind === 'cdrom',
    url: source.kind === 'url' ? source.url : '',
    installRepositories:
      source.kind === 'url' ? release.installer.repositories.filter((one) => one.useAtInstall) : [],
    rootHash: rootAccess.kind === 'hash' ? rootAccess.cryptHash : '',
    authorizedKey: rootAccess.kind === 'key' ? rootAccess.authorizedKey : '',
    portList: [...new Set(assembly?.ports ?? [])]
      .sort((left, right) => left - right)
      .map((port) => `${port}:tcp`)
      .join(','),
    packages,
    requiredPackages: sortedUnique(['openssh-server', release.packageManager, ...packages]),
    services: sortedUnique(assembly?.services ?? []),
    repositories: values.repositories ?? release.installer.repositories,
    agent: { program: wrapped(agent.programGzipBase64), init: agent.init.trimEnd() },
  };
}

function wrapped(base64: string): string {
  const text = base64.replaceAll('\n', '');
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += base64LineLength)
    lines.push(text.slice(at, at + base64LineLength));
  return lines.join('\n');
}
