/**
 * The package managers of the guests that we build, as data and rules: which program with which arguments, how its
 * words tell how far it is, and what they mean when it fails. Pure. Package names are checked where they enter
 * (`packageNameSchema`): none starts like an option.
 */

import { stripVTControlCharacters } from 'node:util';

export const packageManagers = ['apt', 'yum', 'dnf'] as const;
export type PackageManager = (typeof packageManagers)[number];

export type Command = readonly [program: string, ...args: string[]];

/** Where `prepare-apt.sh` has mounted memory. */
const aptScratch = '/run/pcloud-build';

const aptOptions = [
  '-q',
  '-y',
  `-oDir::State::Lists=${aptScratch}/lists`,
  `-oDir::Cache::pkgcache=${aptScratch}/pkgcache.bin`,
  `-oDir::Cache::srcpkgcache=${aptScratch}/srcpkgcache.bin`,
  '-oAcquire::Languages=none',
  '-oAcquire::Retries=2',
  '-oAcquire::http::Timeout=30',
  '-oAcquire::https::Timeout=30',
  '-oAPT::Update::Error-Mode=any',
  '-oDpkg::Use-Pty=0',
  // The disk is thrown away unless all succeeds: what dpkg does for a power cut is time lost.
  '-oDpkg::Options::=--force-unsafe-io',
  '-oDpkg::Options::=--force-confdef',
  '-oDpkg::Options::=--force-confold',
] as const;

/**
 * With systemd's directory hidden, packages' scripts take it for not running: they enable units, and neither start
 * nor reload anything. That is what a build wants, and under emulation each reload costs a second.
 */
const withoutSystemd = [
  '/usr/bin/unshare',
  '--mount',
  '/bin/sh',
  '-c',
  '[ ! -d /run/systemd ] || mount -t tmpfs none /run/systemd && exec "$@"',
  'sh',
] as const;

const rpmQuery = '%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n';

/** In each package manager's environment, on top of the agent's own (LC_ALL=C, a PATH). */
export const packageEnvironment: Readonly<Record<string, string>> = {
  HOME: '/root',
  DEBIAN_FRONTEND: 'noninteractive',
  DEBCONF_NONINTERACTIVE_SEEN: 'true',
};

/** Learns what the archive holds now. */
export function refreshCommand(manager: PackageManager): Command {
  switch (manager) {
    case 'apt':
      return ['/usr/bin/apt-get', ...aptOptions, 'update'];
    case 'yum':
    case 'dnf':
      return [`/usr/bin/${manager}`, '-y', 'makecache'];
  }
}

export function installCommand(manager: PackageManager, packages: readonly string[]): Command {
  switch (manager) {
    case 'apt': {
      const install = ['--no-install-recommends', 'install', '--', ...packages];
      return [...withoutSystemd, '/usr/bin/apt-get', ...aptOptions, ...install];
    }
    case 'yum':
    case 'dnf':
      return [`/usr/bin/${manager}`, '-y', '--setopt=tsflags=nodocs', 'install', ...packages];
  }
}

/** Leaves nothing of what was fetched. */
export function cleanCommand(manager: PackageManager): Command {
  return manager === 'apt'
    ? ['/usr/bin/apt-get', ...aptOptions, 'clean']
    : [`/usr/bin/${manager}`, 'clean', 'all'];
}

/** Prints `name TAB version TAB architecture` a line. */
export function listCommand(manager: PackageManager): Command {
  return manager === 'apt'
    ? ['/usr/bin/dpkg-query', '-W', '-f', '${Package}\\t${Version}\\t${Architecture}\\n']
    : ['/bin/rpm', '-qa', '--qf', rpmQuery];
}

/** Which manager a guest of the RPM families has is asked of the guest: this ends with 0 where it is dnf. */
export const dnfProbe: Command = ['/usr/bin/test', '-x', '/usr/bin/dnf'];

/** An argument list has to fit into one line of the guest link, beside apt's options. */
const maxNamesInOne = 20;
const maxNameBytesInOne = 2000;

/** Names of packages or services in as many commands as they need, in order. */
export function inBatches(names: readonly string[]): readonly (readonly string[])[] {
  const batches: string[][] = [];
  let bytes = 0;
  for (const name of names) {
    const last = batches.at(-1);
    bytes += name.length;
    if (last !== undefined && last.length < maxNamesInOne && bytes <= maxNameBytesInOne) last.push(name);
    else {
      batches.push([name]);
      bytes = name.length;
    }
  }
  return batches;
}

/** Reads an install's lines; answers how far it is (0 to 1) where a line tells. */
export function progressReader(manager: PackageManager): (line: string) => number | undefined {
  let total = 0;
  let done = 0;
  return (line) => {
    if (manager === 'apt') {
      const announced = /(\d+) newly installed/.exec(line)?.[1];
      if (announced !== undefined) total = 2 * Number(announced);
      if (total > 0 && /^(?:Unpacking|Setting up) /.test(line)) done += 1;
      else return undefined;
      return Math.min(1, done / total);
    }
    const [, step, steps] = /\s(\d{1,5})\/(\d{1,5})\s*$/.exec(line) ?? [];
    return step === undefined || Number(steps) === 0 ? undefined : Math.min(1, Number(step) / Number(steps));
  };
}

/** What a package manager's words mean. */
export type PackageTrouble =
  | { readonly kind: 'package-missing'; readonly name: string }
  | { readonly kind: 'archive-unreachable'; readonly words: string };

const missingPatterns: readonly RegExp[] = [
  /^E: Unable to locate package (\S+)/,
  /^E: Package '(\S+)' has no installation candidate/,
  /^E: Couldn't find any package by (?:glob|regex) '(\S+)'/,
  /^No package (\S+) available/,
  /^No match for argument: (\S+)/,
  /Unable to find a match: (\S+)/,
];

const unreachablePatterns: readonly RegExp[] = [
  /Temporary failure resolving|Could not resolve|Could not connect|Unable to connect|Connection (?:timed out|failed)/,
  /^E: Failed to fetch|^E: Some index files failed to download/,
  /Cannot retrieve (?:repository metadata|metalink)|Could not retrieve mirrorlist|No more mirrors to try/,
  /Failed to download metadata|Cannot download |Curl error|Errno 1[24]\b/,
];

/**
 * What one line of a package manager tells of a failure. yum installs what it finds and ends with 0: a missing
 * package counts whatever the exit code is, an unreachable archive only when the program failed.
 */
export function troubleOf(line: string): PackageTrouble | undefined {
  // dnf colours its words.
  const words = stripVTControlCharacters(line).trim();
  for (const pattern of missingPatterns) {
    const name = pattern.exec(words)?.[1];
    if (name !== undefined) return { kind: 'package-missing', name: name.replace(/\.$/, '').slice(0, 128) };
  }
  return unreachablePatterns.some((pattern) => pattern.test(words))
    ? { kind: 'archive-unreachable', words: words.slice(0, 300) }
    : undefined;
}
