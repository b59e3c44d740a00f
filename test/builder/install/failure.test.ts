/**
 * Why an install failed, in words for people. The lines are those of anaconda 13.21 (RHEL 6), 14.22, 15.31 and
 * 16.25 (Fedora), of newer ones, of oz 0.17 and of virt-install 4.1, broken where a text screen breaks them.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import {
  installPanicked,
  lastLine,
  machinePaused,
  plainLine,
  toolFailed,
  verdictFailed,
} from '../../../builder/install/failure.ts';
import type { InstallEvidence } from '../../../builder/install/failure.ts';

function evidence(consoleTail: readonly string[], toolTail: readonly string[] = []): InstallEvidence {
  return { title: 'F14 x86_64', consoleTail, toolTail, logPath: '/var/lib/x/build.log' };
}

const how = 'the tool ended with exit code 1';

const onConsole: Readonly<Record<string, readonly string[]>> = {
  'installer-panicked': [
    'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)',
    '[    3.141592] Kernel panic - not syncing: System is deadlocked on memory',
  ],
  'kickstart-error': [
    'The following problem occurred on line 12 of the kickstart file:',
    'There was a problem reading from line 12 of the kickstart file',
    'Unknown command: frewall',
    'Section %packages does not end with %end.',
  ],
  'kickstart-script-failed': [
    'There was an error running the kickstart script at line 40.  You may examine the',
    '07:17:20,340 ERROR anaconda: Error code 3 running the kickstart script at line 40',
  ],
  'package-missing': [
    "You have specified that the package 'nonesuch' should be installed.  This package",
    'installed.  This package does not exist. Would you like to continue or abort this',
    "You have specified that the group 'core' should be installed. This group does not",
    'install are missing dependencies.  You can exit the installation, go back and',
    'No match for argument: nonesuch',
    'The following software marked for installation has errors.',
  ],
  'partitioning-refused': [
    "Your BIOS-based system needs a special partition to boot with Fedora's new disk",
    "please create a 1MB 'BIOS Boot' type partition.",
    "To continue, please create a 1MiB 'biosboot' type partition.",
    'You have not created a bootable partition.',
    'you have not created a bootloader stage1 target device',
    'No valid boot loader target device found. See below for details.',
  ],
  'guest-disk-full': [
    'tar: write error: No space left on device',
    'Could not find enough free space for automatic partitioning.  Press OK to exit.',
    'not enough free space on disks',
    'of free space for installation, but you do not have enough available.  You can',
    'You need more space on the following file systems:',
    'Not enough space in file systems for the current software selection.',
    'Not enough disk space to download the packages; size 1.2 GiB.',
  ],
  'medium-unreachable': [
    'Unable to read package metadata from repository.  This may be due to a missing',
    'Unable to retrieve http://10.0.2.2:8080/f14/images/install.img.',
    'Unable to retrieve the install image.',
    'Error downloading kickstart file',
    'dracut-initqueue[512]: Warning: anaconda: failed to fetch stage2 from http://x/',
    "curl: (7) Couldn't connect to server",
    'curl: (6) Could not resolve host: mirror.example',
    'Failed to download the following packages: bash-5',
    'Error setting up repositories',
  ],
};

for (const [code, lines] of Object.entries(onConsole))
  test(`${code} is recognised on the console, and quoted`, () => {
    for (const line of lines) {
      const error = toolFailed(how, evidence(['earlier', line, 'later'], ['ERROR: it failed']));
      assert.equal(error.code, code, line);
      const quoted = line.replace(/\.$/, '');
      assert.equal(error.message, `The install of F14 x86_64 failed: ${how}: ${quoted}.`);
      assert.ok(error.hint?.endsWith('The whole log is in /var/lib/x/build.log.'));
    }
  });

test('what the installer says of a step that goes well is no sign of anything', () => {
  const goingWell = [
    'Creating biosboot on /dev/vda1',
    'bootloader stage1 target device is vda1',
    'Unknown kernel command line parameters "ks=file:/ks.cfg", will be passed to user space.',
    'Installing dracut-config-rescue.x86_64 (7/320)',
    '07:17:20,340 INFO anaconda: moving (1) to step instbootloader',
    'Packages completed: 12 of 200',
  ];
  const error = toolFailed(how, evidence(goingWell, ['Domain is still running.']));
  assert.equal(error.code, 'install-failed');
  assert.equal(error.message, `The install of F14 x86_64 failed: ${how}: Domain is still running.`);
});

const byTool: readonly (readonly [string, string])[] = [
  ['guestfs-unusable', 'RuntimeError: /usr/bin/supermin exited with error status 1.'],
  ['disk-full', 'OSError: [Errno 28] No space left on device'],
  ['disk-full', 'oz.OzException.OzException: Not enough room on /images/oz/data for install media'],
  [
    'medium-unreachable',
    "oz.OzException.OzException: Could not reach http://x/f14/ to fetch boot media: {'HTTP-Code': 0}",
  ],
  [
    'medium-unreachable',
    "ERROR    Error validating install location: Could not find an installable distribution at URL 'http://x/'",
  ],
  ['medium-unreachable', "ERROR    Couldn't acquire file http://x/images/pxeboot/vmlinuz: 404 Client Error"],
];

test('what the tool says of this host is told apart from what the guest says', () => {
  for (const [code, line] of byTool)
    assert.equal(toolFailed(how, evidence(['booting'], ['x', line])).code, code, line);
  // The same words, of the guest's own disk.
  assert.equal(
    toolFailed(how, evidence(['OSError: [Errno 28] No space left on device'])).code,
    'guest-disk-full',
  );
});

test("the installer's own words come before the tool's, also where the tool repeats them", () => {
  const both = evidence(
    ['Unknown command: frewall'],
    ['Connection refused', 'oz.OzException.OzException: Timed out waiting for install to finish'],
  );
  const error = toolFailed(how, both);
  assert.deepEqual(
    [error.code, error.message.endsWith('Unknown command: frewall.')],
    ['kickstart-error', true],
  );
  const repeated = toolFailed(how, evidence([], ['DEBUG:oz: This package does not exist.', 'DEBUG:oz: x']));
  assert.equal(repeated.code, 'package-missing');
});

test('without a sign the last line of the tool that complains is quoted, else its last one', () => {
  const complained = toolFailed(
    how,
    evidence([], ['Traceback:', 'libvirt.libvirtError: internal error', 'bye']),
  );
  assert.match(complained.message, /: libvirt\.libvirtError: internal error\.$/);
  assert.match(toolFailed(how, evidence([], ['one', 'two'])).message, /: two\.$/);
  assert.match(toolFailed(how, evidence([])).message, /: nothing\.$/);
});

test('a machine that does nothing any more is given up with its last words', () => {
  const error = verdictFailed(
    { kind: 'idle', forMs: 300_400 },
    evidence(['Welcome', 'Please make a selection: ']),
  );
  assert.equal(error.code, 'install-inactive');
  assert.equal(
    error.message,
    'The install of F14 x86_64 failed: it was given up: no disk or CPU activity for 300 s; last console line: Please make a selection:.',
  );
  assert.match(error.hint ?? '', /question that the kickstart does not answer/);
});

test('a machine that spins is told from one that sleeps', () => {
  const error = verdictFailed({ kind: 'spinning', forMs: 1_800_000 }, evidence([]));
  assert.match(
    error.message,
    /busy without disk, network or output for 1800 s; last console line: nothing\.$/,
  );
});

test('where the installer told the cause and then waited, the verdict has both', () => {
  const error = verdictFailed(
    { kind: 'idle', forMs: 300_000 },
    evidence(['This package does not exist. Would you like to', '(the installer waits for an answer)']),
  );
  assert.equal(error.code, 'package-missing');
  assert.match(
    error.message,
    /last console line: \(the installer waits for an answer\); before it: This package does not exist\. Would you like to\.$/,
  );
});

test('a panic and a paused machine have words of their own', () => {
  const panic = installPanicked(
    evidence(['[ 1.0] Kernel panic - not syncing: Attempted to kill init!', '---']),
  );
  assert.equal(panic.code, 'installer-panicked');
  assert.match(panic.message, /Attempted to kill init!\.$/);
  const paused = machinePaused(evidence([]));
  assert.equal(paused.code, 'install-paused');
  // By these words the builder looks at how full the disk of the images is.
  assert.match(paused.message, /No space left on device/);
});

test('control sequences, and what would turn the text around it, do not reach a message', () => {
  assert.equal(plainLine('\u001b[2J\u001b[1;1H\u001b[37;44m  Error \u001b[0m'), 'Error');
  assert.equal(plainLine('\u001b]0;title\u0007text\u001b(B'), 'text');
  assert.equal(plainLine('a\u0000b\tc\u007f\u009b'), 'a b c');
  assert.equal(plainLine('safe\u202egnp.exe\u2028next\u200b'), 'safe gnp.exe next');
  assert.equal(plainLine('x'.repeat(5000)).length, 300);
  assert.equal(lastLine(['words', '\u001b[0m', '   ']), 'words');
  assert.equal(lastLine([]), 'nothing');
});

const hostile = fc.array(fc.string({ unit: 'binary', maxLength: 400 }), { maxLength: 5 });

test('whatever a guest says, the message is one line of a bounded length without control characters', () => {
  fc.assert(
    fc.property(hostile, hostile, (consoleTail, toolTail) => {
      const seen = evidence(consoleTail, toolTail);
      for (const error of [
        toolFailed(how, seen),
        verdictFailed({ kind: 'idle', forMs: 300_000 }, seen),
        installPanicked(seen),
      ]) {
        assert.ok(error.message.length < 900, error.message);
        assert.doesNotMatch(error.message, /[\p{Cc}\u2028\u2029]/u);
        assert.ok(error.message.isWellFormed());
      }
    }),
  );
});
