/** How far an install is, out of lines that a guest may have written as it likes. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import {
  installerLineProgress,
  onlyForward,
  toolLineProgress,
} from '../../../builder/install/tool-progress.ts';

/** What is said, in the order in which it is said; what it tells. */
const ozOnFedora14: readonly (readonly [string, string | undefined])[] = [
  ['DEBUG:oz.Guest.FedoraGuest:Fetching the original media', undefined],
  ['DEBUG:oz.Guest.FedoraGuest:30720kB of 204800kB', 'Fetching the install medium'],
  ['INFO:oz.Guest.FedoraGuest:Generating new ISO', 'Making the install medium'],
  [
    'INFO:oz.Guest.FedoraGuest: 92.35% done, estimate finish Fri Nov 27 03:49:01 2026',
    'Making the install medium',
  ],
  ['INFO:oz.Guest.FedoraGuest:Running install for pcloud-build-0123', 'The machine starts'],
  ['DEBUG:oz.Guest.FedoraGuest:Waiting for pcloud-build-0123 to finish installing, 259200/259200', undefined],
  ['07:17:20,340 INFO anaconda: moving (1) to step setuptime', 'The installer: setuptime'],
  [
    '07:17:20,340 INFO anaconda: moving (1) to step autopartitionexecute',
    'The installer: autopartitionexecute',
  ],
  ['07:17:21,119 INFO anaconda: moving (1) to step enablefilesystems', 'The installer: enablefilesystems'],
  ['07:17:26,902 INFO anaconda: moving (1) to step installpackages', 'The installer: installpackages'],
  ['Packages completed: 20 of 200', 'Installing packages (20 of 200)'],
  ['Packages completed: 200 of 200', 'Installing packages (200 of 200)'],
  ['07:20:01,340 INFO anaconda: moving (1) to step instbootloader', 'The installer: instbootloader'],
  ['07:20:02,340 INFO anaconda: moving (1) to step postscripts', 'The installer: postscripts'],
  ['07:20:03,340 INFO anaconda: moving (1) to step dopostaction', 'The installer: dopostaction'],
  ['07:20:03,341 INFO anaconda: moving (1) to step complete', 'The installer: complete'],
];

const newAnaconda: readonly (readonly [string, string | undefined])[] = [
  ['Starting install...', 'The machine starts'],
  ['Retrieving vmlinuz...                                      |  11 MB  00:00', undefined],
  ['Starting installer, one moment...', 'The installer starts'],
  ['Creating disklabel on /dev/vda', 'Making file systems'],
  ['Preparing transaction from installation source', 'Installing packages'],
  ['Installing bash.x86_64 (12/321)', 'Installing packages (12 of 321)'],
  ['Installing boot loader', 'Installing the boot loader'],
  ['Running post-installation scripts', 'Running the scripts of the kickstart'],
  ['[  311.004221] reboot: Power down', 'The machine ends'],
];

for (const [name, lines] of Object.entries({
  'oz and Fedora 14': ozOnFedora14,
  'newer anaconda': newAnaconda,
}))
  test(`an install by ${name} goes forward line by line`, () => {
    let reached = 0;
    for (const [line, title] of lines) {
      const progress = toolLineProgress(line);
      assert.equal(progress?.title, title, line);
      if (progress === undefined) continue;
      assert.ok(progress.fraction >= reached, `${line}: ${progress.fraction} after ${reached}`);
      reached = progress.fraction;
    }
    assert.ok(reached >= 0.9);
  });

/** What a hostile guest, or a tool in trouble, may say. */
const nasty: readonly string[] = [
  'moving (1) to step constructor',
  'moving (1) to step __proto__',
  'moving (1) to step toString',
  'x..% done',
  '1.2.3% done',
  '1e99% done',
  '-7% done',
  '0kB of 0kB',
  `${'9'.repeat(400)}kB of ${'9'.repeat(400)}kB`,
  `Installing x (${'9'.repeat(400)}/${'9'.repeat(400)})`,
  'Installing x (7/0)',
  'Installing x (900/3)',
  'Packages completed: 9 of 3',
  `Packages completed: ${'1'.repeat(4000)} of 3`,
];
const words = fc.constantFrom(
  'moving (1) to step ',
  'installpackages',
  'Installing ',
  '% done',
  'kB of ',
  'kB',
  ' (',
  '/',
  ')',
  'Packages completed: ',
  ' of ',
  'Rebooting',
  '\u001b[2J',
  '\u0000',
);
const lineArbitrary = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(...nasty),
  fc
    .array(fc.oneof(words, fc.integer().map(String), fc.double().map(String), fc.string({ maxLength: 5 })))
    .map((parts) => parts.join('')),
);

test('no line makes progress leave its bounds, or its words too long for a report', () => {
  fc.assert(
    fc.property(lineArbitrary, (line) => {
      for (const progress of [toolLineProgress(line), installerLineProgress(line)]) {
        if (progress === undefined) continue;
        assert.ok(progress.fraction >= 0 && progress.fraction <= 1, `${line}: ${progress.fraction}`);
        assert.ok(progress.title.length >= 1 && progress.title.length <= 200, line);
      }
    }),
    { numRuns: 2000 },
  );
  // Each of them for sure.
  for (const line of nasty) {
    const { fraction, title } = toolLineProgress(line) ?? { fraction: 0, title: 'x' };
    assert.ok(fraction >= 0 && fraction <= 1 && title.length <= 200, line);
  }
});

test('what is reported only ever grows, and a flood of lines is not a flood of reports', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (fractions) => {
      const seen: number[] = [];
      const report = onlyForward((fraction) => seen.push(fraction));
      for (const fraction of fractions) report(fraction, 'x');
      assert.ok(seen.every((fraction, index) => index === 0 || fraction > (seen[index - 1] ?? 1)));
    }),
  );
  let reports = 0;
  const report = onlyForward(() => (reports += 1));
  for (let index = 0; index < 100_000; index += 1) report(index / 100_000, 'x');
  assert.ok(reports > 500 && reports <= 1001, String(reports));
});

test('the first report is passed on, also of nothing done yet', () => {
  const seen: [number, string][] = [];
  const report = onlyForward((...progress) => seen.push(progress));
  report(0, 'a');
  report(0, 'b');
  report(0.5, 'c');
  report(0.2, 'd');
  assert.deepEqual(seen, [
    [0, 'a'],
    [0.5, 'c'],
  ]);
});
