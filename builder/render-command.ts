/**
 * `pcloud-builder render`: prints the kickstart, the TDL or the domain XML that a build or a machine of a
 * release would use. It reads the catalogue and the settings alone: no queue, no service, no media, no root.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { closestName } from '../catalogue/did-you-mean.ts';
import { domainXmlRenderer } from '../catalogue/domain-xml.ts';
import { checkArchitecture, findRelease, loadReleases } from '../catalogue/releases.ts';
import { findResourceTemplate } from '../catalogue/resource-templates.ts';
import type { Architecture } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import { installerEngineNames } from '../model/installer.ts';
import type { InstallerEngineName } from '../model/installer.ts';
import { quoteForMessage } from '../model/names.ts';
import type { InstallerRelease, Release } from '../model/release.ts';
import { openTemplateLibrary } from '../catalogue/template-library.ts';
import type { ResourceTemplate } from '../model/resource-template.ts';
import { probeAccelerator } from '../service/accelerator-probe.ts';
import type { BuilderConfig } from './config.ts';
import { installEngineOf } from './engine-choice.ts';
import { makeKickstart } from './kickstart-source.ts';
import { kickstartSourceOf } from './medium-port.ts';
import { sampleDomainSpec } from './render/domain.ts';
import { loadTemplate } from './render/load-templates.ts';
import { renderTdl } from './render/tdl.ts';

export const renderUsage = `Usage: pcloud-builder render kickstart|tdl|domain RELEASE ARCHITECTURE [OPTION]...
Prints what a build, or a machine, of that release would use.
  --assembly           of an assembly, with:
  --resource NAME      one of its resources; may be given several times
  --engine NAME        oz or virt-install, where the release's usual one is not meant
  --source iso|url     install from the release's ISO or from its tree
  --accelerator NAME   kvm or tcg, in place of what works on this host (domain)
`;

const documents = ['kickstart', 'tdl', 'domain'] as const;
type Document = (typeof documents)[number];

/** What is printed, and what to know of it. */
export type Rendered = { readonly text: string; readonly note: string };

type Request = {
  readonly document: Document;
  readonly release: Release;
  readonly architecture: Architecture;
  readonly resources: readonly ResourceTemplate[];
  readonly engine: InstallerEngineName | undefined;
  readonly source: string | undefined;
  readonly accelerator: string | undefined;
};

/**
 * @param args what follows the word `render`.
 * @throws PcloudError `bad-usage` (category invalid, like every error of what was typed), `unknown-release`,
 *   `unknown-architecture`, `unknown-template`, `template-not-for-family`, `no-kickstart`, `no-tdl`,
 *   `engine-not-for-release`, `media-missing`, `agent-missing`, `root-key-unusable`, `template-unreadable`.
 */
export async function renderDocument(args: readonly string[], config: BuilderConfig): Promise<Rendered> {
  const request = await readRequest(args, config);
  switch (request.document) {
    case 'kickstart':
      return await kickstartOf(request, config);
    case 'tdl':
      return await tdlOf(request, config);
    case 'domain':
      return await domainOf(request, config);
  }
}

const optionNames = ['assembly', 'resource', 'engine', 'source', 'accelerator'] as const;

async function readRequest(args: readonly string[], config: BuilderConfig): Promise<Request> {
  const { values, positionals } = parse(args);
  const [document, releaseName, architecture, ...more] = positionals;
  if (releaseName === undefined || architecture === undefined || more.length > 0)
    throw badUsage('Say what to render, of which release, and of which architecture.');
  const known = documents.find((one) => one === document);
  if (known === undefined) {
    const meant = closestName(document ?? '', documents);
    throw badUsage(
      `There is nothing called ${quoteForMessage(document ?? '')} to render.${meant === undefined ? '' : ` Did you mean ${meant}?`}`,
    );
  }
  const release = findRelease(await loadReleases(config.templatesDirectory), releaseName);
  const { templates } = await openTemplateLibrary({
    templatesDirectory: config.templatesDirectory,
    ownDirectory: config.resourceTemplatesDirectory,
  });
  const resources = (values.resource ?? []).map((name) => findResourceTemplate(templates, name));
  if (values.assembly === true && resources.length === 0)
    throw badUsage('An assembly has resources: name at least one by --resource.');
  return {
    document: known,
    release,
    architecture: checkArchitecture(release, architecture),
    resources,
    engine: installerEngineNames.find(
      (name) => name === oneOf('engine', values.engine, installerEngineNames),
    ),
    source: oneOf('source', values.source, ['iso', 'url']),
    accelerator: oneOf('accelerator', values.accelerator, ['kvm', 'tcg']),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        assembly: { type: 'boolean' },
        resource: { type: 'string', multiple: true },
        engine: { type: 'string' },
        source: { type: 'string' },
        accelerator: { type: 'string' },
      },
    });
  } catch (error) {
    const option = args.find(
      (arg) => arg.startsWith('--') && !optionNames.some((name) => arg.startsWith(`--${name}`)),
    );
    const meant = option === undefined ? undefined : closestName(option.slice(2), optionNames);
    const message = error instanceof Error ? (error.message.split('.')[0] ?? '') : String(error);
    throw badUsage(`${message}.${meant === undefined ? '' : ` Did you mean --${meant}?`}`);
  }
}

