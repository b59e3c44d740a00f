/** The addresses within the page, `#/incidents/12`: what they mean and how they are written. Pure. */

export type Route =
  | { readonly kind: 'overview' }
  | { readonly kind: 'machine'; readonly assembly: string }
  | { readonly kind: 'incidents' }
  | { readonly kind: 'incident'; readonly id: string }
  | { readonly kind: 'charts' }
  | { readonly kind: 'builds' }
  | { readonly kind: 'build'; readonly digest: string }
  | { readonly kind: 'unknown'; readonly text: string };

/** The parts of the page that the navigation names. */
export type Section = 'overview' | 'incidents' | 'charts' | 'builds';

/** @param hash as `location.hash` gives it */
export function parseRoute(hash: string): Route {
  const [section, name, ...more] = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decoded);
  const unknown: Route = { kind: 'unknown', text: hash.slice(0, 100) };
  if (section === undefined || more.length > 0) return unknown;
  if (section === '' || section === 'overview') return name === undefined ? { kind: 'overview' } : unknown;
  if (name === undefined || name === '') {
    if (section === 'incidents' || section === 'charts' || section === 'builds') return { kind: section };
    return unknown;
  }
  if (section === 'machines') return { kind: 'machine', assembly: name };
  if (section === 'incidents') return { kind: 'incident', id: name };
  if (section === 'builds') return { kind: 'build', digest: name };
  return unknown;
}

export function machineHref(assembly: string): string {
  return `#/machines/${encodeURIComponent(assembly)}`;
}
export function incidentHref(id: string): string {
  return `#/incidents/${encodeURIComponent(id)}`;
}
export function buildHref(digest: string): string {
  return `#/builds/${encodeURIComponent(digest)}`;
}

/** Which entry of the navigation a place belongs to. */
export function sectionOf(route: Route): Section | undefined {
  switch (route.kind) {
    case 'overview':
    case 'machine':
      return 'overview';
    case 'incidents':
    case 'incident':
      return 'incidents';
    case 'charts':
      return 'charts';
    case 'builds':
    case 'build':
      return 'builds';
    case 'unknown':
      return undefined;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
