/**
 * The resource templates of a running service: those that came with it, and above them those of the operator,
 * who adds one by dropping a file. Looked at again whenever somebody asks, so that nothing has to be restarted.
 * A broken file is told, and costs nobody else anything: what it held before goes on being used while the
 * service lives, and a shipped template never stands in for the operator's broken one of the same name,
 * because it may be another service.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { resourceTemplateSchema } from '../model/resource-template.ts';
import type { ResourceTemplate } from '../model/resource-template.ts';
import { fileErrorCode, fileErrorText } from './file-error.ts';
import type { ResourceTemplates } from './resource-templates.ts';
import { faultText } from '../model/template-fault.ts';
import type { TemplateFault } from '../model/template-fault.ts';
import { broken, maxFiles } from './yaml-directory.ts';
import { readYamlFile } from './yaml-file.ts';
import type { YamlReading } from './yaml-file.ts';

export type TemplateSource = {
  readonly origin: 'shipped' | 'operator';
  readonly file: string;
  /** The shipped file that this one of the operator's takes the place of. */
  readonly overrides: string | null;
};

export type TemplateLibrary = {
  /** As of the last look: the same map all the time, changed in one go. */
  readonly templates: ResourceTemplates;
  /** Where a template comes from; undefined for one that is not there. */
  sourceOf(name: string): TemplateSource | undefined;
  readonly faults: () => readonly TemplateFault[];
  /** Looks at the directories and reads what has changed. Never rejects: what cannot be read is a fault. */
  refresh(): Promise<void>;
};

export type TemplateLibraryOptions = {
  /** With `resources/` in it. */
  readonly templatesDirectory: string;
  /** The operator's own; it need not be there. */
  readonly ownDirectory: string;
  /** Told once of each fault, for the log. */
  readonly notice?: ((fault: TemplateFault) => void) | undefined;
};

/** @throws PcloudError `catalogue-broken` when the shipped directory cannot be read at all. */
export async function openTemplateLibrary(options: TemplateLibraryOptions): Promise<TemplateLibrary> {
  const shippedDirectory = path.join(options.templatesDirectory, 'resources');
  await readdir(shippedDirectory).catch((error: unknown) => {
    throw broken(shippedDirectory, 'the directory cannot be read', error);
  });
  const shipped = openShelf(shippedDirectory);
  const own = openShelf(options.ownDirectory);
  const templates = new Map<string, ResourceTemplate>();
  const sources = new Map<string, TemplateSource>();
  let faults: readonly TemplateFault[] = [];

  const look = async (): Promise<void> => {
    const [lower, upper] = await Promise.all([shipped.look(), own.look()]);
    const told = new Set(faults.map(faultText));
    faults = [...upper.faults, ...lower.faults];
    const hidden = new Set(upper.faults.filter(({ file }) => file.endsWith('.yaml')).map(({ name }) => name));
    const found = new Map<string, [ResourceTemplate, TemplateSource]>();
    for (const [name, { template, file }] of lower.good)
      if (!hidden.has(name)) found.set(name, [template, { origin: 'shipped', file, overrides: null }]);
    for (const [name, { template, file }] of upper.good) {
      const overrides = lower.good.get(name)?.file ?? null;
      found.set(name, [template, { origin: 'operator', file, overrides }]);
    }
    templates.clear();
    sources.clear();
    for (const name of [...found.keys()].sort()) {
      const [template, source] = found.get(name) ?? [];
      if (template !== undefined && source !== undefined) templates.set(name, template);
      if (source !== undefined) sources.set(name, source);
    }
    for (const fault of faults) if (!told.has(faultText(fault))) options.notice?.(fault);
  };
  const refresh = oneAtATime(look);
  await refresh();
  return {
    templates: Object.assign(templates, {
      faultOf: (name: string) =>
        templates.has(name) ? undefined : faults.find((fault) => fault.name === name),
    }),
    sourceOf: (name) => sources.get(name),
    faults: () => faults,
    refresh,
  };
}

type Good = { readonly template: ResourceTemplate; readonly file: string };
type Shelf = {
  look(): Promise<{ readonly good: ReadonlyMap<string, Good>; readonly faults: readonly TemplateFault[] }>;
};

/** What was read of a file, and of which state of it. */
type Kept = {
  readonly mark: string;
  readonly reading: YamlReading<ResourceTemplate>;
  good: Good | undefined;
};

/** One directory; it remembers what it has read. */
function openShelf(directory: string): Shelf {
  let kept = new Map<string, Kept>();

  const readOne = async (name: string): Promise<readonly [string, Kept]> => {
    const file = path.join(directory, name);
    const before = kept.get(name);
    const mark = await markOf(file);
    if (before !== undefined && mark !== undefined && mark === before.mark) return [name, before];
    const reading = await readYamlFile(file, resourceTemplateSchema);
    const good = reading.ok ? { template: reading.thing, file } : before?.good;
    return [name, { mark: mark ?? '', reading, good }];
  };

  return {
    async look() {
      let names: readonly string[];
      try {
        names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
      } catch (error) {
        if (fileErrorCode(error) === 'ENOENT') {
          kept = new Map();
          return { good: new Map(), faults: [] };
        }
        return { ...contents(kept, directory), faults: [aboutAll(directory, fileErrorText(error))] };
      }
      const files = names.filter((name) => name.endsWith('.yaml'));
      kept = new Map(await Promise.all(files.slice(0, maxFiles).map(readOne)));
      const { good, faults } = contents(kept, directory);
      const more: TemplateFault[] = names
        .filter((name) => name.endsWith('.yml'))
        .map((name) => ({
          name: path.basename(name, '.yml'),
          file: path.join(directory, name),
          line: null,
          reason: 'it is not read: the name of a template’s file ends in .yaml',
          usesEarlier: false,
        }));
      if (files.length > maxFiles)
        more.push(aboutAll(directory, `it holds more than ${maxFiles} files; the rest are not read`));
      return { good, faults: [...faults, ...more] };
    },
  };
}

function contents(kept: ReadonlyMap<string, Kept>, directory: string) {
  const good = new Map<string, Good>();
  const faults: TemplateFault[] = [];
  for (const [file, { reading, good: usable }] of kept) {
    const name = path.basename(file, '.yaml');
    if (usable !== undefined) good.set(name, usable);
    if (reading.ok) continue;
    const usesEarlier = usable !== undefined;
    faults.push({ name, file: path.join(directory, file), ...reading.fault, usesEarlier });
  }
  return { good, faults };
}

function aboutAll(directory: string, reason: string): TemplateFault {
  return { name: null, file: directory, line: null, reason, usesEarlier: true };
}

/** A file that was changed so shortly ago may change again and keep its times: a clock's tick is 4 ms or 10. */
const settledMs = 50;

/** What changes when the file does; undefined when that cannot be said, and it is read anew. */
async function markOf(file: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, ctimeNs, ctimeMs } = await stat(file, { bigint: true });
    if (Number(ctimeMs) > Date.now() - settledMs) return undefined;
    return [dev, ino, size, ctimeNs].join(' ');
  } catch {
    // What is wrong with it is told by the reading.
    return undefined;
  }
}

/** Runs it again for whoever asks while it runs: what they want to see may have come after its look. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (next !== undefined) return next;
    if (running === undefined) return start();
    next = running.then(() => {
      next = undefined;
      return start();
    });
    return next;
  };
}
