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

/**
 * Real files that may run beside one another, one at a time in each lane: they build images, run services or read pages,
 * and assert no time that a busy neighbour could spoil. In one lane are those that share a state directory: the JEOS and
 * the guests made from it in the first, the stack's images and the kernel of install media in the second. Every other
 * real file runs alone. The package's test in an emulated systemd guest has little to spare of its limit: beside installs it
 * takes 405 s, beside the machines of service-files it did not end within 585 s.
 */
export const lanes: readonly RegExp[] = [
  /^test\/integration\/(?:assemble-by-guest|bad-input|bootstrap-reproducible|build-commands|import|packages|page-pictures|page\.)/,
  /^test\/integration\/(?:api-|builder-(?!queue)|cell|data-disks|images|install|journald|libvirt-networks|make-install|media|networks|operating|page-stack|secrets|service-files|tutorial)/,
];

/** What runs side by side first, a list a lane, and what runs alone afterwards; all in their order. */
export function inLanes(files: readonly string[]): {
  readonly beside: readonly (readonly string[])[];
  readonly alone: readonly string[];
} {
  return {
    beside: lanes.map((lane) => files.filter((file) => lane.test(file))),
    alone: files.filter((file) => !lanes.some((lane) => lane.test(file))),
  };
}
