/**
 * The sources of a package archive, in both of apt's formats (sources.list(5)): parsing them, choosing the
 * entries that can make a release, and writing them down again. Pure; which files to read, and what an
 * archive says of itself, is `archive.ts`. No archive's host name stands in this code: it comes from here.
 */

export type AptSource = {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** Path of a keyring or the key itself (deb822), where one is named. */
  readonly signedBy: string | undefined;
  readonly trusted: boolean;
};

export type SourcesFormat = 'deb822' | 'one-line';

/** The format of a file by its name's end, as apt tells them apart. */
export function sourcesFormatOf(file: string): SourcesFormat {
  return file.endsWith('.sources') ? 'deb822' : 'one-line';
}

/** All binary-package sources of a file's text; disabled and source-only entries are left out. */
export function parseAptSources(text: string, format: SourcesFormat): AptSource[] {
  return format === 'deb822' ? parseDeb822(text) : parseOneLine(text);
}

function parseDeb822(text: string): AptSource[] {
  return text.split(/\n[ \t]*\n/).flatMap((paragraph) => {
    const fields = deb822Fields(paragraph);
    const types = words(fields.get('types'));
    if (!types.includes('deb') || /^(no|false|0|off)$/i.test(fields.get('enabled')?.trim() ?? 'yes'))
      return [];
    const signedBy = fields.get('signed-by')?.trim();
    const trusted = /^yes$/i.test(fields.get('trusted')?.trim() ?? 'no');
    const components = words(fields.get('components'));
    return words(fields.get('uris')).flatMap((uri) =>
      words(fields.get('suites')).map((suite) => ({ uri, suite, components, signedBy, trusted })),
    );
  });
}

/** Field names in lower case to values; continuation lines are joined, comment lines dropped (deb822(5)). */
function deb822Fields(paragraph: string): Map<string, string> {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of paragraph.split('\n')) {
    if (line.startsWith('#')) continue;
    if (/^[ \t]/.test(line) && current !== undefined) {
      fields.set(current, `${fields.get(current) ?? ''}\n${line}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    current = line.slice(0, colon).trim().toLowerCase();
    fields.set(current, line.slice(colon + 1).trim());
  }
  return fields;
}

function parseOneLine(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (match === null) return [];
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const option = (name: string): string | undefined =>
      words(options)
        .find((word) => word.toLowerCase().startsWith(`${name}=`))
        ?.slice(name.length + 1);
    const trusted = option('trusted') === 'yes';
    return [{ uri, suite, components: words(components), signedBy: option('signed-by'), trusted }];
  });
}

function words(text: string | undefined): string[] {
  return text?.split(/\s+/).filter((word) => word !== '') ?? [];
}

/**
 * The entries for a release: its suites, its components, each pair of address and suite once, in the order
 * of `suites`. Whether an archive is the distribution's own is asked of the archive later.
 */
export function selectSources(
  sources: readonly AptSource[],
  suites: readonly string[],
  components: readonly string[],
): AptSource[] {
  const seen = new Set<string>();
  return suites.flatMap((suite) =>
    sources
      .filter((source) => source.suite.replace(/\/updates$/, '-security') === suite)
      .map((source) => ({
        ...source,
        components: components.filter((one) => source.components.includes(one)),
      }))
      .filter((source) => source.components.length > 0)
      .filter((source) => {
        const key = `${source.uri} ${source.suite}`;
        if (seen.has(key)) return false;
        seen.add(key);
        return true;
      }),
  );
}

/** The sources as deb822 text, one paragraph each. */
export function renderDeb822(sources: readonly AptSource[]): string {
  return sources
    .map((source) =>
      [
        'Types: deb',
        `URIs: ${source.uri}`,
        `Suites: ${source.suite}`,
        `Components: ${source.components.join(' ')}`,
        ...(source.signedBy === undefined ? [] : [`Signed-By: ${source.signedBy}`]),
        ...(source.trusted ? ['Trusted: yes'] : []),
        '',
      ].join('\n'),
    )
    .join('\n');
}

/** The name that apt gives an archive's InRelease file in its lists (apt's URItoFileName). */
export function inReleaseFileName(source: Pick<AptSource, 'uri' | 'suite'>): string {
  const withoutScheme = source.uri
    .replace(/^[a-z+]+:/, '')
    .replace(/^\/\//, '')
    .replace(/^[^/@]*@/, '')
    .replace(/\/+$/, '');
  const path = `${withoutScheme}/dists/${source.suite}/InRelease`;
  return path.replace(/_/g, '%5f').replace(/^\/+/, '_').replace(/\//g, '_');
}

/** A field of the header of an (In)Release file, such as `Origin`. */
export function releaseField(inRelease: string, field: string): string | undefined {
  const line = inRelease
    .slice(0, 8192)
    .split('\n')
    .find((candidate) => candidate.toLowerCase().startsWith(`${field.toLowerCase()}:`));
  return line?.slice(field.length + 1).trim();
}
