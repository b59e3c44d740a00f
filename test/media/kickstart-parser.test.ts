/**
 * The synthetic installer's parser, run by the same awk as in the installer: it takes our own kickstarts for their
 * releases, and refuses what pykickstart refuses, in its words.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { commandTable, requiredCommands } from './kickstart-commands.ts';
import { brokenKickstart, type KickstartFault } from './kickstart-faults.ts';
import { mediaPackages } from './packages.ts';
import { mediaRelease, type MediaReleaseName } from './releases.ts';

const golden = path.join(import.meta.dirname, '../golden/render');
const parser = path.join(import.meta.dirname, 'installer/kickstart.awk');
const releases: readonly MediaReleaseName[] = ['F14', 'F15', 'F16', 'RHEL6', 'F44', 'Alma9'];

type Parsed = {
  readonly error: string | undefined;
  /** Line number, command and its words, each line. */
  readonly commands: readonly (readonly string[])[];
  readonly packages: readonly string[];
  /** Settings and text of each section with a script. */
  readonly scripts: readonly { readonly settings: string; readonly body: string }[];
};

function parse(name: MediaReleaseName, kickstart: string): Parsed {
  const directory = mkdtempSync(path.join(tmpdir(), 'ks-'));
  const read = (file: string): string => readFileSync(path.join(directory, file), 'utf8');
  try {
    writeFileSync(path.join(directory, 'table'), commandTable(mediaRelease(name)));
    writeFileSync(path.join(directory, 'ks.cfg'), kickstart);
    const variables = ['-v', `OUT=${directory}`, '-v', `COMMANDS=${directory}/table`];
    const { status, stderr } = spawnSync(
      '/bin/busybox',
      ['awk', ...variables, '-f', parser, path.join(directory, 'ks.cfg')],
      { timeout: 20_000 },
    );
    const error = existsSync(path.join(directory, 'error')) ? read('error') : undefined;
    assert.equal(status === 0, error === undefined, stderr.toString());
    const lines = (file: string): readonly string[] => read(file).split('\n').slice(0, -1);
    const count = lines('scripts').length;
    return {
      error,
      commands: lines('commands').map((line) => line.split('\t')),
      packages: lines('packages'),
      scripts: Array.from({ length: error === undefined ? count : 0 }, (_, index) => ({
        settings: read(`script.${index + 1}.conf`),
        body: read(`script.${index + 1}`),
      })),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function rendered(name: MediaReleaseName, kind = 'jeos'): string {
  return readFileSync(path.join(golden, `${name}-${kind}.ks`), 'utf8');
}

for (const name of releases) {
  test(`${name}: what we render is read without a question`, () => {
    const text = rendered(name);
    const parsed = parse(name, text);
    assert.equal(parsed.error, undefined);
    const commands = parsed.commands.map((words) => words[1]);
    for (const wanted of requiredCommands(mediaRelease(name)))
      assert.ok(
        wanted.split('|').some((one) => commands.includes(one)),
        wanted,
      );
    // The script as it stands in the kickstart, to the byte: nothing of it is expanded or lost.
    const body = /^%post.*\n([\s\S]*?)^%end$/m.exec(text)?.[1];
    assert.deepEqual(
      parsed.scripts.map((script) => script.body),
      [body],
    );
  });

  test(`${name}: the media hold every package that our kickstarts ask for`, () => {
    const release = mediaRelease(name);
    const there = mediaPackages(release).map((toy) => toy.name);
    const parsed = parse(name, rendered(name, 'httpd'));
    assert.ok(parsed.packages.includes('httpd'));
    for (const word of parsed.packages.filter((one) => !/^[-@]/.test(one)))
      assert.ok(there.includes(word), word);
  });
}

test('words are parted as a shell parts them, and nothing is expanded', () => {
  const parsed = parse(
    'F14',
    `bootloader --location=mbr --append="console=tty0 quiet=\\"x y\\"" # not this\nrootpw --iscrypted '$6$a*b'\n`,
  );
  assert.deepEqual(parsed.commands, [
    ['1', 'bootloader', '--location=mbr', '--append=console=tty0 quiet="x y"'],
    ['2', 'rootpw', '--iscrypted', '$6$a*b'],
  ]);
  assert.deepEqual(parse('F14', 'url --url http://mirror.invalid/os\n').commands, [
    ['1', 'url', '--url=http://mirror.invalid/os'],
  ]);
});

test('what a script’s section says of itself is kept', () => {
  const parsed = parse(
    'F14',
    '%pre\n%end\n%post --nochroot --erroronfail --log=/root/log\necho %packages\n%end\n',
  );
  assert.deepEqual(
    parsed.scripts.map((script) => script.settings),
    ["kind='pre'\nline='1'\n", "kind='post'\nline='3'\nnochroot='1'\nerroronfail='1'\nlog='/root/log'\n"],
  );
  assert.equal(parsed.scripts[1]?.body, 'echo %packages\n');
});

const refusals: readonly (readonly [MediaReleaseName, string, RegExp])[] = [
  ['F14', 'frobnicate\n', /on line 1 .*\n\nUnknown command: frobnicate\n/],
  ['F14', 'lang en\nautopart --type=plain\n', /on line 2 .*\n\nno such option: --type\n/],
  ['RHEL6', 'text\nreqpart\n', /on line 2 .*Unknown command: reqpart/s],
  ['F16', 'unsupported_hardware\n', /Unknown command: unsupported_hardware/],
  ['F44', 'install\n', /Unknown command: install/],
  ['F44', '%packages --nobase\n%end\n', /no such option: --nobase/],
  ['F14', 'part / --size\n', /--size option requires an argument/],
  ['F14', 'zerombr "yes\n', /No closing quotation/],
  ['F14', 'text\n%packages\nfoo\n', /on line 2 .*Section %packages does not end with %end/s],
  ['F14', '%packages\nfoo\n%post\n%end\n', /Section %packages does not end with %end/],
  ['F14', '%post\ntrue\n', /Section %post does not end with %end/],
  ['F14', '%frob\n%end\n', /Unknown section: %frob/],
];
for (const [name, kickstart, words] of refusals) {
  test(`${name} refuses ${JSON.stringify(kickstart)}`, () => {
    assert.match(parse(name, kickstart).error ?? 'no error', words);
  });
}

test('a fault that concerns the parser stops it, every other passes on to the installer', () => {
  const atParser: readonly KickstartFault[] = ['unknown-command', 'unknown-option', 'missing-end'];
  const later: readonly KickstartFault[] = [
    ...(['question', 'missing-package', 'blank-disk-question', 'no-biosboot'] as const),
    ...(['partition-too-large', 'disk-full-in-guest', 'post-fails', 'no-ending'] as const),
  ];
  const text = rendered('F16');
  for (const fault of atParser)
    assert.notEqual(parse('F16', brokenKickstart(text, fault)).error, undefined, fault);
  for (const fault of later) assert.equal(parse('F16', brokenKickstart(text, fault)).error, undefined, fault);
});

test('a fault that a kickstart cannot have is said, and not passed over', () => {
  assert.throws(() => brokenKickstart(rendered('F14'), 'no-biosboot'), /no-biosboot/);
});
