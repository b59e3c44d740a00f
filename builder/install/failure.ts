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

/**
 * What the installer says, in the order in which it is believed: of the machine's console first, which is nearer
 * to the cause, then of the tool, which repeats some of it (oz on Fedora 14 to 16). Text screens break their lines
 * anywhere between words, so a pattern is a few words that are enough.
 */
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
  {
    pattern: /Kernel panic/i,
    code: 'installer-panicked',
    hint: 'Has the machine enough memory (installMemoryMiB in the release file), and is the medium one of this architecture?',
  },
  {
    pattern:
      /problem occurred on line \d+|problem reading from line \d+ of the kickstart|Unknown command:|Section \S+ does not end with %end/i,
    code: 'kickstart-error',
    hint: 'Show the kickstart with `pcloud-builder render kickstart RELEASE ARCH`, correct its template in kickstarts/, and ask for the image again.',
  },
  {
    pattern: /error running the kickstart script|Error code -?\d+ running the kickstart script/i,
    code: 'kickstart-script-failed',
    hint: 'The console has what the script said. Correct it in kickstarts/, and ask for the image again.',
  },
  {
    pattern:
      /(?:package|group) '?[^\s']+'? (?:should be|does not exist)|This (?:package|group) does not exist|missing (?:packages?|dependencies)\b|no package named|No match for(?: argument)?:|marked for installation has errors/i,
    code: 'package-missing',
    hint: 'Correct the package in the release file or the resource template, or add a medium that has it.',
  },
  {
    // "Creating biosboot on /dev/vda1" is none of them: so it goes where all is well.
    pattern:
      /needs a special partition|create a 1 ?Mi?B '(?:BIOS Boot|biosboot)'|not created a (?:bootable partition|boot ?loader stage1)|No valid boot ?loader target/i,
    code: 'partitioning-refused',
    hint: 'This release needs other partitions: see `part` lines in its kickstart template.',
  },
  {
    pattern:
      /No space left on device|not (?:have |find )?enough (?:free |disk )*space|do not have enough available|need more space on the following/i,
    code: 'guest-disk-full',
    hint: 'Raise diskSizeMiB in the release file.',
  },
  {
    // The first two are older ones for any file, also an install tree's; dracut of newer releases has the third.
    pattern:
      /Unable to (?:read package metadata|download|retrieve)|Error downloading|anaconda: failed to fetch|Failed to download the following packages|Error setting up repositories|Could ?n(?:o|')t (?:connect|resolve)|No route to host|Connection (?:refused|timed out|reset)/i,
    code: 'medium-unreachable',
    hint: 'Check that the install tree answers (`media_verify RELEASE`), then ask for the image again.',
  },
];

/** What the tool says of itself and of this host. */
const toolSigns: readonly Sign[] = [
  {
    pattern: /supermin exited with error/,
    code: 'guestfs-unusable',
    hint: "oz opens an ISO by libguestfs, which needs a kernel of this host in /boot (or SUPERMIN_KERNEL and SUPERMIN_MODULES in the builder's environment); F16 it opens so from a tree as well. Or install by --engine virt-install.",
  },
  {
    pattern: /^\S*(?:OSError|IOError): \[Errno 28\]|Not enough room on \S+/,
    code: 'disk-full',
    hint: 'Make room in the file system of the image directory (or set PCLOUD_STATE_DIR to a larger one), then ask for the image again.',
  },
  {
    pattern:
      /Could not reach \S+ to fetch boot media|Could not find an installable distribution|Couldn't acquire file|Cannot access install tree/,
    code: 'medium-unreachable',
    hint: 'Check that the install tree answers (`media_verify RELEASE`), then ask for the image again.',
  },
];

type SeenSign = { readonly sign: Sign; readonly line: string };

/** The first that was seen, with the last line that shows it. */
function firstSign(known: readonly Sign[], lines: readonly string[]): SeenSign | undefined {
  const plain = lines.map(plainLine);
  for (const sign of known) {
    const line = plain.findLast((one) => sign.pattern.test(one));
    if (line !== undefined) return { sign, line };
  }
  return undefined;
}

function installerSign({ consoleTail, toolTail }: InstallEvidence): SeenSign | undefined {
  return firstSign(signs, consoleTail) ?? firstSign(signs, toolTail);
}

const shownLength = 300;

/**
 * Printable, one line, not too long: consoles hold control sequences, and a guest may send what turns a terminal's
 * text around.
 */
export function plainLine(line: string): string {
  return stripVTControlCharacters(line)
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
    .trim()
    .slice(0, shownLength)
    .toWellFormed();
}

/** The last line on the console that says anything. */
export function lastLine(lines: readonly string[]): string {
  return lines.map(plainLine).findLast((line) => line !== '') ?? 'nothing';
}

/** The error for a disk that does not hold the proof, whatever the tool said. */
export function unproven(noncePath: string, evidence: InstallEvidence): PcloudError {
  const seen = installerSign(evidence);
  if (seen !== undefined) return failure(seen.sign.code, seen.line, seen.sign.hint, evidence);
  return failure(
    'build-unproven',
    `it did not come to its end, whatever its tool said: the disk does not hold what the kickstart's last script writes (${noncePath}); last console line: ${lastLine(evidence.consoleTail)}`,
    'Was its machine ended from outside, or did a script of the kickstart fail?',
    evidence,
  );
}

/** The error for an install that its tool gave up, or whose machine the tool lost. */
export function toolFailed(how: string, evidence: InstallEvidence): PcloudError {
  const seen = firstSign(toolSigns, evidence.toolTail) ?? installerSign(evidence);
  if (seen !== undefined) return failure(seen.sign.code, `${how}: ${seen.line}`, seen.sign.hint, evidence);
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
  const what =
    verdict.kind === 'idle'
      ? `no disk or CPU activity for ${seconds} s`
      : `busy without disk, network or output for ${seconds} s`;
  const last = lastLine(evidence.consoleTail);
  const seen = installerSign(evidence);
  const cause = seen === undefined || seen.line === last ? '' : `; before it: ${seen.line}`;
  return failure(
    seen?.sign.code ?? 'install-inactive',
    `it was given up: ${what}; last console line: ${last}${cause}`,
    seen?.sign.hint ??
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

/** The error for a machine that fills the host's disk with words. */
export function consoleFlooded(evidence: InstallEvidence): PcloudError {
  return failure(
    'console-flooded',
    `its machine talks without end; last console line: ${lastLine(evidence.consoleTail)}`,
    'Look at the console for what it repeats.',
    evidence,
  );
}

function failure(code: string, what: string, hint: string, evidence: InstallEvidence): PcloudError {
  return new PcloudError({
    code,
    category: 'failed',
    message: `The install of ${evidence.title} failed: ${what.replace(/[.\s]+$/, '')}.`,
    hint: `${hint} The whole log is in ${evidence.logPath}.`,
    facts: { logPath: evidence.logPath },
  });
}
