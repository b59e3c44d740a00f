/**
 * Bad input as an operator types it, against the real services on a stack of its own, with one deployable
 * really started: each line is refused with what is wrong and what to do instead, with the right exit code,
 * and changes nothing. Services that are away, full disks and hostile bytes are in `bad-input-*.test.ts`
 * beside; builds that are killed or run out of disk, in `builder-*.test.ts`.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cpedClient } from '../../runtime/client.ts';
import { clientEnvironment, downStack, layoutOfThisCheckout, upStack } from '../../tools/stack/stack.ts';
import { writeSampleImages } from './bad-input-images.ts';
import { assertRefused, listsOf, mustWork, pcloudsh, stateSeen } from './bad-input-shell.ts';
import type { BadRow } from './bad-input-shell.ts';

const base = mkdtempSync('/tmp/pcloud-bad-');
const layout = layoutOfThisCheckout(path.join(base, 'state'));
const environment = clientEnvironment(layout);
const quiet = (): void => {};
const bootLimitMs = 30_000;

before(async () => {
  writeSampleImages(path.join(layout.stateDir, 'images'));
  await upStack(layout, quiet);
  await mustWork(
    environment,
    'assembly_create assy1 debian12 x86_64',
    'assembly_create assy10 debian12 x86_64',
    'assembly_create ruined RHEL6 x86_64',
    'assembly_resource_add web httpd assy1',
    'deployable_create dep1',
    'deployable_create empty',
    'deployable_create broken',
    'deployable_assembly_add dep1 assy1',
    'deployable_assembly_add broken ruined',
    'deployable_start --no-wait dep1',
  );
  await untilPinned('assy1');
  // Of one that has run, a clone has a disk at once.
  await mustWork(environment, 'assembly_clone assy1 copy');
});

after(async () => {
  await downStack(layout, quiet);
  rmSync(base, { recursive: true, force: true });
});

/** Its machine runs then; the state stays as it is, for a blank disk boots for as long as it is let. */
async function untilPinned(assembly: string): Promise<void> {
  const client = cpedClient(layout.cpedSocket);
  const deadlineMs = performance.now() + bootLimitMs;
  while (!(await stateSeen(layout)).includes(`pcloud-${assembly}   running`)) {
    assert.ok(performance.now() < deadlineMs, JSON.stringify(await client.assembly(assembly)));
    await delay(100);
  }
}

const nameRule = /letters, digits, ".", "_" and "-".*at most 63/;
const long = 'a'.repeat(300);

/** Each name with the rule that it breaks, for the commands that make something. */
const badNames: readonly (readonly [title: string, name: string, rule: RegExp])[] = [
  ['with a space', 'a b', /contains a space/],
  ['with a slash', '../etc/passwd', /contains a slash/],
  ['with a newline', 'a\nassembly_delete assy1', /contains a line break/],
  ['of 300 characters', long, /300 characters, the limit is 63/],
  ['with an escape sequence', 'a\u001b[2Jb', /not allowed/],
  ['that is a shell command', '$(reboot)', /not allowed/],
  ['of a prototype', '__proto__', /not allowed/],
  ['that is empty', '', /it is empty/],
  ['that reads backwards', 'a\u202eb', /not allowed/],
];

const makers: readonly (readonly [what: string, words: (name: string) => readonly string[]])[] = [
  ['assembly', (name) => ['assembly_create', name, 'debian12', 'x86_64']],
  ['clone', (name) => ['assembly_clone', 'assy10', name]],
  ['resource', (name) => ['assembly_resource_add', name, 'httpd', 'assy10']],
  ['deployable', (name) => ['deployable_create', name]],
];

/** Every bad name once, the makers in turn: which command checks it makes no difference to the check. */
const nameRows: readonly BadRow[] = badNames.flatMap(([title, name, message], index) => {
  const [what, words] = makers[index % makers.length] ?? makers[0] ?? ['', () => []];
  return [
    { title: `a ${what} named by a word ${title}`, words: words(name), code: 2, message, hint: nameRule },
  ];
});

function row(line: string, code: 1 | 2, message: RegExp, hint: RegExp, title = line): BadRow {
  return { title, words: line.split(' '), code, message, hint };
}

