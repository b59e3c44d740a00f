/** From a release and its media to oz's description of what to install (TDL). Pure; the template comes in as text. */
import { pathToFileURL } from 'node:url';
import Handlebars from 'handlebars';
import { z } from 'zod';
import { plainUrlSchema } from '../../model/installer.ts';
import { nameSchema } from '../../model/names.ts';
import type { InstallerRelease } from '../../model/release.ts';
import {
  badInstallValue,
  machineArguments,
  installPathSchema,
  parseInstallValues,
} from './install-values.ts';

export type TdlValues = {
  readonly release: InstallerRelease;
  readonly architecture: 'x86_64';
  /** Name of the virtual machine; no other build's may be the same. */
  readonly name: string;
  readonly media:
    | { readonly kind: 'iso'; readonly path: string }
    /** A tree's address; it ends in a slash, or oz looks beside it. */
    | { readonly kind: 'url'; readonly url: string };
};

const tdlSchema = z.object({
  name: nameSchema,
  media: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('iso'), path: installPathSchema }),
    z.object({ kind: z.literal('url'), url: plainUrlSchema.endsWith('/', 'it must end in a slash') }),
  ]),
});

/**
 * The TDL as XML.
 * @throws PcloudError `bad-install-value` that names the value, also where oz does not know the release.
 */
export function renderTdl(template: string, values: TdlValues): string {
  const { name, media } = parseInstallValues(tdlSchema, { name: values.name, media: values.media });
  const { release, architecture } = values;
  const { osName, osVersion, diskSizeMiB, kernelArguments } = release.installer;
  if (!release.engines.includes('oz') || osName === undefined || osVersion === undefined)
    throw badInstallValue(
      'release',
      `oz does not know ${release.name}; it is installed by ${release.engines.join(', ')}`,
    );
  return Handlebars.compile(template, { strict: true, knownHelpersOnly: true })({
    name,
    osName,
    osVersion,
    architecture,
    kernelArguments: [...kernelArguments, ...machineArguments].join(' '),
    iso: media.kind === 'iso' ? pathToFileURL(media.path).href : '',
    url: media.kind === 'url' ? media.url : '',
    description: `${release.summary}, ${architecture}, by Pacemaker Cloud`,
    diskSizeGiB: diskSizeMiB / 1024,
  });
}
