/**
 * What a package says of itself and of its files: texts with their gaps filled, lists of files, checksums' form.
 * Pure. What is installed where is `tools/install/plan.ts`; making packages of it is `deb.ts` and `rpm.ts`.
 */

export const packageName = 'pacemaker-cloud';

/** Everything of ours that is architecture's or data's own is below these. */
const ownDirectories = [
  '/usr/lib/pacemaker-cloud',
  '/usr/share/pacemaker-cloud',
  '/usr/share/doc/pacemaker-cloud',
];

/** Shared, but of a package that need not be there: on RPM systems each package with completions owns it as well. */
const coOwnedDirectories = ['/usr/share/zsh', '/usr/share/zsh/site-functions'];

export const configurationDirectory = '/etc/pacemaker-cloud';

export type StagedEntry = {
  /** Absolute in the package, such as `/usr/bin/pcloudsh`. */
  readonly path: string;
  readonly kind: 'directory' | 'file' | 'link';
};

/** Debian's and RPM's names for a processor by Node's; undefined for one that nothing here was compiled on. */
export function architectureOf(
  nodeName: string,
): { readonly debian: string; readonly rpm: string } | undefined {
  const names: Readonly<Record<string, { readonly debian: string; readonly rpm: string }>> = {
    x64: { debian: 'amd64', rpm: 'x86_64' },
    arm64: { debian: 'arm64', rpm: 'aarch64' },
  };
  return names[nodeName];
}

/**
 * Fills `{{name}}`.
 * @throws Error when a gap has no value or a value has no gap: one of both is then misspelt.
 */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  const used = new Set<string>();
  const text = template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`there is no value for {{${name}}}`);
    used.add(name);
    return value;
  });
  for (const name of Object.keys(values))
    if (!used.has(name)) throw new Error(`nothing asks for {{${name}}}`);
  return text;
}

/** The units that are enabled and started: those with [Install], but for templates of instances. */
export function enabledUnits(
  units: readonly { readonly name: string; readonly text: string }[],
): readonly string[] {
  return units
    .filter(({ name, text }) => !name.includes('@') && /^\[Install\]$/m.test(text))
    .map(({ name }) => name);
}

/** Version and maintainer of the newest entry (deb-changelog(5)). @throws Error for a text that is none. */
export function newestChange(changelog: string): { readonly version: string; readonly maintainer: string } {
  const version = /^[a-z0-9.+-]+ \(([^)]+)\) /.exec(changelog)?.[1];
  const maintainer = /^ -- (.+ <[^>]+>) {2}/m.exec(changelog)?.[1];
  if (version === undefined || maintainer === undefined) throw new Error('not a Debian changelog');
  return { version, maintainer };
}

/** The text of `DEBIAN/md5sums`; by it dpkg --verify finds changed files. */
export function md5sums(files: readonly { readonly path: string; readonly md5: string }[]): string {
  return [...files]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, md5 }) => `${md5}  ${path.slice(1)}\n`)
    .join('');
}

/** What dpkg asks about before it replaces it. */
export function conffiles(entries: readonly StagedEntry[]): readonly string[] {
  return entries
    .filter(({ path, kind }) => kind === 'file' && path.startsWith(`${configurationDirectory}/`))
    .map(({ path }) => path);
}

/** Lines for rpm's `%files`: our own directories as wholes, of shared ones the files alone. */
export function rpmFiles(entries: readonly StagedEntry[]): readonly string[] {
  const lines = new Set<string>();
  for (const { path, kind } of entries) {
    const own = ownDirectories.find((directory) => path === directory || path.startsWith(`${directory}/`));
    if (own !== undefined) lines.add(own);
    else if (path === configurationDirectory || coOwnedDirectories.includes(path)) lines.add(`%dir ${path}`);
    else if (kind === 'directory') continue;
    else if (path.startsWith(`${configurationDirectory}/`))
      lines.add(`%config(noreplace) %verify(not mode user group) ${path}`);
    else lines.add(path);
  }
  return [...lines];
}

/** What npm packages hold for their authors alone, by the last part of its path. */
const forAuthors = /(?:^\..*|\.(?:d\.[cm]?ts|map|sh))$/;
/** Directories of the same kind; deeper than right below the package, a name like these may be code. */
const directoriesForAuthors = /^(?:tests?|benchmarks?|examples?|docs)$/;

/**
 * Of npm packages, what nothing runs: their tests, types and settings, and builds for another C library than this
 * package's. A directory goes with all that is in it.
 */
export function isLeftOut(place: string): boolean {
  const within = /.*\/node_modules\/(?:@[^/]+\/)?[^/@][^/]*\/(.+)$/.exec(place)?.[1];
  if (within === undefined) return false;
  const name = within.slice(within.lastIndexOf('/') + 1);
  return forAuthors.test(name) || name.endsWith('.musl.node') || directoriesForAuthors.test(within);
}
