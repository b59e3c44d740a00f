/**
 * The kickstart of a build, rendered from the facts of this host: the release's template, the compiled agent with
 * the release's init file, and who may log in. The same facts give the same bytes, because its checksum is part of
 * the recipe.
 */
import { templateOnFamily } from '../catalogue/resource-templates.ts';
import { sha256Hex } from '../model/canonical-json.ts';
import type { Architecture } from '../model/definition.ts';
import type { InstallerRelease } from '../model/release.ts';
import type { ResourceTemplate } from '../model/resource-template.ts';
import { loadAgent } from './agent-files.ts';
import type { BuilderConfig } from './config.ts';
import type { KickstartValues } from './render/kickstart-values.ts';
import { renderKickstart, repositoriesOf } from './render/kickstart.ts';
import { loadKickstartTemplates } from './render/load-templates.ts';
import { loadRootAccess } from './root-access.ts';

export type Kickstart = {
  readonly text: string;
  /** What its last script writes last: 64 hexadecimal digits. */
  readonly nonce: string;
};

export type KickstartRequest = {
  readonly release: InstallerRelease;
  readonly architecture: Architecture;
  readonly source: KickstartValues['source'];
  /** Whether it installs from the release's own medium, and not from what stands in for it. */
  readonly ownMedia: boolean;
  /** Of a full install of an assembly; none is a JEOS. */
  readonly templates: readonly ResourceTemplate[];
};

const noNonce = '0'.repeat(64);

/**
 * The kickstart as it is delivered. Its nonce comes from everything else in it, so that it is as fixed as the rest;
 * a fresh disk cannot hold it.
 * @throws PcloudError `agent-missing`, `root-key-unusable`, `template-unreadable`, `kickstart-broken`,
 *   `bad-kickstart-value`, `template-not-for-family`.
 */
export async function makeKickstart(
  request: KickstartRequest,
  config: Pick<BuilderConfig, 'agentPath' | 'kickstartsDirectory' | 'rootKeyPath' | 'rootPasswordHash'>,
): Promise<Kickstart> {
  const { release, templates } = request;
  const onFamily = templates.map((template) => templateOnFamily(template, release.family));
  const [agent, rootAccess, texts] = await Promise.all([
    loadAgent(config, release.init),
    loadRootAccess(config),
    loadKickstartTemplates(config.kickstartsDirectory, release),
  ]);
  const values: KickstartValues = {
    release,
    architecture: request.architecture,
    nonce: noNonce,
    agent,
    rootAccess,
    source: request.source,
    repositories: repositoriesOf(release, request.ownMedia),
    assembly:
      templates.length === 0
        ? null
        : {
            templates: templates.map((one) => one.name),
            packages: onFamily.flatMap((one) => one.packages),
            services: onFamily.map((one) => one.service),
            ports: templates.flatMap((one) => one.ports.map((port) => port.guestPort)),
          },
  };
  const nonce = sha256Hex(`nonce of ${renderKickstart(texts, values)}`);
  return { text: renderKickstart(texts, { ...values, nonce }), nonce };
}
