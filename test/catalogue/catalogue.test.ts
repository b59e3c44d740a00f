import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { checkArchitecture, findRelease, loadReleases } from '../../catalogue/releases.ts';
import {
  findResourceTemplate,
  loadResourceTemplates,
  templateOnFamily,
} from '../../catalogue/resource-templates.ts';
import { PcloudError } from '../../model/errors.ts';

const templates = path.resolve(import.meta.dirname, '../../templates');

function refused(code: string, words: RegExp, act: () => unknown): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof PcloudError);
    assert.equal(error.code, code);
    assert.match(`${error.message} ${error.hint ?? ''}`, words);
    return true;
  });
}

test('a release is found by its name, its alias, and in any case of letters', async () => {
  const releases = await loadReleases(templates);
  for (const name of ['debian12', 'Debian12', 'bookworm'])
    assert.equal(findRelease(releases, name).name, 'debian12');
});

test('an unknown release names the likely one and all known ones', async () => {
  const releases = await loadReleases(templates);
  refused('unknown-release', /Did you mean "debian12"\?.*Alma9, F14, F15, F16, F44, RHEL6, debian12/, () =>
    findRelease(releases, 'debain12'),
  );
  refused('bad-name', /slash/, () => findRelease(releases, '../etc'));
});

test('an unknown architecture names those of the release', async () => {
  const debian = findRelease(await loadReleases(templates), 'debian12');
  assert.equal(checkArchitecture(debian, 'x86_64'), 'x86_64');
  refused('unknown-architecture', /Known architectures of debian12: x86_64/, () =>
    checkArchitecture(debian, 'i386'),
  );
});

test('httpd is apache2 on Debian and httpd on Fedora and RHEL', async () => {
  const httpd = findResourceTemplate(await loadResourceTemplates(templates), 'httpd');
  assert.deepEqual(templateOnFamily(httpd, 'debian'), {
    service: 'apache2',
    packages: ['apache2'],
    files: [],
  });
  assert.deepEqual(templateOnFamily(httpd, 'fedora'), { service: 'httpd', packages: ['httpd'], files: [] });
  assert.deepEqual(templateOnFamily(httpd, 'rhel'), { service: 'httpd', packages: ['httpd'], files: [] });
});

test('unknown templates, and templates without a word for a family, are refused with what is known', async () => {
  const all = await loadResourceTemplates(templates);
  refused('unknown-template', /Did you mean "httpd"\?/, () => findResourceTemplate(all, 'htpd'));
  refused('template-not-for-family', /fedora, rhel/, () =>
    templateOnFamily(findResourceTemplate(all, 'qpidd'), 'debian'),
  );
});

test('the templates of 2011 that still make sense have the intervals that they had', async () => {
  const all = await loadResourceTemplates(templates);
  const then = { apache2: 65, dummy: 70, httpd: 10, mysqld: 10, ntpd: 90, postgresql: 40, qpidd: 54 };
  const seconds = Object.keys(then).map((name) => [name, (all.get(name)?.monitorIntervalMs ?? 0) / 1000]);
  assert.deepEqual(Object.fromEntries(seconds), then);
});

test('each template is what the distributions call it', async () => {
  const all = await loadResourceTemplates(templates);
  const services = [...all.values()].map(({ name, families }) => [
    name,
    families.debian?.service,
    families.fedora?.service,
    families.rhel?.service,
  ]);
  assert.deepEqual(services, [
    ['apache2', 'apache2', undefined, undefined],
    ['chrony', 'chrony', 'chronyd', 'chronyd'],
    ['dummy', 'dummy', 'dummy', 'dummy'],
    ['haproxy-balancer', 'haproxy', undefined, undefined],
    ['haproxy', 'haproxy', 'haproxy', 'haproxy'],
    ['httpd', 'apache2', 'httpd', 'httpd'],
    ['mariadb-database', 'mariadb', undefined, undefined],
    ['mariadb', 'mariadb', 'mariadb', 'mariadb'],
    ['mysqld', 'mariadb', 'mysqld', 'mysqld'],
    ['nginx', 'nginx', 'nginx', 'nginx'],
    ['ntpd', 'ntpsec', 'ntpd', 'ntpd'],
    ['postgresql-server', 'postgresql@15-main', 'postgresql', 'postgresql'],
    ['postgresql', 'postgresql', 'postgresql', 'postgresql'],
    ['qpidd', undefined, 'qpidd', 'qpidd'],
    ['redis', 'redis-server', 'redis', 'redis'],
    ['sshd', 'ssh', 'sshd', 'sshd'],
    ['tomcat', 'tomcat10', 'tomcat', 'tomcat'],
    ['wordpress', 'apache2', undefined, undefined],
  ]);
});

test('a shipped check never takes a page that asks for a password, or is not there, for a failure', async () => {
  const all = await loadResourceTemplates(templates);
  const checks = [...all.values()].flatMap((template) => template.checks);
  const http = checks.flatMap(({ probe }) => (probe.kind === 'http' ? [probe] : []));
  assert.equal(http.length, 6);
  for (const probe of http) assert.deepEqual([probe.statusFrom, probe.statusTo], [200, 499]);
  // What a busy machine cannot do in a moment is no failure.
  for (const check of checks) {
    assert.ok(check.failuresNeeded >= 3, check.name);
    assert.ok(check.startGraceMs >= 30_000, check.name);
  }
});

test('a broken file is named with its field and what is wrong', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'pcloud-catalogue-'));
  try {
    await mkdir(path.join(directory, 'resources'));
    const write = async (text: string): Promise<void> =>
      await writeFile(path.join(directory, 'resources', 'web.yaml'), text);
    const good = 'name: web\nsummary: Web\nclass: service\nmonitorIntervalMs: 10000\nfamilies: {}\n';
    await write(good);
    assert.equal((await loadResourceTemplates(directory)).get('web')?.summary, 'Web');
    const wrong: readonly (readonly [string, RegExp])[] = [
      [good.replace('10000', 'soon'), /web\.yaml: monitorIntervalMs/],
      [good.replace('name: web', 'name: other'), /web\.yaml: name: it is "other"/],
      ['name: [', /web\.yaml: it is not YAML/],
      [`${good}name: twice\n`, /web\.yaml: it is not YAML/],
      ['#'.repeat(70_000), /web\.yaml: it has 70000 bytes/],
    ];
    for (const [text, words] of wrong) {
      await write(text);
      await assert.rejects(loadResourceTemplates(directory), { code: 'catalogue-broken', message: words });
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});
