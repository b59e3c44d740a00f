/**
 * The arrows of the house: which room may import which, as tables. "A imports B" must be allowed by the room's
 * table and by the finer rules inside builder and runtime. Pure; what there is to judge comes in.
 */
import type { Room } from './source-files.ts';

/** Prefixes of paths in the checkout that each room may import besides itself. */
const allowed: Readonly<Record<Room, readonly string[]>> = {
  model: [],
  catalogue: ['model/'],
  service: ['model/', 'native/unix-datagram/'],
  builder: ['catalogue/', 'service/', 'model/'],
  runtime: ['catalogue/', 'service/', 'model/', 'native/'],
  // A client of both services, and of nothing behind them.
  shell: ['builder/client.ts', 'runtime/client.ts', 'service/', 'model/'],
  tools: ['builder/client.ts', 'runtime/client.ts', 'service/', 'model/', 'native/'],
  // A browser loads it: of the model it has the types alone, as the architecture test asks.
  page: ['model/'],
};

/** Packages that a room or a part of it is limited to; where none is named, any dependency will do. */
const packages: readonly {
  readonly prefix: string;
  readonly only: readonly string[];
  readonly why: string;
}[] = [
  { prefix: 'model/', only: ['zod', 'node:crypto'], why: 'model is pure: zod, and hashes of node:crypto' },
  {
    prefix: 'runtime/supervisor/',
    only: ['zod'],
    why: 'the supervisor is pure: no IO, no clock, no randomness',
  },
  { prefix: 'page/', only: [], why: 'a browser loads the page as it is: no package, nothing of Node' },
];

/** What the shell must not know. */
const notForTheShell = ['bullmq', 'ioredis', 'node:sqlite', 'fastify'];

/**
 * The builder's parts from the outside in (DESIGN.md §2): main → http, queue → worker → steps,
 * artifact-store → plan, render, engines. An import never goes outwards.
 */
const builderRanks: Readonly<Record<string, number>> = {
  main: 0,
  http: 1,
  queue: 1,
  worker: 2,
  steps: 3,
  'artifact-store': 3,
  plan: 4,
  render: 4,
  engines: 4,
};

function partOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '');
}

/** The clients and their parts, such as `builder/media-client.ts`. */
const clientFile = /^(?:builder|runtime)\/(?:[a-z]+-)?client\.ts$/;

/** Why `from` must not import `to`, or undefined when it may. Both are paths as `source-files.ts` gives them. */
export function brokenArrow(from: string, to: string): string | undefined {
  const room = from.split('/')[0] as Room;
  if (!to.includes('/') || to.startsWith('node:') || to.startsWith('@') || !isOurs(to))
    return brokenPackage(from, to);
  if (!to.startsWith(`${room}/`)) {
    if (allowed[room].some((prefix) => to.startsWith(prefix))) return brokenInside(from, to);
    return `${room} may import ${allowed[room].length === 0 ? 'nothing of ours' : allowed[room].join(', ')}`;
  }
  return brokenInside(from, to);
}

/** A path in the checkout, as opposed to a package with a subpath (`execa/lib`). */
function isOurs(to: string): boolean {
  return /^(?:model|catalogue|service|builder|runtime|shell|tools|page|native|test|bench|guest)\//.test(to);
}

function brokenPackage(from: string, name: string): string | undefined {
  if (from.startsWith('shell/')) {
    return notForTheShell.includes(name)
      ? 'the shell is a client of the services: HTTP on their sockets'
      : undefined;
  }
  const rule = packages.find((candidate) => from.startsWith(candidate.prefix));
  return rule === undefined || rule.only.includes(name) ? undefined : rule.why;
}

function brokenInside(from: string, to: string): string | undefined {
  if (clientFile.test(from) && !/^(?:model|service)\//.test(to) && !clientFile.test(to)) {
    return 'a client is what the shell loads: model, service and its own parts only';
  }
  if (
    from.startsWith('runtime/supervisor/') &&
    !/^(?:runtime\/supervisor\/|runtime\/(?:ports|control)\.ts$|model\/)/.test(to)
  ) {
    return 'the supervisor knows ports, control, model and itself';
  }
  if (from.startsWith('runtime/adapters/') && /^runtime\/(?:supervisor\/|main\.ts$)/.test(to)) {
    return 'an adapter implements a port; decisions are not its business';
  }
  if (from === 'runtime/ports.ts' && to.startsWith('runtime/'))
    return 'ports depend on nothing in the runtime';
  if (from.startsWith('builder/') && to.startsWith('builder/')) {
    const [outer, inner] = [builderRanks[partOf(to)], builderRanks[partOf(from)]];
    if (outer !== undefined && inner !== undefined && outer < inner)
      return 'in the builder, an import goes inwards only';
  }
  return undefined;
}

/**
 * A circle of imports, or undefined.
 * @param imports of each file, as paths of files in the same map; others are ignored
 * @returns the files of the circle in order, the first one again at the end
 */
export function findCycle(imports: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (file: string): readonly string[] | undefined => {
    if (done.has(file)) return undefined;
    const seenAt = trail.indexOf(file);
    if (seenAt >= 0) return [...trail.slice(seenAt), file];
    trail.push(file);
    for (const next of imports.get(file) ?? []) {
      const cycle = imports.has(next) ? visit(next) : undefined;
      if (cycle !== undefined) return cycle;
    }
    trail.pop();
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
