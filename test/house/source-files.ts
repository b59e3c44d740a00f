/**
 * The files of the checkout as the house's rules see them: which there are, what room each is in, what it
 * imports. It reads; `arrows.ts` and the tests judge.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const checkout = path.resolve(import.meta.dirname, '../..');

/** Rooms whose imports are checked. Tests and benchmarks may look into every room. */
export const rooms = [
  'model',
  'catalogue',
  'service',
  'builder',
  'runtime',
  'shell',
  'tools',
  'page',
] as const;
export type Room = (typeof rooms)[number];

export type SourceFile = {
  /** Relative to the checkout, with `/`. */
  readonly path: string;
  readonly text: string;
  /** What it imports: a path relative to the checkout, or the name of a package. */
  readonly imports: readonly string[];
};

const notOurs = /(?:^|\/)(?:node_modules|\.toolchain|\.pcloud|\.git|dist|coverage|build)(?:\/|$)/;

/** Every file of the checkout that a person wrote, as relative paths. */
export function writtenFiles(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: checkout, exclude: (name) => notOurs.test(name) })
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => !notOurs.test(file))
    .sort();
}

export function readWritten(file: string): string {
  return readFileSync(path.join(checkout, file), 'utf8');
}

/** Specifiers of every static, re-exporting and dynamic import in a text. */
export function specifiersOf(text: string): readonly string[] {
  const withoutComments = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const forms = [
    /^\s*(?:import|export)\s[^'"`;]*?\sfrom\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]/g,
  ];
  return forms.flatMap((form) => [...withoutComments.matchAll(form)].map((match) => match[1] ?? ''));
}

/** A specifier as a path relative to the checkout where it leads to a file of ours, else as it is. */
export function resolveSpecifier(from: string, specifier: string): string {
  if (specifier === '#libvirt') return 'native/libvirt/index.js';
  if (!specifier.startsWith('.')) return specifier;
  return path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier));
}

/** The sources of all rooms. */
export function sourceFiles(): readonly SourceFile[] {
  return rooms
    .flatMap((room) => writtenFiles(`${room}/**/*.ts`))
    .map((file) => {
      const text = readWritten(file);
      return {
        path: file,
        text,
        imports: specifiersOf(text).map((specifier) => resolveSpecifier(file, specifier)),
      };
    });
}
