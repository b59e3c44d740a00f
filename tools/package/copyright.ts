/**
 * The copyright file of a package: Debian's machine-readable format out of what the package brings along
 *. Pure; reading licences from node_modules is `licences.ts`.
 */

/** A piece of other people's work, with its licence as it came. */
export type Component = {
  /** Where it stands in the package, without a leading slash, such as `usr/lib/x/node_modules/zod`. */
  readonly place: string;
  readonly name: string;
  readonly version: string;
  /** SPDX expression out of its package.json. */
  readonly license: string;
  readonly licenseText: string;
  readonly author: string | null;
};

/** Lines that claim copyright, without the licence's own talk about "the above copyright notice". */
function claims(text: string): readonly string[] {
  const found = text
    .split('\n')
    .map((line) => line.trim().replace(/^[*#/\s]+/, ''))
    .filter((line) => /^(?:copyright\b(?=.*(?:\d{4}|\(c\)|©))|\(c\) \d|©)/i.test(line));
  return [...new Set(found.map((line) => line.replace(/^copyright:?\s*(?:\(c\)|©)?\s*/i, '').trim()))].filter(
    (line) => line !== '',
  );
}

/** A field of several lines: an empty one is written as a dot (deb822(5)). */
function folded(lines: readonly string[], indent = ' '): string {
  return lines.map((line) => (line.trim() === '' ? `${indent}.` : `${indent}${line.trimEnd()}`)).join('\n');
}

function paragraph(component: Component): string {
  const { place, name, version, license, licenseText, author } = component;
  const text = licenseText.replaceAll('\t', '  ').trim();
  const holders = claims(text);
  const copyright = holders.length > 0 ? holders : [author ?? `the authors of ${name}`];
  return [
    `Files: ${place.includes('*') ? place : `${place}/*`}`,
    `Copyright: ${copyright[0]}`,
    ...(copyright.length > 1 ? [folded(copyright.slice(1), '           ')] : []),
    `License: ${license.replaceAll(/[()]/g, '').replaceAll(' OR ', ' or ').replaceAll(' AND ', ' and ')}`,
    folded(text.split('\n')),
    `Comment: ${name} ${version}`,
  ].join('\n');
}

/** @param ours the paragraphs about our own work, with the file's head */
export function copyrightFile(ours: string, components: readonly Component[]): string {
  return `${[ours.trimEnd(), ...components.map(paragraph)].join('\n\n')}\n`;
}