const definitionRows: readonly BadRow[] = [
  row('jeos_create debain12 x86_64', 2, /no release "debain12"/, /Did you mean "debian12"\?.*F14/),
  row('jeos_create debian12 sparc', 2, /"sparc"/, /x86_64/),
  row('jeos_delete F14 x86_64 --yes', 1, /no JEOS F14 x86_64/, /jeos_list/),
  row('assembly_create new F13 x86_64', 2, /no release "F13"/, /Known releases/),
  row('assembly_create new debian12 i386', 2, /"i386"/, /x86_64/),
  row('assembly_create new F14 x86_64', 1, /JEOS image F14 x86_64 is not built/, /`jeos_create F14 x86_64`/),
  row('assembly_resource_add r htpd assy10', 2, /no resource template "htpd"/, /Did you mean "httpd"/),
  row('assembly_resource_add r qpidd assy10', 2, /"qpidd".*debian/, /fedora, rhel/),
  row('assembly_create -x debian12 x86_64', 2, /names do not begin with a dash/, /Usage: assembly_create/),
  row('assembly_create -- -x debian12 x86_64', 2, /starts with a dash/, nameRule),
  row('assembly_create -- debian12 x86_64', 2, /ARCH is missing/, /Usage/),
  row('assembly_create new debian12', 2, /ARCH is missing/, /Usage/),
  row('assembly_create new debian12 x86_64 more', 2, /"more" is one word too many/, /Usage/),
  row('assembly_delete assy --yes', 1, /no assembly "assy"/, /Did you mean assy1/, "another's prefix"),
  row(
    'assembly_delete assy100 --yes',
    1,
    /no assembly "assy100"/,
    /Did you mean/,
    'a name that others are prefixes of',
  ),
  row('deployable_status dep', 1, /no deployable "dep"/, /Did you mean dep1|deployable_list/),
  row('deployable_start nowhere', 1, /no deployable "nowhere"/, /deployable_list/),
  row('deployable_assembly_add dep2 assy10', 1, /no deployable "dep2"/, /Did you mean dep1/),
  row('deployable_assembly_add empty assy2', 1, /no assembly "assy2"/, /Did you mean assy1/),
  row(
    'deployable_assembly_remove empty assy10',
    1,
    /assy10.*not.* in .*empty/,
    /deployable_assembly_list|deployable_assembly_add/,
  ),
  row(
    'assembly_resource_remove none assy1',
    1,
    /no resource "none" in assembly assy1/,
    /assembly_resource_list/,
  ),
  row('assembly_clone none new', 1, /no assembly "none"/, /assembly_list/),
  row('assembly_create assy1 debian12 x86_64', 1, /assembly assy1 already/, /another name/),
  row('assembly_clone assy1 assy10', 1, /assembly assy10 already/, /another name/),
  row('assembly_clone assy1 assy1', 1, /assembly assy1 already/, /another name/),
  row('deployable_create dep1', 1, /deployable dep1 already/, /another name/),
  row('assembly_resource_add web httpd assy1', 1, /resource web in assembly assy1 already/, /another name/),
  row('escalation_assembly_set assy1 0 1h', 2, /number from 1 to 10000/, /Usage/),
  row('escalation_resource_set none assy1 3 1h', 1, /no resource "none"/, /assembly_resource_list/),
  row('escalation_deployable_set dep1 3', 2, /PERIOD is missing/, /never/),
  row('assembly_depends_set assy1 assy1', 1, /assy1 → assy1/, /Nothing can wait for itself/),
  row('assembly_depends_set assy1 asy10', 1, /no assembly "asy10"/, /Did you mean assy10/),
  row('resource_depends_set web assy1 web assy1', 1, /assy1\/web → assy1\/web/, /wait for itself/),
  row('resource_parameter_set web assy1 A @assy10', 2, /"@assy10" refers to nothing/, /@ASSEMBLY:address/),
  row('resource_parameter_set web assy1 A-B x', 2, /"A-B" cannot be the name/, /62 characters/),
  row('resource_parameter_set web assy1 A @assy10:port/81', 1, /@assy10:port\/81/, /port\/22/),
  row('maintenance_set nowhere', 1, /no deployable and no assembly "nowhere"/, /deployable_status/),
  row('maintenance_set a/b/c', 2, /"a\/b\/c" is no target/, /resource:assy1\/httpdone/),
  row('maintenance_set assy1 --for 367d', 2, /--for must be a time up to 366 days/, /Usage/),
  row('maintenance_clear assy1', 1, /No maintenance is set on assembly:assy1/, /maintenance_list/),
  row('start_limit_set 0', 2, /number from 1 to 1000 or "default"/, /Usage/),
  row('deployable_create new libvirt me xx', 2, /am\|pm must be am/, /Usage/),
  row('build_show 0000000', 1, /No build of an image 0000000 is known/, /build_list/),
  row('build_log 0000000 -f', 1, /No build of an image 0000000 is known/, /build_list/),
  row('build_retry 0000000', 1, /No build of an image 0000000 is known/, /build_list/),
  row('build_cancel 0000000', 1, /No build of an image 0000000 is known/, /build_list/),
  row('build_log ../../etc/passwd', 2, /not the digest of a build/, /6 to 64 digits/),
  row('build_show 3F9A0C11', 2, /not the digest of a build/, /build_list/),
  row('build_log 0000000 --folow', 2, /no option "--folow"/, /Did you mean --follow/),
  row('no_such_command', 2, /no command "no_such_command"/, /help/),
  row('assembly_lst', 2, /no command "assembly_lst"/, /Did you mean assembly_list/),
];

