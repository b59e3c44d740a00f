/**
 * The operator's pages: manual pages that man(1) formats without a warning, every setting of the builder in each of
 * them with its default, and no command that pcloudsh does not have.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { readConfig } from '../../builder/config.ts';
import { readConfig as readCpedConfig } from '../../runtime/config.ts';
import { listenShape } from '../../runtime/listen-config.ts';
import { commandTable } from '../../shell/command-table.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(checkout, file), 'utf8');
const guide = read('docs/building.md');
const settings = [...new Set(read('builder/config.ts').match(/\bPCLOUD_[A-Z_]+\b/g))].sort();

/** A manual page as a reader sees it, in one line. */
function plain(roff: string): string {
  return roff
    .replaceAll(/^\.[A-Z]+ ?/gm, '')
    .replaceAll(/\\f[A-Z]/g, '')
    .replaceAll('\\-', '-')
    .replaceAll(/\s+/g, ' ');
}

for (const name of readdirSync(path.join(checkout, 'docs/man'))) {
  test(`${name} is formatted without a warning`, async (context) => {
    const file = path.join(checkout, 'docs/man', name);
    const result = await execa('groff', ['-man', '-Tutf8', '-ww', file], { reject: false, timeout: 20_000 });
    if (result.code === 'ENOENT') return context.skip('groff is not installed');
    assert.equal(result.stderr, '');
    assert.ok(result.stdout.length > 3000, result.stdout);
    return undefined;
  });

  test(`${name} says in its title what its file name says`, () => {
    const [, title, section] = /^\.TH ([A-Z-]+) (\d) /m.exec(read(`docs/man/${name}`)) ?? [];
    assert.equal(`${title?.toLowerCase()}.${section}`, name);
  });
}

test('every setting of the builder stands in docs/building.md and in pcloud-builder(8)', () => {
  const page = plain(read('docs/man/pcloud-builder.8'));
  assert.ok(settings.length > 10, settings.join(' '));
  for (const name of settings) {
    assert.match(guide, new RegExp(`^\\| \`${name}\` \\|`, 'm'), name);
    assert.ok(page.includes(`${name} `), name);
  }
});

test('the defaults in both are those of the program', () => {
  const config = readConfig({});
  const page = plain(read('docs/man/pcloud-builder.8'));
  for (const [name, value] of [
    ['PCLOUD_STATE_DIR', config.stateDirectory],
    ['PCLOUD_RUNTIME_DIR', config.runtimeDirectory],
    ['PCLOUD_BUILD_CONCURRENCY', String(config.concurrency)],
    ['PCLOUD_LOG_LEVEL', config.logLevel],
  ] as const) {
    const row = guide.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? '';
    assert.equal(row.split('|')[2]?.replaceAll('`', '').trim(), value, name);
    const [, told] = new RegExp(`${name} (?:(?!PCLOUD_).)*?Default: (\\S+?) ?\\.(?: |$)`).exec(page) ?? [];
    assert.equal(told, value, name);
  }
});

test('every setting of cped stands in pcloud-cped(8), with the default of the program', () => {
  const manual = plain(read('docs/man/pcloud-cped.8'));
  const named = [
    ...new Set([
      ...(read('runtime/config.ts').match(/\bPCLOUD_[A-Z_]+\b/g) ?? []),
      ...Object.keys(listenShape),
    ]),
  ];
  assert.ok(named.length > 18, named.join(' '));
  for (const name of named)
    assert.match(read('docs/man/pcloud-cped.8'), new RegExp(`^\\.TP\n\\.B ${name}$`, 'm'), name);
  const config = readCpedConfig({});
  for (const [name, value] of [
    ['PCLOUD_STATE_DIR', config.stateDir],
    ['PCLOUD_RUNTIME_DIR', config.runtimeDir],
    ['PCLOUD_RESOURCE_TEMPLATES_DIR', config.resourceTemplatesDir],
    ['PCLOUD_LIBVIRT_URI', config.libvirtUri],
    ['PCLOUD_OWNER', config.owner],
    ['PCLOUD_NETWORK', config.network.kind],
    ['PCLOUD_PORT_RANGE', `${config.portRange.first}-${config.portRange.last}`],
    ['PCLOUD_LOG_LEVEL', config.logLevel],
    ['PCLOUD_ALERTS_DIR', config.alerts.directory],
    ['PCLOUD_ALERTS_FILE', config.alerts.rulesFile],
    ['PCLOUD_ALERT_TIMEOUT', String(config.alerts.timeoutMs / 1000)],
  ] as const) {
    const [, told] = new RegExp(`${name} (?:(?!PCLOUD_).)*?Default: (\\S+?)\\.(?: |$)`).exec(manual) ?? [];
    assert.equal(told, value, name);
  }
});

test('docs/building.md names no command that pcloudsh does not have', () => {
  const known = commandTable.map(({ name }) => name);
  const named = [
    ...guide.matchAll(/pcloudsh ([a-z]+_[a-z_]+)|`((?:assembly|build|image|jeos|media|release)_[a-z_]+)/g),
  ].flatMap(([, typed, mentioned]) => typed ?? mentioned ?? []);
  assert.ok(named.length > 15, named.join(' '));
  for (const name of named) assert.ok(known.includes(name), name);
});
