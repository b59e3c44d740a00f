/**
 * What `make install` and the packages put where: pure lists, computed from the prefix, the lock file and what
 * stands in `systemd/` and `docs/man/`. The sources are installed as they are, since Node runs them directly: what
 * runs is what was tested. Copying is `main.ts`.
 */
import path from 'node:path';
import { z } from 'zod';

/** Rooms and files that the services and the shell need at run time, relative to the checkout. */
const sources = [
  'bin',
  'model',
  'catalogue',
  'service',
  'builder',
  'runtime',
  'shell',
  'page',
  'package.json',
];
const nativeParts = ['native/libvirt', 'native/unix-datagram'];
const data = ['templates', 'kickstarts'];

export type InstallStep =
  /** `optional`: not every checkout has it. */
  | { readonly kind: 'copy'; readonly from: string; readonly to: string; readonly optional: boolean }
  | { readonly kind: 'link'; readonly at: string; readonly target: string }
  /** Copies a unit, with ExecStart pointing below this prefix. */
  | { readonly kind: 'unit'; readonly from: string; readonly to: string };

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({ dev: z.boolean().optional(), devOptional: z.boolean().optional() }),
  ),
});

/** The directories of node_modules that production needs, by the lock file; nested ones come with them. */
export function productionPackages(lockText: string): readonly string[] {
  const { packages } = lockSchema.parse(JSON.parse(lockText));
  return Object.entries(packages)
    .filter(([key, entry]) => /^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(key) && entry.dev !== true)
    .map(([key]) => key)
    .sort();
}

export type InstallFacts = {
  /** Without a trailing slash, such as `/usr/local`; paths in the plan are below it, without DESTDIR. */
  readonly prefix: string;
  readonly lockText: string;
  /** Absolute path of the host's Redis server, whatever its package calls it. */
  readonly redisServer: string;
  /** File names in `systemd/`: units go where systemd looks, the others where their endings say. */
  readonly systemdFiles: readonly string[];
  /** File names in `docs/man/`, such as `pcloud-builder.8`; the last letter is the section. */
  readonly manualPages: readonly string[];
};

/** What systemd calls a unit, by its file's ending (systemd.unit(5)). */
export function unitsAmong(files: readonly string[]): readonly string[] {
  return files.filter((name) => /\.(?:service|socket|target|timer|path|slice)$/.test(name)).sort();
}

/** The steps, in order. `from` is relative to the checkout. */
export function planInstall(facts: InstallFacts): readonly InstallStep[] {
  const library = path.join(facts.prefix, 'lib/pacemaker-cloud');
  const share = path.join(facts.prefix, 'share/pacemaker-cloud');
  const systemd = path.join(facts.prefix, 'lib/systemd/system');
  const copy = (from: string, to: string, optional = false): InstallStep => ({
    kind: 'copy',
    from,
    to,
    optional,
  });
  const link = (at: string, target: string): InstallStep => ({
    kind: 'link',
    at,
    target: path.relative(path.dirname(at), target),
  });
  const launcher = (directory: string, name: string): InstallStep =>
    link(path.join(facts.prefix, directory, name), path.join(library, 'bin', name));
  return [
    ...[...sources, ...nativeParts].map((from) => copy(from, path.join(library, from))),
    copy('guest/build/pcloud-agent', path.join(library, 'guest/build/pcloud-agent')),
    // Which of the optional ones are there is the platform's matter: npm left the others out.
    ...productionPackages(facts.lockText).map((from) => copy(from, path.join(library, from), true)),
    copy('.toolchain/node/bin/node', path.join(library, 'libexec/node')),
    { kind: 'link', at: path.join(library, 'libexec/redis-server'), target: facts.redisServer },
    ...data.flatMap((from) => [
      copy(from, path.join(share, from), true),
      link(path.join(library, from), path.join(share, from)),
    ]),
    copy('LICENSE', path.join(share, 'LICENSE')),
    launcher('bin', 'pcloudsh'),
    launcher('sbin', 'pcloud-builder'),
    launcher('sbin', 'pcloud-cped'),
    ...unitsAmong(facts.systemdFiles).map((name): InstallStep => ({
      kind: 'unit',
      from: `systemd/${name}`,
      to: path.join(systemd, name),
    })),
    ...facts.manualPages.map((name) =>
      copy(`docs/man/${name}`, path.join(facts.prefix, `share/man/man${name.slice(-1)}`, name)),
    ),
    copy('completions/pcloudsh.bash', path.join(facts.prefix, 'share/bash-completion/completions/pcloudsh')),
    copy('completions/_pcloudsh', path.join(facts.prefix, 'share/zsh/site-functions/_pcloudsh')),
    copy('packaging/selinux/pacemaker_cloud.cil', path.join(share, 'selinux/pacemaker_cloud.cil')),
    ...['pacemaker-cloud-dashboard.json', 'pacemaker-cloud-rules.yaml'].map((name) =>
      copy(`packaging/monitoring/${name}`, path.join(share, 'monitoring', name)),
    ),
    copy('systemd/pcloud.sysusers', path.join(facts.prefix, 'lib/sysusers.d/pcloud.conf')),
    copy('systemd/pcloud.tmpfiles', path.join(facts.prefix, 'lib/tmpfiles.d/pcloud.conf')),
  ];
}

/** A unit's text with its programs below this prefix; in the repository they stand below /usr. */
export function unitText(text: string, prefix: string): string {
  return text.replaceAll(/^(Exec\w+=[-+!@:]*)\/usr\//gm, `$1${prefix}/`);
}
