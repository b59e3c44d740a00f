/**
 * Reads what a staged tree brings of other people's work: every npm package in it, wherever it is nested, and the
 * Node.js runtime. What is written about them is `copyright.ts`.
 */
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { PcloudError } from '../../model/errors.ts';
import type { Component } from './copyright.ts';

const checkout = path.resolve(import.meta.dirname, '../..');

const manifestSchema = z.looseObject({
  name: z.string().max(300),
  version: z.string().max(100),
  license: z.string().max(200).optional(),
  author: z.union([z.string().max(500), z.looseObject({ name: z.string().max(500) })]).optional(),
});

/**
 * @param root the staged tree
 * @throws PcloudError `no-licence` for a package that does not say under which licence it is.
 */
export function componentsOf(root: string, library: string): readonly Component[] {
  const within = path.join(root, library);
  const manifests = globSync(['node_modules/**/package.json'], { cwd: within }).filter((file) =>
    /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@][^/]*\/package\.json$/.test(file),
  );
  return [...manifests.sort().map((file) => npmComponent(root, library, file)), nodeComponent(library)];
}

function npmComponent(root: string, library: string, file: string): Component {
  const place = path.join(library, path.dirname(file)).slice(1);
  const directory = path.join(root, place);
  const manifest = manifestSchema.parse(
    JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')),
  );
  const { name, version, license, author } = manifest;
  if (license === undefined)
    throw noLicence(`${name} ${version}`, 'Look at the package, and leave it out if in doubt.');
  return {
    place,
    name,
    version,
    license,
    licenseText: licenceText(directory, license, name),
    author: typeof author === 'object' ? author.name : (author ?? null),
  };
}

/** The package's own copy, with its notices; else the licence's text as it stands in `packaging/licences`. */
function licenceText(directory: string, license: string, name: string): string {
  const files = readdirSync(directory)
    .filter((one) => /^(?:licen[cs]e|copying|notice|copyright)/i.test(one))
    .sort();
  if (files.length > 0)
    return files.map((one) => readFileSync(path.join(directory, one), 'utf8').trim()).join('\n\n');
  const known = path.join(checkout, 'packaging/licences', license);
  if (/^[A-Za-z0-9.-]+$/.test(license) && existsSync(known)) return readFileSync(known, 'utf8');
  throw noLicence(name, `Put the text of ${license} into packaging/licences/${license}.`);
}

function nodeComponent(library: string): Component {
  const file = path.join(checkout, '.toolchain/node/LICENSE');
  if (!existsSync(file))
    throw noLicence(
      'Node.js',
      'Remove .toolchain/node and run make bootstrap: the pinned Node has its licence with it.',
    );
  return {
    place: `${library.slice(1)}/libexec/node*`,
    name: 'Node.js',
    version: process.versions.node,
    license: 'Node.js',
    licenseText: readFileSync(file, 'utf8'),
    author: null,
  };
}

function noLicence(what: string, hint: string): PcloudError {
  return new PcloudError({
    code: 'no-licence',
    category: 'failed',
    message: `There is no licence text for ${what}, so it cannot go into a package.`,
    hint,
  });
}
