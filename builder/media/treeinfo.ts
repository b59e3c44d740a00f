/**
 * `.treeinfo`, by which an install tree says what it is and what its files' checksums are. Pure. It is a text
 * from elsewhere: paths in it are only let through when they stay inside the tree.
 */
import { badMedium } from './failures.ts';

export const maxTreeinfoBytes = 256 * 1024;
const maxLines = 5000;
/** As a manifest takes it. */
const maxTitleLength = 200;

export type Treeinfo = {
  readonly family: string;
  readonly version: string;
  readonly architecture: string;
  /** Relative to the tree, and inside it. */
  readonly kernel: string;
  readonly initrd: string;
  /** Path in the tree to sha256 in lower case; other algorithms are not taken. */
  readonly checksums: ReadonlyMap<string, string>;
};

/**
 * @param where the tree's address or directory, for messages.
 * @throws PcloudError `bad-medium`.
 */
export function parseTreeinfo(text: string, where: string): Treeinfo {
  if (text.length > maxTreeinfoBytes) throw badMedium(where, `its .treeinfo has ${text.length} characters`);
  const sections = parseSections(text, where);
  const general = sections.get('general');
  const field = (name: string): string => {
    const value = general?.get(name);
    if (value === undefined || value.length > 200)
      throw badMedium(where, `its .treeinfo has no usable "${name}" in [general]`);
    return value;
  };
  const architecture = field('arch');
  const images = sections.get(`images-${architecture}`);
  const checksums = new Map<string, string>();
  for (const [file, value] of sections.get('checksums') ?? []) {
    const sha256 = /^sha256:([0-9a-fA-F]{64})$/.exec(value)?.[1];
    if (sha256 !== undefined) checksums.set(file, sha256.toLowerCase());
  }
  return {
    family: field('family'),
    version: field('version'),
    architecture,
    kernel: pathInside(images?.get('kernel'), 'kernel', where),
    initrd: pathInside(images?.get('initrd'), 'initrd', where),
    checksums,
  };
}

/** `Fedora 14 x86_64`, as people would call the tree. */
export function treeTitle(treeinfo: Treeinfo): string {
  const title = `${treeinfo.family} ${treeinfo.version} ${treeinfo.architecture}`;
  return title.replaceAll(/[^ -~]/g, '?').slice(0, maxTitleLength);
}

function parseSections(text: string, where: string): Map<string, Map<string, string>> {
  const lines = text.split(/\r?\n/);
  if (lines.length > maxLines) throw badMedium(where, `its .treeinfo has ${lines.length} lines`);
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  for (const line of lines) {
    const name = /^\[([^\]]{1,100})\]\s*$/.exec(line)?.[1];
    if (name !== undefined) {
      section = sections.get(name) ?? new Map<string, string>();
      sections.set(name, section);
      continue;
    }
    const pair = /^([^#;=\s][^=]{0,299}?)\s*=\s*(.*?)\s*$/.exec(line);
    if (pair?.[1] !== undefined) section?.set(pair[1], pair[2] ?? '');
  }
  return sections;
}

function pathInside(value: string | undefined, what: string, where: string): string {
  if (value === undefined) throw badMedium(where, `its .treeinfo names no ${what}`);
  const parts = value.split('/');
  const inside = parts.every((part) => /^[A-Za-z0-9_+][A-Za-z0-9._+-]*$/.test(part));
  if (value.length <= 255 && inside) return value;
  throw badMedium(
    where,
    `its .treeinfo names a ${what} outside the tree: ${JSON.stringify(value.slice(0, 80))}`,
  );
}
