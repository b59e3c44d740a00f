/**
 * The engines `oz` and `virt-install`: the plan that installs a release from its own medium, as a kickstart says,
 * into a disk that boots by itself. Pure: recipe in, plan out. The tool runs in a cell (`builder/cell/`), so the
 * names in it need be unique in this build alone.
 */
import path from 'node:path';
import type { InstallerRelease } from '../../model/release.ts';
import { cellBridge, cellLibvirtUri, cellServerUrl } from '../cell/cell-plan.ts';
import { addressInCell } from '../medium-port.ts';
import { consoleFileName } from '../plan.ts';
import type { InstallStep, Plan, PlanFile } from '../plan.ts';
import { installerEnvironment, ozArguments, virtInstallArguments } from '../render/install-arguments.ts';
import { renderOzConfig } from '../render/oz-config.ts';
import { renderTdl } from '../render/tdl.ts';
import { artifactDirectoryName, compareStep, convertStep } from './bootstrap-steps.ts';

/** What an installer is given: a file on this host, or an address that its machine can reach. */
export type InstallMedium =
  | { readonly kind: 'iso'; readonly path: string; readonly sizeBytes: number }
  | { readonly kind: 'tree'; readonly url: string }
  /** An install tree on this host. */
  | { readonly kind: 'directory'; readonly path: string };

export type InstallContext = {
  readonly digest: string;
  readonly release: InstallerRelease;
  readonly architecture: 'x86_64';
  readonly engine: 'oz' | 'virt-install';
  readonly kickstart: string;
  readonly medium: InstallMedium;
  readonly accelerator: 'kvm' | 'tcg';
  readonly cpus: number;
  /** Absolute: the tools write paths into domains. */
  readonly workDirectory: string;
  readonly tdlTemplate: string;
  readonly ozConfigTemplate: string;
  /** Where libguestfs keeps its appliance from one build to the next; oz opens ISO images by it. */
  readonly guestfsCacheDirectory: string;
};

export const kickstartFileName = 'kickstart.ks';
export const tdlFileName = 'recipe.tdl';
const ozConfigFileName = 'oz.cfg';
const domainXmlFileName = 'domain.xml';

/** Never the judge: that is the watch, by what the machine does. Three days end what would never end. */
const installLimitSeconds = 3 * 86_400;

const mebibyte = 1024 * 1024;
/** A minimal release with its package manager's cache, before and after compression. */
const neededForDisks = 4096 * mebibyte;

/** Name of the machine while it is installed; unique where somebody looks at the host's processes. */
export function installDomainName(digest: string): string {
  return `pcloud-build-${digest.slice(0, 12)}`;
}

export function planInstall(context: InstallContext): Plan {
  const install = context.engine === 'oz' ? ozInstall(context) : virtInstall(context);
  // oz copies an ISO, unpacks it, and makes another; virt-install reads it in place.
  const copies = context.engine === 'oz' && context.medium.kind === 'iso' ? context.medium.sizeBytes * 3 : 0;
  return {
    files: [{ path: kickstartFileName, content: context.kickstart, isSecret: true }, ...install.files],
    copies: [],
    directories: [artifactDirectoryName, 'home', ...install.directories],
    neededBytes: neededForDisks + copies,
    steps: [install.step, { ...convertStep(undefined), weight: 15, timeoutMs: 30 * 60_000 }, compareStep()],
  };
}

type Install = {
  readonly step: InstallStep;
  readonly files: readonly PlanFile[];
  readonly directories: readonly string[];
};

function installStep(
  context: InstallContext,
  own: Pick<InstallStep, 'argv' | 'env' | 'consoleFile'>,
): InstallStep {
  return {
    kind: 'install',
    id: 'install',
    title: `Installing ${context.release.name} by ${context.engine}`,
    tool: context.engine,
    domainName: installDomainName(context.digest),
    inputs: [kickstartFileName],
    outputs: ['disk.raw'],
    weight: 200,
    hostLoopback: context.medium.kind === 'tree' && addressInCell(context.medium.url).onThisHost,
    served: context.medium.kind === 'directory' ? context.medium.path : null,
    ...own,
  };
}

/** The tree as the tools and the machine in the cell see it. */
function treeUrl(medium: Exclude<InstallMedium, { kind: 'iso' }>): string {
  return medium.kind === 'directory' ? cellServerUrl : addressInCell(medium.url).url;
}

function ozInstall(context: InstallContext): Install {
  const at = (name: string): string => path.join(context.workDirectory, name);
  const { medium, release } = context;
  const tdl = renderTdl(context.tdlTemplate, {
    release,
    architecture: context.architecture,
    name: installDomainName(context.digest),
    media: medium.kind === 'iso' ? { kind: 'iso', path: medium.path } : { kind: 'url', url: treeUrl(medium) },
  });
  const config = renderOzConfig(context.ozConfigTemplate, {
    outputDirectory: at('oz/output'),
    dataDirectory: at('oz/data'),
    screenshotDirectory: at('oz/screenshots'),
    uri: cellLibvirtUri,
    accelerator: context.accelerator,
    bridge: cellBridge,
    cpus: context.cpus,
    memoryMiB: release.installer.installMemoryMiB,
    installLimitSeconds,
  });
  return {
    files: [
      { path: tdlFileName, content: tdl },
      { path: ozConfigFileName, content: config },
    ],
    directories: ['oz/output', 'oz/data', 'oz/screenshots'],
    step: installStep(context, {
      argv: ozArguments(
        {
          program: '/usr/bin/oz-install',
          interpreter: '/usr/bin/python3',
          configPath: at(ozConfigFileName),
          kickstartPath: at(kickstartFileName),
          tdlPath: at(tdlFileName),
          diskPath: at('disk.raw'),
          domainXmlPath: at(domainXmlFileName),
        },
        installLimitSeconds,
      ),
      env: { ...installerEnvironment(at('home')), ...guestfsEnvironment(context) },
      consoleFile: undefined,
    }),
  };
}

/** libguestfs starts a machine of its own, by libvirt unless told otherwise, and as KVM unless told otherwise. */
function guestfsEnvironment(context: InstallContext): Record<string, string> {
  return {
    LIBGUESTFS_BACKEND: 'direct',
    ...(context.accelerator === 'tcg' ? { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' } : {}),
    LIBGUESTFS_CACHEDIR: context.guestfsCacheDirectory,
    TMPDIR: path.join(context.workDirectory, 'temporary'),
  };
}

function virtInstall(context: InstallContext): Install {
  const at = (name: string): string => path.join(context.workDirectory, name);
  const { medium } = context;
  return {
    files: [],
    directories: [],
    step: installStep(context, {
      argv: virtInstallArguments(context.release, {
        program: '/usr/bin/virt-install',
        uri: cellLibvirtUri,
        accelerator: context.accelerator,
        name: installDomainName(context.digest),
        kickstartPath: at(kickstartFileName),
        diskPath: at('disk.raw'),
        consoleLogPath: at(consoleFileName),
        location:
          medium.kind === 'iso' ? { kind: 'path', path: medium.path } : { kind: 'url', url: treeUrl(medium) },
        network: { kind: 'bridge', bridge: cellBridge },
        cpus: context.cpus,
        waitMinutes: installLimitSeconds / 60,
      }),
      env: {
        ...installerEnvironment(at('home')),
        TMPDIR: at('temporary'),
      },
      consoleFile: consoleFileName,
    }),
  };
}
