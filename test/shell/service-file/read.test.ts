/** What a service file's text means, and what is told of one that is wrong: the place, what, and what was meant. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { maxServiceFileBytes } from '../../../model/service-file/schema.ts';
import { readServiceText } from '../../../shell/service-file/read.ts';

function faults(text: string): readonly string[] {
  const reading = readServiceText(text);
  return reading.ok ? [] : reading.faults.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

const body = (assembly: string): string => `version: 1\nname: shop\nassemblies:\n  web:\n${assembly}`;

test('both example files are read, with references and secrets', async () => {
  const examples = path.resolve(import.meta.dirname, '../../../docs/examples');
  for (const name of ['haproxy', 'wordpress']) {
    const text = await readFile(path.join(examples, `${name}.yaml`), 'utf8');
    assert.match(text, /^# yaml-language-server: \$schema=\.\.\/schema\/deployable\.schema\.json\n/);
    assert.deepEqual(faults(text), []);
  }
  const reading = readServiceText(await readFile(path.join(examples, 'wordpress.yaml'), 'utf8'));
  assert.ok(reading.ok);
  const [db, web] = reading.service.assemblies;
  assert.deepEqual(web?.dependsOn, [{ assembly: 'blog-db', restart: false }]);
  assert.deepEqual(web.resources[0]?.parameters['DB_HOST'], { assembly: 'blog-db', value: 'endpoint/3306' });
  assert.deepEqual(db?.resources[0]?.parameters['DB_PASSWORD'], { secret: 'database-password' });
  assert.deepEqual([db.memoryMiB, db.vcpus], [384, 1]);
});

test('each mistake is told with its line and column, and what was meant', () => {
  const table: readonly (readonly [string, string])[] = [
    [
      body('    release: debian12\n    memoryMib: 256\n'),
      '6:5: assemblies.web.memoryMib: there is no such key here; did you mean memoryMiB?',
    ],
    [
      body('    release: debian12\n    floppies: []\n'),
      '6:5: assemblies.web.floppies: there is no such key here; there are release, architecture, memoryMiB, vcpus, ports, disks, networks, escalation, dependsOn, maintenance, resources',
    ],
    [
      body('    release: debian12\n    disks: { data: { sizeGiB: 0 } }\n'),
      '6:22: assemblies.web.disks.data.sizeGiB: Too small: expected number to be >=1',
    ],
    [
      body('    release: debian12\n    disks: { data: { sizeGiB: 1, mount: /etc } }\n'),
      '6:34: assemblies.web.disks.data.mount: is a directory of the system itself',
    ],
    [
      body(
        '    release: debian12\n    disks: { a: { sizeGiB: 1, mount: /srv/x }, b: { sizeGiB: 1, mount: /srv/x } }\n',
      ),
      '6:65: assemblies.web.disks.b.mount: disk a is mounted there already',
    ],
    [
      body('    release: debian12\n    networks: [{ bridge: br0, mac: 01:00:5e:00:00:01 }]\n'),
      '6:31: assemblies.web.networks.0.mac: must be the hardware address of one card, such as 52:54:00:12:34:56',
    ],
    [
      body('    release: debian12\n    networks: [{ bridge: br0 }, { bridge: br0 }]\n'),
      '6:33: assemblies.web.networks.1: the bridge br0 stands there already',
    ],
    [
      body('    release: debian12\n    networks: [br0]\n'),
      '6:16: assemblies.web.networks.0: must be { network: NAME } or { bridge: NAME }',
    ],
    [
      body('    release: debian12\n    networks: [{ bridge: br0, network: lan }]\n'),
      '6:16: assemblies.web.networks.0: must be { network: NAME } or { bridge: NAME }',
    ],
    [
      `${body('    release: debian12\n    networks: [{ bridge: a, mac: 52:54:00:00:00:01 }]\n')}  db:
    release: debian12
    networks: [{ bridge: b, mac: 52:54:00:00:00:01 }]
`,
      '9:29: assemblies.db.networks.0.mac: a card of assembly web has that address',
    ],
    [body('    vcpus: 1\n'), '4:3: assemblies.web.release: is missing'],
    [
      body('    release: debian12\n    memoryMiB: 10\n'),
      '6:5: assemblies.web.memoryMiB: Too small: expected number to be >=64',
    ],
    [
      body('    release: debian12\n    escalation: { failures: 3 }\n'),
      '6:5: assemblies.web.escalation.periodMs: is missing',
    ],
    [
      body('    release: debian12\n    maintenance: [{ every: sundays, at: "03:00", for: 2h }]\n'),
      '6:21: assemblies.web.maintenance.0.every: must be day, a day of the week such as sunday, or a list of those',
    ],
    [
      body('    release: debian12\n    maintenance: [{ every: sunday, at: "3:00", for: 2 hours }]\n'),
      '6:36: assemblies.web.maintenance.0.at: must be a time of day from 00:00 to 23:59, such as "03:00"',
    ],
    [
      body('    release: debian12\n    maintenance: [{ every: day, at: "03:00", for: 24h }]\n'),
      '6:46: assemblies.web.maintenance.0.for: is too long: it must end an hour before it begins again',
    ],
    [
      'version: 1\nname: shop\nmaintenance: [{ every: sunday, at: 03:00, for: 2h, timeZone: Berlin }]\nassemblies: {}\n',
      '3:52: maintenance.0.timeZone: is no time zone that is known here, such as Europe/Berlin or UTC',
    ],
    [
      'version: 1\nname: shop\nmaintenance:\n  - { every: sunday, at: 03:00, for: 2h }\n  - { every: [sunday], at: 03:00, for: 1h }\nassemblies: {}\n',
      '5:5: maintenance.1: another window has the same days and time',
    ],
    [
      `alerts: [{ webhook: "ftp://a.example" }]\n${body('    release: debian12\n')}`,
      '1:12: alerts.0.webhook: must be an address such as https://alerts.example.org/hook without user and password, or @secret:NAME',
    ],
    [
      `alerts: [{ webhook: "https://a.example/?key=x" }]\n${body('    release: debian12\n')}`,
      '1:12: alerts.0.webhook: has more than a path, which may be a secret: give all of it as @secret:NAME',
    ],
    [
      `alerts: [{ webhook: "https://a.example/", token: verysecret }]\n${body('    release: debian12\n')}`,
      '1:43: alerts.0.token: must be @secret:NAME, a secret of the deployable',
    ],
    [
      `alerts: [{ webhook: "https://a.example/", token: "@secret:pw" }]\n${body('    release: debian12\n')}`,
      '1:43: alerts.0.token: the file has no secret "pw"',
    ],
    [
      `alerts: [{ webhook: "http://a.example/", token: "@secret:pw" }]\nsecrets: { pw: { generate: true } }\n${body('    release: debian12\n')}`,
      '1:10: alerts.0: a token is sent to https addresses only',
    ],
    [
      `alerts: [{ program: ../../bin/sh }]\n${body('    release: debian12\n')}`,
      '1:12: alerts.0.program: must be the name of a file in the directory of alert programs',
    ],
    [
      `alerts: [{ program: pager, match: { rung: vm } }]\n${body('    release: debian12\n')}`,
      '1:37: alerts.0.match.rung: must be resource, assembly, deployable, host, or a list of those',
    ],
    [
      `alerts: [{ program: pager, match: { deployable: other } }]\n${body('    release: debian12\n')}`,
      '1:37: alerts.0.match.deployable: there is no such key here; there are rung, severity, assembly, resource',
    ],
    [
      body('    release: debian12\n    dependsOn: [{ assembly: wbe }]\n'),
      '6:19: assemblies.web.dependsOn.0.assembly: the file has no assembly "wbe"; did you mean web?',
    ],
    [
      body('    release: debian12\n    dependsOn: [{ assembly: web }]\n'),
      '6:19: assemblies.web.dependsOn.0.assembly: it depends on itself',
    ],
    [
      `${body('    release: debian12\n')}  a b: { release: debian12 }\n`,
      '6:3: assemblies.a b: cannot be a name: letters, digits, ".", "_" and "-", at most 63 characters',
    ],
    [
      `${body('    release: debian12\n')}secrets: { pw: { genrate: true } }\n`,
      '6:18: secrets.pw.genrate: there is no such key here; did you mean generate?',
    ],
    [
      body('    release: debian12\n    release: debian12\n'),
      '6:5: this is not YAML as it is taken here: Map keys must be unique',
    ],
    ['- a\n', '1:1: expected object, received array'],
    ['', '1:1: expected object, received null'],
  ];
  for (const [text, told] of table) assert.ok(faults(text).includes(told), faults(text).join('\n'));
});

test('references and secrets that lead nowhere are told at the parameter', () => {
  const resource = (parameters: string): string =>
    body(
      `    release: debian12\n    resources:\n      site:\n        template: httpd\n        parameters: ${parameters}\n`,
    );
  assert.deepEqual(faults(resource("{ A: '@wb:address' }")), [
    '9:23: assemblies.web.resources.site.parameters.A: the file has no assembly "wb"; did you mean web?',
  ]);
  assert.deepEqual(faults(resource("{ A: '@secret:pw' }")), [
    '9:23: assemblies.web.resources.site.parameters.A: the file has no secret "pw"',
  ]);
  assert.match(faults(resource("{ A: '@web:port/0' }"))[0] ?? '', /^9:23: .*refers to nothing/);
  const reading = readServiceText(resource("{ PORT: 8080, ON: true, AT: '@@home' }"));
  assert.ok(reading.ok);
  assert.deepEqual(reading.service.assemblies[0]?.resources[0]?.parameters, {
    PORT: '8080',
    ON: 'true',
    AT: '@home',
  });
});

test('aliases, tags and files without end are refused before they cost anything', () => {
  const bomb = `a: &a [x, x]\n${Array.from({ length: 40 }, (_, i) => `b${i}: &b${i} [*a, *a]`).join('\n')}\n`;
  const startedMs = performance.now();
  assert.match(faults(bomb)[0] ?? '', /aliases \(\*name\) are not taken/);
  assert.ok(performance.now() - startedMs < 1000);
  assert.match(faults('version: !!binary aGk=\n')[0] ?? '', /^1:10: .*Unresolved tag/);
  assert.match(faults('version: !custom 1\n')[0] ?? '', /^1:10: .*Unresolved tag/);
  assert.match(faults('x'.repeat(maxServiceFileBytes + 1))[0] ?? '', /larger than 1048576 bytes/);
});

test('at most twenty mistakes are told, in the order of the file', () => {
  const many = body(
    `    release: debian12\n${Array.from({ length: 50 }, (_, index) => `    key${index}: 1\n`).join('')}`,
  );
  const told = faults(many);
  assert.equal(told.length, 20);
  assert.match(told[0] ?? '', /^6:5: /);
  assert.match(told[19] ?? '', /^25:5: /);
});

test('no text makes the reader throw, and every fault has a place in the text', () => {
  const pieces = fc.constantFrom(
    'version: 1\n',
    'name: a\n',
    'assemblies:\n',
    '  web:\n',
    '    release: x\n',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '&a ',
    '*a',
    '!!map ',
    '"',
    "'",
    '\t',
    '\n',
    ': ',
    '? ',
    '|\n',
    '<<: ',
    '__proto__: 1\n',
    'secrets: {a: 1}\n',
    '\u0000',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 8 })), { maxLength: 30 }), (parts) => {
      const text = parts.join('');
      const reading = readServiceText(text);
      if (reading.ok) return;
      const lines = text.split('\n').length;
      assert.ok(reading.faults.length > 0);
      for (const { line, column } of reading.faults) assert.ok(line >= 1 && line <= lines + 1 && column >= 1);
    }),
    { numRuns: 500 },
  );
});

test('a circle of waiting is told at a rule of it, with all that is in it', () => {
  const assemblies = (text: string): string => `version: 1\nname: shop\nassemblies:\n${text}`;
  const order = assemblies(
    '  a: { release: debian12, dependsOn: [{ assembly: b }] }\n' +
      '  b:\n    release: debian12\n    dependsOn:\n      - { assembly: c }\n' +
      '  c:\n    release: debian12\n    dependsOn:\n      - { assembly: a }\n' +
      '  d: { release: debian12, dependsOn: [{ assembly: a }] }\n',
  );
  const [told, ...others] = faults(order);
  assert.deepEqual(others, []);
  assert.match(
    told ?? '',
    /^12:11: assemblies\.c\.dependsOn\.0\.assembly: these would wait for each other, .*: a → b → c → a\. An assembly waits/,
  );
  // A reference and an order together; and a resource that waits for itself beside it.
  const mixed = assemblies(
    '  web:\n    release: debian12\n    resources:\n' +
      '      site: { template: httpd, parameters: { PEER: "@db:address" } }\n' +
      '      own: { template: httpd, dependsOn: [{ assembly: web, resource: own }] }\n' +
      '  db: { release: debian12, dependsOn: [{ assembly: web }] }\n',
  );
  const both = faults(mixed);
  assert.equal(both.length, 2, both.join('\n'));
  assert.ok(
    both.some((one) => /^8:60: assemblies\.web\.resources\.own\..*: web\/own → web\/own\./.test(one)),
    both.join('\n'),
  );
  assert.ok(
    both.some((one) => /^9:42: .*: web → web\/site → db → web\./.test(one)),
    both.join('\n'),
  );
  // Waiting both ways is no circle where it is of other things.
  const well = assemblies(
    '  a:\n    release: debian12\n    resources:\n' +
      '      one: { template: httpd, dependsOn: [{ assembly: b, resource: two }] }\n' +
      '      three: { template: httpd }\n' +
      '  b:\n    release: debian12\n    resources:\n' +
      '      two: { template: httpd, dependsOn: [{ assembly: a, resource: three }] }\n',
  );
  assert.deepEqual(faults(well), []);
});
