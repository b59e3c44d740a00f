/**
 * The real program as a child process against real servers on Unix sockets: what is asked of the services,
 * what is printed, and with which exit code.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { z } from 'zod';
import { ensureAnswerSchema } from '../../model/builder-api.ts';
import { requirementsAnswer } from '../../model/cped-api.ts';
import { PcloudError } from '../../model/errors.ts';
import { builderRoutes, buildStream, can, cannedJournal, cpedRoutes, runningBuild } from './canned.ts';
import { eventRoute, fakeServices } from './fake-services.ts';
import type { FakeServices, Routes } from './fake-services.ts';
import { runShell, shellEnvironment, shellProgram } from './run-shell.ts';
import { journalEvent, requirement } from './samples.ts';

async function services(t: TestContext, cped: Routes = {}, builder: Routes = {}): Promise<FakeServices> {
  const made = await fakeServices({
    cped: { ...cpedRoutes, ...cped },
    builder: { ...builderRoutes, ...builder },
  });
  t.after(async () => await made.close());
  return made;
}

test('each command asks for what it says, and says what was done', async (t) => {
  const made = await services(t);
  const table: readonly (readonly [string, string, RegExp])[] = [
    [
      'assembly_create assy9 debian12 x86_64',
      'POST /v1/assemblies {"name":"assy9","release":"debian12","architecture":"x86_64"}',
      /^assembly assy9 created \(debian12 x86_64\)$/,
    ],
    [
      'assembly_clone assy1 assy2',
      'POST /v1/assemblies/assy1/clone {"name":"assy2"}',
      /assy2 created like assy1/,
    ],
    ['assembly_delete assy3 --yes', 'DELETE /v1/assemblies/assy3', /assy3 deleted/],
    [
      'assembly_disk_add assy1 data 10G --mount /var/lib/mysql',
      'PUT /v1/assemblies/assy1/disks/data {"sizeGiB":10,"mount":"/var/lib/mysql"}',
      /data disk data, 10 GiB, from the next start/,
    ],
    [
      'assembly_disk_remove assy1 data --yes',
      'DELETE /v1/assemblies/assy1/disks/data',
      /data disk data of assembly assy1 removed/,
    ],
    [
      'assembly_network_add assy1 bridge:br0 --mac 52:54:00:12:34:56',
      'PUT /v1/assemblies/assy1/networks/bridge%3Abr0 {"mac":"52:54:00:12:34:56"}',
      /assembly assy1: bridge:br0, from the next start/,
    ],
    [
      'assembly_network_remove assy1 bridge:br0',
      'DELETE /v1/assemblies/assy1/networks/bridge%3Abr0',
      /no bridge:br0 any more, from the next start/,
    ],
    ['assembly_list', 'GET /v1/assemblies', /^NAME +RELEASE[^]*\nassy1 +debian12 +x86_64 +online/],
    ['assembly_resource_list assy1', 'GET /v1/assemblies/assy1', /httpdone +httpd +active/],
    [
      'resource_template_list',
      'GET /v1/templates',
      /^NAME +ON +CHECKS +FROM +WHAT\nhttpd +debian +page +shipped +a web server$/,
    ],
    ['template_list', 'GET /v1/templates', /httpd +debian/],
    [
      'resource_template_show httpd',
      'GET /v1/templates/httpd',
      /^httpd: a web server\n +file +\/o\/httpd\.yaml\n +takes the place of \/t\/httpd\.yaml/,
    ],
    [
      'escalation_resource_set httpdone assy1 5 3600',
      'PUT /v1/assemblies/assy1/resources/httpdone/escalation {"policy":{"failures":5,"periodMs":3600000}}',
      /5 in 1h\ndeployable_reload dep1 makes it so\./,
    ],
    [
      'escalation_assembly_set assy1 3 10s',
      'PUT /v1/assemblies/assy1/escalation {"policy":{"failures":3,"periodMs":10000}}',
      /3 in 10s/,
    ],
    [
      'escalation_assembly_set assy1 never',
      'PUT /v1/assemblies/assy1/escalation {"policy":"never"}',
      /never/,
    ],
    [
      'escalation_deployable_set dep1 2 1h',
      'PUT /v1/deployables/dep1/escalation {"policy":{"failures":2,"periodMs":3600000}}',
      /dep1: escalation 2 in 1h/,
    ],
    ['deployable_create dep1', 'POST /v1/deployables {"name":"dep1"}', /^deployable dep1 created$/],
    [
      'deployable_create dep1 libvirt root pm',
      'POST /v1/deployables {"name":"dep1","monitoring":"pm"}',
      /passive[^]*infrastructure "libvirt" and user "root" are ignored/,
    ],
    ['deployable_delete dep1 --yes', 'DELETE /v1/deployables/dep1', /dep1 deleted/],
    ['deployable_list', 'GET /v1/deployables', /dep1 +active/],
    [
      'deployable_assembly_add dep1 assy1',
      'POST /v1/deployables/dep1/assemblies {"assembly":"assy1"}',
      /assy1 added to deployable dep1/,
    ],
    ['deployable_assembly_remove dep1 assy3', 'DELETE /v1/deployables/dep1/assemblies/assy3', /taken out/],
    ['deployable_assembly_list dep1', 'GET /v1/deployables/dep1', /assy2/],
    ['deployable_status dep1', 'GET /v1/deployables/dep1', /httpdtwo[^]*http:\/\/127\.0\.0\.1:20080\//],
    ['deployable_status', 'GET /v1/deployables', /^NAME/],
    ['deployable_reload dep1', 'POST /v1/deployables/dep1/reload', /follows its definition/],
    ['deployable_recover dep1', 'POST /v1/deployables/dep1/recover', /goes on/],
    ['jeos_list', 'GET /v1/images', /debian12 +x86_64 +a1a1a1a1a1a1/],
    ['release_list', 'GET /v1/releases', /debian12 +bookworm +x86_64 +bootstrap +Debian 12/],
    [
      'media_list',
      'GET /v1/media',
      /F14 +x86_64 +iso +absent +3\.3 GiB +https:\/\/archive\.example\/F14\.iso/,
    ],
    ['media_remove F14 --yes', 'DELETE /v1/media/F14', /the medium \/x\.iso for F14 is forgotten/],
    ['build_list', 'GET /v1/builds', /3f9a0c11d2e4 +active +42% .*installing packages/],
  ];
  // One program runs all of them: starting it for each would take most of a minute. `help quit` marks the ends.
  const script = table.map(([line]) => `${line}\nhelp quit\n`).join('');
  const { code, stdout, stderr } = await runShell(made.runtimeDirectory, ['-f', '-'], script);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.deepEqual(
    made.cped.requests,
    table.map(([, request]) => request).filter((request) => !isForBuilder(request)),
  );
  assert.deepEqual(made.builder.requests, table.map(([, request]) => request).filter(isForBuilder));
  const outputs = stdout.split(/Usage: quit\n[^]*?Example:\n {2}quit\n/);
  for (const [index, [line, , output]] of table.entries())
    assert.match((outputs[index] ?? '').trimEnd(), output, line);
});

function isForBuilder(request: string): boolean {
  return /^(?:GET|DELETE) \/v1\/(?:images|releases|builds|media)\b/.test(request);
}

test('--json is one line with a version, and what the service said', async (t) => {
  const made = await services(t);
  const shape: Record<string, string> = {
    jeos_list: 'jeos',
    release_list: 'releases',
    build_list: 'builds',
    media_list: 'media',
    resource_template_list: 'templates',
    assembly_list: 'assemblies',
    'assembly_resource_list assy1': 'resources',
    deployable_list: 'deployables',
    deployable_status: 'deployables',
    'deployable_status dep1': 'deployables',
    'deployable_assembly_list dep1': 'assemblies',
  };
  const script = Object.keys(shape).map((line) => `${line} --json\n`);
  const { code, stdout } = await runShell(made.runtimeDirectory, [], script.join(''));
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, script.length);
  for (const [index, [line, key]] of Object.entries(shape).entries()) {
    const value = z.record(z.string(), z.unknown()).parse(JSON.parse(lines[index] ?? ''));
    assert.equal(value['version'], 1);
    assert.ok(Array.isArray(value[key]) && value[key].length > 0, `${line} has ${key}`);
  }
});

test('a service that is not running is exit code 1, with the way to start it', async (t) => {
  const made = await services(t);
  await made.cped.stop();
  await made.builder.stop();
  for (const [line, service] of [
    ['assembly_list', 'pcloud-cped'],
    ['deployable_start dep1', 'pcloud-cped'],
    ['jeos_list', 'pcloud-builder'],
  ] as const) {
    const { code, stdout, stderr } = await runShell(made.runtimeDirectory, line.split(' '));
    assert.equal(code, 1, line);
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(`^error: .*${service}.*(is not running|does not run)`), line);
    assert.match(stderr, new RegExp(`hint: .*systemctl start ${service}`), line);
  }
  const { code, stdout } = await runShell(made.runtimeDirectory, ['status']);
  assert.equal(code, 1);
  assert.match(stdout, /pcloud-cped +does not answer\npcloud-builder +does not answer/);
});

test('the category of a refusal decides the exit code, and its hint is shown', async (t) => {
  const refusal = (category: 'invalid' | 'not-found' | 'conflict' | 'failed' | 'internal'): PcloudError =>
    new PcloudError({ code: 'x', category, message: `It is ${category}.`, hint: 'Do that.' });
  for (const [category, expected] of [
    ['invalid', 2],
    ['not-found', 1],
    ['conflict', 1],
    ['failed', 1],
    ['internal', 1],
  ] as const) {
    const made = await services(t, { 'POST /v1/deployables': refusal(category) });
    const { code, stderr } = await runShell(made.runtimeDirectory, ['deployable_create', 'dep1']);
    assert.equal(code, expected, category);
    assert.equal(stderr, `error: It is ${category}.\n  hint: Do that.\n`);
  }
});

test('a service of another version, whose answer is not understood, is an error and no stack trace', async (t) => {
  const made = await services(t, { 'GET /v1/assemblies': can(z.unknown(), { surprise: true }) });
  const { code, stderr } = await runShell(made.runtimeDirectory, ['assembly_list']);
  assert.equal(code, 1);
  assert.match(stderr, /^error: The answer to GET \/v1\/assemblies/);
  assert.doesNotMatch(stderr, /\n {4}at /);
});

test('a JEOS that assemblies are made of is not deleted, also under another name of its release', async (t) => {
  const made = await services(t, {
    'GET /v1/images-in-use': can(z.unknown(), { assemblies: ['assy1'], images: [] }),
  });
  const { code, stderr } = await runShell(made.runtimeDirectory, ['jeos_delete', 'bookworm', 'x86_64']);
  assert.equal(code, 1);
  assert.match(stderr, /assy1[^]*assembly_delete assy1/);
  assert.deepEqual(made.cped.requests, ['GET /v1/images-in-use?release=debian12&architecture=x86_64']);
  assert.ok(made.builder.requests.every((request) => request.startsWith('GET ')));
});

test('jeos_create follows a build on the wire to its end, and to its error', async (t) => {
  const jeos = { digest: runningBuild.digest, state: 'waiting', jobId: runningBuild.digest, title: 'JEOS' };
  const events = `GET /v1/builds/${runningBuild.digest}/events`;
  const made = await services(
    t,
    {},
    {
      'POST /v1/images/ensure': can(ensureAnswerSchema, jeos),
      [events]: buildStream([
        {
          kind: 'progress',
          progress: { percent: 42, step: 'x', stepTitle: 'installing packages', elapsedMs: 9 },
        },
        { kind: 'done', build: { ...runningBuild, state: 'built' } },
      ]),
    },
  );
  const built = await runShell(made.runtimeDirectory, ['jeos_create', 'debian12', 'x86_64']);
  assert.equal(built.stderr, '');
  assert.equal(built.code, 0);
  assert.match(
    built.stdout,
    /\n 42% JEOS debian12 x86_64: installing packages \(\ds\)\n.* is built: 3f9a0c11d2e4 in/,
  );
  assert.deepEqual(made.builder.requests, [
    'POST /v1/images/ensure {"kind":"jeos","release":"debian12","architecture":"x86_64"}',
    events,
  ]);
  const error = {
    code: 'build-failed',
    category: 'failed',
    message: 'It broke.',
    hint: 'See the log.',
    facts: {},
  } as const;
  made.builder.routes[events] = buildStream([
    { kind: 'done', build: { ...runningBuild, state: 'failed', error } },
  ]);
  const failed = await runShell(made.runtimeDirectory, ['jeos_create', 'debian12', 'x86_64']);
  assert.equal(failed.code, 1);
  assert.equal(failed.stderr, 'error: It broke.\n  hint: See the log.\n');
});

test('a reader that goes away early is no error message', async (t) => {
  const many = Array.from({ length: 900 }, (_, index) =>
    journalEvent({ seq: index + 1, text: 'x'.repeat(200) }),
  );
  const made = await services(t, { 'GET /v1/journal': cannedJournal(many) });
  const { stderr } = await execa(
    'sh',
    ['-c', `"$1" "$2" events --tail 900 | head -n 1`, 'sh', process.execPath, shellProgram],
    {
      env: shellEnvironment(made.runtimeDirectory),
      extendEnv: false,
      timeout: 20_000,
    },
  );
  assert.equal(stderr, '');
});

test('a script stops at the first error, names the line, and has its exit code', async (t) => {
  const made = await services(t);
  const script = [
    '# a comment',
    '',
    'deployable_create dep1',
    'assembly_create "a b" F14 x86_64',
    'jeos_list',
  ];
  const file = path.join(made.runtimeDirectory, 'script');
  await writeFile(file, `${script.join('\r\n')}\n`);
  for (const [argv, input, name] of [
    [['-f', file], '', file],
    [[], script.join('\n'), 'standard input'],
  ] as const) {
    made.cped.requests.length = 0;
    const { code, stdout, stderr } = await runShell(made.runtimeDirectory, argv, input);
    assert.equal(code, 2);
    assert.equal(stdout, 'deployable dep1 created\n');
    assert.ok(stderr.includes(`${name}, line 4: stopped here: assembly_create "a b" F14 x86_64`), stderr);
    assert.deepEqual(made.cped.requests, ['POST /v1/deployables {"name":"dep1"}']);
    assert.deepEqual(made.builder.requests, []);
  }
});

test('quit ends a script with success, and an empty one succeeds', async (t) => {
  const made = await services(t);
  const ended = await runShell(made.runtimeDirectory, [], 'quit\nno_such_command\n');
  assert.deepEqual(ended, { code: 0, stdout: '', stderr: '' });
  assert.equal((await runShell(made.runtimeDirectory, [], '\n  \n# nothing\n')).code, 0);
});

test('deployable_start waits with the events until it is active, and prints where it is reached', async (t) => {
  const feed = eventRoute([]);
  const made = await services(t, {
    'GET /v1/events': feed.route,
    'GET /v1/deployables/dep1/requirements': can(requirementsAnswer, {
      requirements: [{ assembly: 'assy1', requirement, imageDigest: 'c3'.repeat(32) }],
    }),
  });
  const { code, stdout, stderr } = await runShell(made.runtimeDirectory, ['deployable_start', 'dep1']);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.match(stdout, /^deployable dep1 is being started\ndeployable dep1 is ACTIVE after 0s\n/);
  assert.match(stdout, /httpdone in assy1: http:\/\/127\.0\.0\.1:20080\//);
  assert.deepEqual(made.builder.requests, [], 'what is pinned needs no image');
});

test('an assembly that has told no host key yet cannot be logged in to', async (t) => {
  const made = await services(t);
  const { code, stderr } = await runShell(made.runtimeDirectory, ['assembly_ssh', 'assy1', 'true']);
  assert.equal(code, 1);
  assert.match(stderr, /has not told its ssh host key yet/);
});

test('events shows the journal, plain or as JSON lines', async (t) => {
  const made = await services(t, {
    'GET /v1/journal': cannedJournal([
      journalEvent({ seq: 7 }),
      journalEvent({ seq: 8, text: 'second\u001b[2J' }),
    ]),
  });
  const plain = await runShell(made.runtimeDirectory, ['events', '--tail', '2']);
  assert.equal(plain.code, 0);
  assert.match(plain.stdout, /\[httpdone\] .* FAILED[^]*second\\u001b\[2J/);
  assert.ok(made.cped.requests.includes('GET /v1/journal?limit=2'));
  const json = await runShell(made.runtimeDirectory, ['events', '--json']);
  const lines = json.stdout.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => z.object({ event: z.object({ seq: z.number() }) }).parse(JSON.parse(line)).event.seq),
    [7, 8],
  );
});

test('--version, --help and the help of every command work without a service', async (t) => {
  const made = await services(t);
  await made.cped.stop();
  assert.match((await runShell(made.runtimeDirectory, ['--version'])).stdout, /^pcloudsh \d+\.\d+\.\d+\n$/);
  assert.match((await runShell(made.runtimeDirectory, ['--help'])).stdout, /^Usage: pcloudsh[^]*jeos_create/);
  const help = await runShell(made.runtimeDirectory, ['jeos_create', '--help']);
  assert.match(help.stdout, /^Usage: jeos_create RELEASE ARCH/);
  assert.equal((await runShell(made.runtimeDirectory, ['help', 'jeos_crate'])).code, 2);
});
