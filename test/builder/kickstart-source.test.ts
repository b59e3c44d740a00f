/** The kickstart of a build: the same bytes from the same facts, and a nonce of its own for every other. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { makeKickstart } from '../../builder/kickstart-source.ts';
import type { Kickstart, KickstartRequest } from '../../builder/kickstart-source.ts';
import { findResourceTemplate, loadResourceTemplates } from '../../catalogue/resource-templates.ts';
import {
  kickstartsDirectory,
  releaseNamed,
  sampleHash,
  sampleKey,
  templatesDirectory,
} from './render/samples.ts';

type Config = Parameters<typeof makeKickstart>[1];

let place: string;
let config: Config;
const httpd = findResourceTemplate(await loadResourceTemplates(templatesDirectory), 'httpd');
const request: KickstartRequest = {
  release: releaseNamed('F14'),
  architecture: 'x86_64',
  source: { kind: 'cdrom' },
  ownMedia: true,
  templates: [],
};

before(async () => {
  place = await mkdtemp(path.join(os.tmpdir(), 'pcloud-kickstart-'));
  await mkdir(path.join(place, 'build'));
  await writeFile(path.join(place, 'build/pcloud-agent'), '#!/bin/sh\nexec sleep 1000000\n');
  await writeFile(path.join(place, 'build/other-agent'), '#!/bin/sh\nexec sleep 1000001\n');
  await writeFile(path.join(place, 'pcloud-agent.service'), '[Unit]\nDescription=x\n');
  await writeFile(path.join(place, 'pcloud-agent.init'), '#!/bin/sh\n# chkconfig: 2345 11 95\nexec true\n');
  await writeFile(path.join(place, 'key.pub'), `${sampleKey}\n`);
  config = {
    agentPath: path.join(place, 'build/pcloud-agent'),
    kickstartsDirectory,
    rootKeyPath: undefined,
    rootPasswordHash: undefined,
  };
});

after(async () => await rm(place, { recursive: true, force: true }));

async function make(
  change: Partial<KickstartRequest> = {},
  settings: Partial<Config> = {},
): Promise<Kickstart> {
  return await makeKickstart({ ...request, ...change }, { ...config, ...settings });
}

test('the same facts give the same bytes', async () => {
  assert.deepEqual(await make(), await make());
});

test('the nonce is 64 hexadecimal digits, stands in the text, and takes the place of nothing else', async () => {
  const { text, nonce } = await make();
  assert.match(nonce, /^[0-9a-f]{64}$/);
  assert.ok(text.includes(nonce));
  assert.ok(!text.includes('0'.repeat(64)));
});

test('whatever else differs, the nonce differs: the disk of another build proves nothing', async () => {
  const ways: Readonly<Record<string, Kickstart>> = {
    'as it is': await make(),
    'of another release': await make({ release: releaseNamed('F15') }),
    'from a tree': await make({ source: { kind: 'url', url: 'http://10.0.2.10/' } }),
    'from another tree': await make({ source: { kind: 'url', url: 'http://10.0.2.2/' } }),
    'with resources': await make({ templates: [httpd] }),
    'with another agent': await make({}, { agentPath: path.join(place, 'build/other-agent') }),
    'with a key for root': await make({}, { rootKeyPath: path.join(place, 'key.pub') }),
    'with a password for root': await make({}, { rootPasswordHash: sampleHash }),
  };
  const nonces = Object.values(ways).map(({ nonce }) => nonce);
  assert.equal(new Set(nonces).size, nonces.length);
  for (const [what, { text, nonce }] of Object.entries(ways)) assert.ok(text.includes(nonce), what);
});

test("a stand-in's kickstart knows the stand-in's repositories, and not the release's own", async () => {
  const release = releaseNamed('RHEL6');
  const [own, standIn] = [await make({ release }), await make({ release, ownMedia: false })];
  assert.notEqual(own.nonce, standIn.nonce);
});

test('an agent that was not compiled is named', async () => {
  await assert.rejects(make({}, { agentPath: path.join(place, 'build/none') }), {
    code: 'agent-missing',
    message: /build\/none/,
  });
});