const mediaRows: readonly BadRow[] = [
  row('media_add F99 /x.iso', 2, /no release "F99"/, /Known releases/),
  row('media_add debian12 /x.iso', 2, /debian12 needs no install medium/, /installed from media: .*F14/),
  row('media_add F14', 2, /SOURCE is missing/, /Usage: media_add RELEASE SOURCE/),
  row('media_add F14 /nowhere/x.iso', 2, /"\/nowhere\/x\.iso".*no such file/, /host of pcloud-builder/),
  row('media_add F14 /', 2, /directory without a \.treeinfo/, /ISO image/),
  row('media_add F14 /dev/null', 2, /it is a device/, /dd if=/),
  row('media_add F14 /etc/passwd', 2, /not an ISO 9660 image/, /ISO image/),
  row('media_add F14 /proc/self/exe', 2, /symbolic link/, /readlink -f/),
  row('media_add F14 ftp://archive.example/x.iso', 2, /ftp:.*only http and https/, /ISO image/),
  row('media_add F14 http://me:secret@archive.example/x.iso', 2, /name or password/, /Download it yourself/),
  row('media_add F14 http://archive.example/x.iso --sha256 abc', 2, /"abc" is not a sha256/, /sha256sum/),
  row('media_add F14 http://archive.example/x.iso --sha256', 2, /--sha256 needs a value/, /Usage: media_add/),
  row('media_add F14 http://archive.example/os/?token=x', 2, /cannot have a query/, /ISO image/),
  {
    ...row('media_add F14 x', 2, /it is empty/, /ISO image/, 'an empty source'),
    words: ['media_add', 'F14', ''],
  },
  {
    ...row('media_add F14 x', 2, /control character/, /ISO image/, 'a source with a line break'),
    words: ['media_add', 'F14', '/x\nmedia_remove F14'],
  },
  {
    ...row('media_add F14 x', 2, /the limit is 2048/, /ISO image/, 'a source of 3000 characters'),
    words: ['media_add', 'F14', `/${'a'.repeat(3000)}`],
  },
  row('media_verify F13', 2, /no release "F13"/, /Did you mean/),
  row('media_verify debian12', 2, /debian12 needs no install medium/, /installed from media/),
  row('media_remove F14 --yes', 1, /nothing to remove for F14/, /media_list/),
  row('media_list F14', 2, /"F14" is one word too many/, /Usage: media_list/),
];

