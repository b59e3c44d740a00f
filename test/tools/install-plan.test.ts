/** What `make install` is going to do, before it does it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type InstallFacts, planInstall, productionPackages, unitText } from '../../tools/install/plan.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const lockText = readFileSync(path.join(checkout, 'package-lock.json'), 'utf8');
const manifest = JSON.parse(readFileSync(path.join(checkout, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

test('every dependency is installed, and nothing that only development needs', () => {
  const packages = productionPackages(lockText);
  for (const name of Object.keys(manifest.dependencies))
    assert.ok(packages.includes(`node_modules/${name}`), name);
  // What tests use may be a dependency's own as well, as ajv is fastify's: that is installed.
  const locked = JSON.parse(lockText) as {
    packages: Record<string, { dev?: boolean; dependencies?: Record<string, string> }>;
  };
  const needed = new Set(
    Object.entries(locked.packages).flatMap(([where, one]) =>
      where === '' || one.dev === true ? [] : Object.keys(one.dependencies ?? {}),
    ),
  );
  for (const name of Object.keys(manifest.devDependencies))
    assert.equal(packages.includes(`node_modules/${name}`), needed.has(name), name);
});

const facts: InstallFacts = {
  prefix: '/usr',
  lockText,
  redisServer: '/usr/bin/redis-server',
  systemdFiles: ['a.service', 'b.timer', 'pcloud.sysusers', 'pcloud.tmpfiles'],
  manualPages: ['a.1', 'b.8'],
};

test('every unit and every manual page that there is goes where it is looked for', () => {
  const places = planInstall(facts).flatMap((step) => (step.kind === 'link' ? [] : [step.to]));
  for (const place of [
    'lib/systemd/system/a.service',
    'lib/systemd/system/b.timer',
    'lib/sysusers.d/pcloud.conf',
    'lib/tmpfiles.d/pcloud.conf',
    'share/man/man1/a.1',
    'share/man/man8/b.8',
  ])
    assert.ok(places.includes(`/usr/${place}`), place);
  assert.deepEqual(
    places.filter((place) => place.startsWith('/usr/lib/systemd/system/')),
    ['/usr/lib/systemd/system/a.service', '/usr/lib/systemd/system/b.timer'],
  );
});

test('every step stays below the prefix', () => {
  for (const step of planInstall({ ...facts, prefix: '/opt/pcloud' })) {
    assert.ok((step.kind === 'link' ? step.at : step.to).startsWith('/opt/pcloud/'), JSON.stringify(step));
  }
});

test('links to our own files are relative, so that DESTDIR can be moved to its place', () => {
  const links = planInstall(facts).flatMap((step) =>
    step.kind === 'link' && step.target !== '/usr/bin/redis-server' ? [step] : [],
  );
  assert.ok(links.length >= 3);
  for (const link of links) assert.ok(!path.isAbsolute(link.target), JSON.stringify(link));
});

test('a unit starts the program below the prefix, and its other lines stay as they are', () => {
  const text = '# /usr/sbin/x\nExecStart=/usr/sbin/pcloud-cped\nExecStartPre=-/usr/bin/true\nPATH=/usr/bin\n';
  assert.equal(
    unitText(text, '/opt/p'),
    '# /usr/sbin/x\nExecStart=/opt/p/sbin/pcloud-cped\nExecStartPre=-/opt/p/bin/true\nPATH=/usr/bin\n',
  );
});
