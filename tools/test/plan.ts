/**
 * Which test files there are and which group each belongs to. The tests under test/integration/ run on real
 * QEMU, libvirt, Redis and builds; every other one needs nothing but Node. It runs none of them.
 */
import { globSync } from 'node:fs';
import path from 'node:path';

export const groups = ['pure', 'real'] as const;
export type Group = (typeof groups)[number];

/** The longest that one file of a group may take, in ms; a hung test is ended and counted as failed. */
export const fileLimitMs: Readonly<Record<Group, number>> = { pure: 180_000, real: 900_000 };

/**
 * `make test` takes less than half an hour on two idle cores; on busy ones it may take this. What has not started by
 * then is counted as failed, by name.
 */
export const totalLimitMs = 60 * 60_000;

/** How the runner tells `guard.ts` in a test file's process the limit. */
export const fileLimitVariable = 'PCLOUD_TEST_FILE_LIMIT_MS';

export function groupOf(file: string): Group {
  return file.startsWith('test/integration/') ? 'real' : 'pure';
}

/**
 * The files of a group, relative to the checkout, in a stable order.
 * @param filter when given, only files whose path contains it
 */
export function filesOf(checkout: string, group: Group, filter?: string): readonly string[] {
  return globSync('test/**/*.test.ts', { cwd: checkout })
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => groupOf(file) === group && (filter === undefined || file.includes(filter)))
    .sort();
}

const inFile = (names: string): RegExp => new RegExp(`^test/integration/(?:${names})\\.test\\.ts$`);

/**
 * Real files that run alone: they assert how long something took on this machine, or how soon a guest must have done
 * what it was asked.
 */
const alone = inFile('accelerator-probe|chaos|guest-devices|hypervisor-qemu');

/**
 * What real files have in common that no two of them may have at once. The first three are places in the state
 * directory; of the last, each keeps both cores busy: the package's systemd in an emulated guest takes 405 s beside an
 * install, and did not end within 585 s beside the machines of service-files.
 */
const shared: Readonly<Record<string, RegExp>> = {
  'the JEOS and the guests made from it': inFile('assemble-by-guest.*|import|packages.*'),
  'the stack and its images': inFile(
    'data-disks|demo|networks|operating|page-stack|private-stack.*|service-files|tutorial',
  ),
  'the kernel of install media': inFile('install.*|media'),
  'both cores': inFile('packages-systemd|service-files'),
};

/** The longest begin first, so that no long one is left over at the end: these took 70 to 430 s beside another. */
const longest: readonly string[] = [
  'packages-systemd',
  'install-failures',
  'service-files',
  'install',
  'data-disks',
  'assemble-by-guest-failures',
  'assemble-by-guest',
  'bootstrap-reproducible',
  'builder-death',
  'import',
  'install-runs',
  'networks',
  'builder-redis',
  'builder-queue',
  'packages',
  'operating',
  'tutorial',
  'demo',
].map((name) => `test/integration/${name}.test.ts`);

/** How many files run at once of those that may: with a third, two cores end none of them sooner. */
export const besideCount = 2;

/** What runs beside one another first, in the order in which it begins, and what runs alone afterwards. */
export function inOrder(files: readonly string[]): {
  readonly beside: readonly string[];
  readonly alone: readonly string[];
} {
  const rank = (file: string): number => {
    const at = longest.indexOf(file);
    return at === -1 ? longest.length : at;
  };
  return {
    beside: files.filter((file) => !alone.test(file)).toSorted((one, other) => rank(one) - rank(other)),
    alone: files.filter((file) => alone.test(file)),
  };
}

/** The first of those that wait which has nothing in common with one that runs; undefined: one of them has to end first. */
export function nextFile(waiting: readonly string[], running: readonly string[]): string | undefined {
  return waiting.find((file) => !running.some((other) => whatBothUse(file, other) !== undefined));
}

/** What two files may not use at once, if there is anything. */
export function whatBothUse(file: string, other: string): string | undefined {
  return Object.keys(shared).find((what) => shared[what]?.test(file) && shared[what].test(other));
}