const runningRows: readonly BadRow[] = [
  row('deployable_start dep1', 1, /dep1 is started already/, /deployable_reload dep1/, 'starting twice'),
  row(
    'deployable_delete dep1 --yes',
    1,
    /dep1 is running/,
    /`deployable_stop dep1`/,
    'deleting what is running',
  ),
  row(
    'assembly_delete assy1 --yes',
    1,
    /assy1 is in deployable dep1/,
    /deployable_stop dep1.*deployable_assembly_remove dep1 assy1/,
  ),
  row('deployable_assembly_remove dep1 assy1', 1, /dep1 is running/, /`deployable_stop dep1`/),
  row('assembly_renew assy1 --yes', 1, /assy1 is running/, /`deployable_stop dep1`/),
  row('assembly_network_add assy1 br0', 2, /cannot be attached to "br0"/, /bridge:NAME/),
  row(
    'assembly_network_add assy1 bridge:br0 --mac 01:00:5e:00:00:01',
    2,
    /hardware address "01:00:5e:00:00:01"/,
    /52:54:00/,
    'the address of a group',
  ),
  row('assembly_network_remove assy1 bridge:br0', 1, /not attached to the bridge br0/, /no further network/),
  row(
    'deployable_assembly_add empty assy1',
    1,
    /assy1 is in deployable dep1.*one only/,
    /deployable_assembly_remove dep1 assy1/,
  ),
  row(
    'assembly_resource_add db mysqld assy1',
    1,
    /lacks what mysqld needs \(mariadb-server\)/,
    /assembly_renew assy1.*assembly_create NAME debian12 x86_64/,
    'a resource that the disk in use lacks the package of',
  ),
  row(
    'assembly_resource_add db mysqld copy',
    1,
    /lacks what mysqld needs \(mariadb-server\)/,
    /assembly_create NAME/,
    'the same for a clone of what has run',
  ),
  row(
    'jeos_delete debian12 x86_64',
    1,
    /cannot be deleted.*assy1, assy10/,
    /assembly_delete assy1/,
    'deleting an image in use',
  ),
  row('deployable_start empty', 1, /empty has no assembly/, /deployable_assembly_add empty/),
  row('deployable_stop empty', 1, /empty is not started/, /deployable_start empty/),
  row('deployable_reload empty', 1, /empty is not started/, /deployable_start empty/),
  row('assembly_ssh assy10', 1, /never started/, /deployable_assembly_add/),
];

const imageRows: readonly BadRow[] = [
  row(
    'assembly_create new F15 x86_64',
    1,
    /manifest\.json cannot be used: it is not complete JSON/,
    /jeos_create/,
    'a truncated manifest',
  ),
  row(
    'assembly_create new F16 x86_64',
    1,
    /has version 99; .*understands up to 2/,
    /Upgrade.*jeos_create F16 x86_64/,
    'a manifest of a newer version',
  ),
  row(
    'deployable_start broken',
    1,
    /image RHEL6 x86_64 .* is damaged: the checksum of .*disk\.qcow2 is not the one in its manifest/,
    /jeos_create RHEL6 x86_64/,
    'a disk that does not match its sha256',
  ),
];

let seen: string | undefined;
for (const bad of [...runningRows, ...nameRows, ...definitionRows, ...mediaRows, ...imageRows])
  test(`${bad.title}: refused, and nothing is changed`, async () => {
    seen ??= await stateSeen(layout);
    const told = await pcloudsh(environment, bad.words);
    assertRefused(bad, told);
    assert.equal(told.stdout, '');
    assert.equal(await stateSeen(layout), seen);
  });

test('the lists are what they were, in the words for scripts too', async () => {
  const lists = await listsOf(layout);
  for (const bad of [...runningRows, ...imageRows]) await pcloudsh(environment, bad.words);
  assert.equal(await listsOf(layout), lists);
  assert.match(lists, /"assy10"/);
});

test('a JEOS whose manifest is damaged can be deleted, after which it is simply not built', async () => {
  await mustWork(environment, 'jeos_delete F15 x86_64 --yes');
  const told = await pcloudsh(environment, ['assembly_create', 'new', 'F15', 'x86_64']);
  assert.match(told.stderr, /F15 x86_64 is not built yet/);
  assert.doesNotMatch(await listsOf(layout), /F15/);
});
