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

/** Real files that run alone: they assert how long something took on this machine. */
const alone = inFile('accelerator-probe|chaos|hypervisor-qemu');

/**
 * What real files have in common that no two of them may have at once. The first three are places in the state
 * directory, the second with those that start and end a stack of their own; of the last, each keeps both cores busy: the package's systemd in an emulated guest takes 405 s beside an
 * install, and did not end within 585 s beside the machines of service-files.
 */
const shared: Readonly<Record<string, RegExp>> = {
  'the JEOS and the guests made from it': inFile(
    'assemble-by-guest.*|bootstrap-reproducible|guest-devices|import|packages.*',
  ),
  'the stack and its images': inFile(
    'data-disks|demo|networks|operating|page-stack|private-stack.*|service-files|tutorial',
  ),
  'the kernel of install media': inFile('install.*|media'),
  'both cores': inFile('packages-systemd|service-files'),
};

/**
 * Begin first, in this order, so that no core is without work at the end: the longest, and of what shares a place enough
 * early on. They take 70 to 430 s each on two cores.
 */
const first: readonly string[] = [
  'packages-systemd',
  'data-disks',
  'networks',
  'operating',
  'install-failures',
  'assemble-by-guest-failures',
  'install',
  'service-files',
  'assemble-by-guest',
  'tutorial',
  'install-runs',
  'import',
  'guest-devices',
  'demo',
  'bootstrap-reproducible',
  'builder-death',
  'builder-redis',
  'builder-queue',
  'bad-input',
  'bad-input-services',
  'packages',
].map((name) => `test/integration/${name}.test.ts`);

/** These emulate a machine most of the time, which takes a core. The others mostly wait: for a program, a limit, a queue. */
const emulating = inFile(
  'assemble-by-guest.*|data-disks|demo|guest-devices|import|install.*|networks|operating|packages-systemd|service-files|tutorial',
);

/** How many files run at once of those that may, and how many of them emulate machines: there are two cores. */
export const besideCount = 3;
export const emulatingCount = 2;

/** What runs beside one another first, in the order in which it begins, and what runs alone afterwards. */
export function inOrder(files: readonly string[]): {
  readonly beside: readonly string[];
  readonly alone: readonly string[];
} {
  const rank = (file: string): number => {
    const at = first.indexOf(file);
    return at === -1 ? first.length : at;
  };
  return {
    beside: files.filter((file) => !alone.test(file)).toSorted((one, other) => rank(one) - rank(other)),
    alone: files.filter((file) => alone.test(file)),
  };
}

/**
 * The first of those that wait which has nothing in common with one that runs, and a core to emulate on, where it does;
 * undefined: one of those that run has to end first.
 */
export function nextFile(waiting: readonly string[], running: readonly string[]): string | undefined {
  const isBusy = running.filter(emulates).length >= emulatingCount;
  return waiting.find(
    (file) => !(isBusy && emulates(file)) && !running.some((other) => whatBothUse(file, other) !== undefined),
  );
}

export function emulates(file: string): boolean {
  return emulating.test(file);
}

/** What two files may not use at once, if there is anything. */
export function whatBothUse(file: string, other: string): string | undefined {
  return Object.keys(shared).find((what) => shared[what]?.test(file) && shared[what].test(other));
}
