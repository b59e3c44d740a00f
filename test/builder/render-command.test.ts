import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { readConfig } from '../../builder/config.ts';
import { renderDocument } from '../../builder/render-command.ts';
import { loadReleases } from '../../catalogue/releases.ts';
import { matchesGolden } from './render/golden.ts';
import { installerReleases, sampleHash, templatesDirectory } from './render/samples.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
// Small, always there, and the same everywhere: what stands where the agent goes.
const agent = path.join(checkout, 'guest/src/version.h');
const config = { ...readConfig({}), agentPath: agent };

async function render(line: string, own: Partial<typeof config> = {}): Promise<string> {
  return (await renderDocument(line.split(' '), { ...config, ...own })).text;
}

async function refused(
  line: string,
  code: string,
  words: RegExp,
  own: Partial<typeof config> = {},
): Promise<void> {
  await assert.rejects(render(line, own), (error) => {
    assert.ok(error instanceof Error && 'code' in error && 'hint' in error);
    assert.equal(error.code, code, line);
    assert.match(`${error.message} ${String(error.hint)}`, words);
    return true;
  });
}

for (const { name, architectures } of (await loadReleases(templatesDirectory)).values()) {
  test(`the machine of ${name} is the golden one`, async () => {
    const xml = await render(
      `domain ${name} ${architectures[0]} --assembly --resource httpd --accelerator tcg`,
    );
    matchesGolden(`${name}-domain.xml`, xml);
  });
}

test('the kickstart of every installed release is printed, with its own script for the agent', async () => {
  for (const { name, init } of installerReleases) {
    const text = await render(`kickstart ${name} x86_64`);
    assert.match(text, init === 'sysv' ? /chkconfig: 2345 / : /WantedBy=sysinit\.target/);
    assert.match(text, /^rootpw (?:--iscrypted \*|--lock)$/m);
  }
});

test('an assembly has its resources: packages, services, ports', async () => {
  const text = await render('kickstart RHEL6 x86_64 --assembly --resource httpd --resource postgresql');
  assert.match(text, /^# RHEL6 x86_64 with httpd postgresql,/);
  assert.match(text, /^firewall --enabled --service=ssh --port=80:tcp,5432:tcp$/m);
  assert.match(text, /^httpd\npostgresql-server\nresource-agents\n/m);
  assert.match(text, /^for service in httpd postgresql; do$/m);
});

test('the source is the ISO where there is one, unless the tree is asked for', async () => {
  assert.match(await render('kickstart f14 x86_64'), /^cdrom$/m);
  assert.match(await render('kickstart F14 x86_64 --source url'), /^url --url=http:\S+\/$/m);
  assert.match(
    await render('tdl F14 x86_64'),
    /<iso>file:\/\/\/var\/lib\/pacemaker-cloud\/media\/Fedora-14-/,
  );
  assert.match(await render('tdl F14 x86_64 --source url'), /<url>http:/);
  await refused('kickstart F44 x86_64 --source iso', 'media-missing', /--source url/);
});

test('a configured hash is what root gets', async () => {
  const text = await render('kickstart F14 x86_64', { rootPasswordHash: sampleHash });
  assert.ok(text.includes(`\nrootpw --iscrypted ${sampleHash}\n`));
});

test('what cannot be rendered is refused with what can be', async () => {
  await refused('kickstart F17 x86_64', 'unknown-release', /Did you mean "F14"\?.*RHEL6/);
  await refused('kickstart F14 i386', 'unknown-architecture', /x86_64/);
  await refused('kickstart F14 x86_64 --resource htpd', 'unknown-template', /Did you mean "httpd"\?/);
  await refused('kickstart F14 x86_64 --resource apache2', 'template-not-for-family', /debian/);
  await refused('kickstart debian12 x86_64', 'no-kickstart', /render domain debian12/);
  await refused('tdl debian12 x86_64', 'no-tdl', /bootstrap/);
  await refused('tdl F44 x86_64', 'no-tdl', /render kickstart F44/);
  await refused('tdl F14 x86_64 --engine virt-install', 'no-tdl', /--engine oz/);
  await refused('kickstart Alma9 x86_64 --engine oz', 'engine-not-for-release', /virt-install/);
  await refused('kickstart F14 x86_64', 'agent-missing', /make -C guest/, { agentPath: '/nonexistent/a/b' });
  await refused('kickstart F14 x86_64', 'template-unreadable', /PCLOUD_KICKSTARTS_DIR/, {
    kickstartsDirectory: '/nonexistent',
  });
});

test('a line that makes no sense is answered with the usage', async () => {
  for (const [line, words] of [
    ['kickstart F14', /which architecture/],
    ['kickstart F14 x86_64 more', /which architecture/],
    ['kickstrat F14 x86_64', /Did you mean kickstart\?/],
    ['kickstart F14 x86_64 --resorce httpd', /Did you mean --resource\?/],
    ['kickstart F14 x86_64 --assembly', /at least one/],
    ['kickstart F14 x86_64 --engine anaconda', /oz or virt-install/],
    ['kickstart F14 x86_64 --engine', /argument missing/],
    ['domain F14 x86_64 --accelerator x', /kvm or tcg/],
    ['kickstart F14 x86_64 --source cd', /iso or url/],
  ] as const)
    await refused(line, 'bad-usage', words).then(
      async () => await refused(line, 'bad-usage', /Usage: pcloud-builder render/),
    );
});

test('the program prints the document alone on its output, exits 2 for bad usage, and starts no service', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(checkout, 'builder/main.ts'), 'render', ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], PCLOUD_STATE_DIR: '/nonexistent/state', PCLOUD_GUEST_AGENT: agent },
    });
  const good = run('tdl', 'F16', 'x86_64');
  assert.equal(good.status, 0, good.stderr);
  assert.match(good.stdout, /^<template version='1\.0'>[^]*<\/template>\n$/);
  assert.match(good.stderr, /samples/);
  const bad = run('tdl', 'F17', 'x86_64');
  assert.equal(bad.status, 2);
  assert.equal(bad.stdout, '');
  assert.match(bad.stderr, /^pcloud-builder: There is no release "F17"\.\nDid you mean "F14"\?/);
  assert.equal(run('--help').status, 0);
  assert.equal(run().status, 2);
});