function oneOf(option: string, value: string | undefined, known: readonly string[]): string | undefined {
  if (value === undefined || known.includes(value)) return value;
  throw badUsage(`--${option} is ${known.join(' or ')}, not ${quoteForMessage(value)}.`);
}

function badUsage(message: string): PcloudError {
  return new PcloudError({ code: 'bad-usage', category: 'invalid', message, hint: renderUsage.trimEnd() });
}

async function kickstartOf(request: Request, config: BuilderConfig): Promise<Rendered> {
  const release = installerOf(request, 'kickstart');
  installEngineOf(release, request.engine, config.engine);
  const media = mediaOf(request, release);
  const { text } = await makeKickstart(
    {
      release,
      architecture: request.architecture,
      source: kickstartSourceOf(
        media.kind === 'iso' ? { kind: 'iso', location: media.url } : { kind: 'tree', location: media.url },
      ),
      ownMedia: release.installer.standIn === undefined,
      templates: request.resources,
    },
    config,
  );
  return {
    text,
    note: "As the public archive is installed from; an operator's own medium may change its source.",
  };
}

async function tdlOf(request: Request, config: BuilderConfig): Promise<Rendered> {
  const release = installerOf(request, 'tdl');
  if (installEngineOf(release, request.engine, config.engine) !== 'oz')
    throw new PcloudError({
      code: 'no-tdl',
      category: 'invalid',
      message: `${release.name} by virt-install has no TDL: that is oz's way of being told what to install.`,
      hint: release.engines.includes('oz')
        ? 'Leave out --engine, or say --engine oz.'
        : `See \`pcloud-builder render kickstart ${release.name} ${request.architecture}\`.`,
    });
  const media = mediaOf(request, release);
  const text = renderTdl(await loadTemplate(config.templatesDirectory, 'tdl.xml.hbs'), {
    release,
    architecture: request.architecture,
    name: `sample-${release.name}`,
    media:
      media.kind === 'url'
        ? media
        : { kind: 'iso', path: path.join(config.mediaDirectory, path.basename(media.url)) },
  });
  return { text, note: 'The name, and the place of an ISO, are samples: each build has its own.' };
}

async function domainOf(request: Request, config: BuilderConfig): Promise<Rendered> {
  const accelerator =
    request.accelerator === undefined ? (await probeAccelerator()).accelerator : request.accelerator;
  const spec = sampleDomainSpec(request.release, {
    directories: { stateDir: config.stateDirectory, runtimeDir: config.runtimeDirectory },
    imageDirectory: config.imageDirectory,
    accelerator: accelerator === 'kvm' ? 'kvm' : 'tcg',
    ports: portsOf(request.resources),
  });
  const template = await loadTemplate(config.templatesDirectory, 'domain.xml.hbs');
  return {
    text: domainXmlRenderer(template)(spec),
    note: 'Name, UUID, addresses, ports and the digest of an image are samples: each assembly has its own.',
  };
}

function installerOf(request: Request, document: Document): InstallerRelease {
  const { release } = request;
  if (release.engine !== 'bootstrap') return release;
  throw new PcloudError({
    code: `no-${document}`,
    category: 'invalid',
    message: `${release.name} has no ${document}: the engine "bootstrap" makes it, which runs no installer.`,
    hint: `\`pcloud-builder render domain ${release.name} ${request.architecture}\` shows its machine.`,
    facts: { release: release.name },
  });
}

/** The ISO where the catalogue knows one, else the tree. */
function mediaOf(
  request: Request,
  release: InstallerRelease,
): { readonly kind: 'iso'; readonly url: string } | { readonly kind: 'url'; readonly url: string } {
  const { isoUrl, treeUrl } = release.installer.media;
  if (request.source !== 'url' && isoUrl !== undefined) return { kind: 'iso', url: isoUrl };
  if (request.source !== 'iso' && treeUrl !== undefined) return { kind: 'url', url: treeUrl };
  throw new PcloudError({
    code: 'media-missing',
    category: 'invalid',
    message: `The catalogue knows no ${request.source === 'iso' ? 'ISO' : 'install tree'} of ${release.name}.`,
    hint: `Try --source ${request.source === 'iso' ? 'url' : 'iso'}.`,
    facts: { release: release.name },
  });
}

function portsOf(resources: readonly ResourceTemplate[]): number[] {
  return resources.flatMap((one) => one.ports.map((port) => port.guestPort));
}
