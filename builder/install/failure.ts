/**
 * Why an install failed, in words for people: from the tool's last lines, the machine's console, and what the
 * watch saw. Pure. The patterns are anaconda's own messages (pyanaconda of Fedora 14 to 16 and RHEL 6, newer ones
 * where they differ), the kernel's, and oz's.
 */
import { stripVTControlCharacters } from 'node:util';
import { PcloudError } from '../../model/errors.ts';
import type { ActivityVerdict } from './activity.ts';

export type InstallEvidence = {
  readonly title: string;
  /** Last lines of the tool's output, oldest first. */
  readonly toolTail: readonly string[];
  /** Last lines on the machine's console, oldest first. */
  readonly consoleTail: readonly string[];
  readonly logPath: string;
};

type Sign = { readonly pattern: RegExp; readonly code: string; readonly hint: string };

const superminSign: Sign = {
  pattern: /supermin exited with error/,
  code: 'guestfs-unusable',
  hint: "oz opens an ISO by libguestfs, which needs a kernel of this host in /boot (or SUPERMIN_KERNEL and SUPERMIN_MODULES in the builder's environment). Or install from the tree, or by --engine virt-install.",
};

/** The first that matches, of the console first: what the installer says is nearer to the cause. */
const signs: readonly Sign[] = [
  {
    // What our kickstarts' own check says, where anaconda would have asked.
    pattern: /pcloud: installation failed: the installation source does not have/,
    code: 'package-missing',
    hint: 'Correct the package in the release file or the resource template, or give a medium that has it (media_add).',
  },
  {
    pattern: /pcloud: installation failed:/,
    code: 'kickstart-script-failed',
    hint: 'Look at the console: a script of the kickstart says what it could not do.',
  },
  superminSign,
  {
    pattern: /Kernel panic/i,
    code: 'installer-panicked',
    hint: 'Has the machine enough memory (installMemoryMiB in the release file), and is the medium one of this architecture?',
  },
  {
    pattern:
      /problem occurred on line \d+|error on line \d+ of the kickstart|Unknown command|Section .* does not end with %end/i,
    code: 'kickstart-error',
    hint: 'Show the kickstart with `pcloud-builder render kickstart RELEASE ARCH`, correct its template in kickstarts/, and ask for the image again.',
  },
  {
    pattern:
      /package '?\S+'? (?:should be installed|does not exist)|missing packages?|This package does not exist|no package named|No match for/i,
    code: 'package-missing',
    hint: 'Correct the package in the release file or the resource template, or add a medium that has it.',
  },
  {
    pattern:
      /biosboot|(?:BIOS Boot|bootloader stage1|boot loader (?:target|install))[^.]*(?:required|not|fail|need)/i,
    code: 'partitioning-refused',
    hint: 'This release needs other partitions: see `part` lines in its kickstart template.',
  },
  {
    pattern: /No space left on device|not enough (?:free )?(?:disk )?space/i,
    code: 'guest-disk-full',
    hint: 'Raise diskSizeMiB in the release file.',
  },
  {
    pattern:
      /Unable to (?:read|download|retrieve)|Error downloading|Could not (?:connect|resolve)|No route to host|Connection (?:refused|timed out|reset)/i,
    code: 'medium-unreachable',
    hint: 'Check that the install tree answers (`media_verify RELEASE`), then ask for the image again.',
  },
];

const shownLength = 300;

/** Printable, one line, not too long: consoles hold control sequences. */
export function plainLine(line: string): string {
  return stripVTControlCharacters(line)
    .replaceAll(/[^\P{Cc}]/gu, ' ')
    .trim()
    .slice(0, shownLength);
}

/** The last line on the console that says anything. */
export function lastLine(lines: readonly string[]): string {
  return lines.map(plainLine).findLast((line) => line !== '') ?? 'nothing';
}

/** The error for a disk that does not hold the proof, whatever the tool said. */
export function unproven(noncePath: string, evidence: InstallEvidence): PcloudError {
  const known = signOf(evidence);
  if (known !== undefined) return failure(known.sign.code, known.line, known.sign.hint, evidence);
  return failure(
    'build-unproven',
    `it did not come to its end, whatever its tool said: the disk does not hold what the kickstart's last script writes (${noncePath}); last console line: ${lastLine(evidence.consoleTail)}`,
    'Was its machine ended from outside, or did a script of the kickstart fail?',
    evidence,
  );
}

/** The last line that says what is wrong, if any does. */
function signOf(evidence: InstallEvidence): { readonly sign: Sign; readonly line: string } | undefined {
  const lines = [...evidence.consoleTail, ...evidence.toolTail].map(plainLine);
  for (const sign of signs) {
    const line = lines.findLast((one) => sign.pattern.test(one));
    if (line !== undefined) return { sign, line };
  }
  return undefined;
}

/** The error for an install that its tool gave up, or whose machine the tool lost. */
export function toolFailed(how: string, evidence: InstallEvidence): PcloudError {
  const known = signOf(evidence);
  if (known !== undefined)
    return failure(known.sign.code, `${how}: ${known.line}`, known.sign.hint, evidence);
  const said = evidence.toolTail.map(plainLine).findLast((line) => /error|exception|fail/i.test(line));
  return failure(
    'install-failed',
    `${how}: ${said ?? lastLine(evidence.toolTail)}`,
    'The log, the console and the last screen tell more.',
    evidence,
  );
}

/** The error for a verdict of the watch. */
export function verdictFailed(
  verdict: Exclude<ActivityVerdict, { kind: 'working' }>,
  evidence: InstallEvidence,
): PcloudError {
  const seconds = Math.round(verdict.forMs / 1000);
  const seen =
    verdict.kind === 'idle'
      ? `no disk or CPU activity for ${seconds} s`
      : `busy without disk, network or output for ${seconds} s`;
  const sign = signs.find(({ pattern }) =>
    evidence.consoleTail.some((line) => pattern.test(plainLine(line))),
  );
  return failure(
    sign?.code ?? 'install-inactive',
    `it was given up: ${seen}; last console line: ${lastLine(evidence.consoleTail)}`,
    sign?.hint ??
      'It may have asked a question that the kickstart does not answer: look at the last screen and the console.',
    evidence,
  );
}

/** The machine stands still because its disk cannot be written on the host. */
export function machinePaused(evidence: InstallEvidence): PcloudError {
  return failure(
    'install-paused',
    'its machine was paused by an I/O error on its disk: No space left on device, or the disk under it is broken',
    'Make room in the file system of the image directory, then ask for the image again.',
    evidence,
  );
}

/** The error for a kernel of the installer that has said its last word: nothing follows, whatever the CPU does. */
export function installPanicked(evidence: InstallEvidence): PcloudError {
  return toolFailed('the machine is of no more use', evidence);
}

function failure(code: string, what: string, hint: string, evidence: InstallEvidence): PcloudError {
  return new PcloudError({
    code,
    category: 'failed',
    message: `The install of ${evidence.title} failed: ${what}.`,
    hint: `${hint} The whole log is in ${evidence.logPath}.`,
    facts: { logPath: evidence.logPath },
  });
}
