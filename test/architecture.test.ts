/**
 * The house's rules, checked on every file: which room imports which (no arrow the wrong way, no circle), how
 * long a file is and how it opens, and what must not be written anywhere. The tables are in `house/`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenArrow, findCycle } from './house/arrows.ts';
import {
  checkout,
  readWritten,
  rooms,
  sourceFiles,
  specifiersOf,
  writtenFiles,
} from './house/source-files.ts';

const files = sourceFiles();
const maxLines = 330;

/** Fails with one line a finding. */
function assertNone(findings: readonly string[]): void {
  assert.equal(findings.length, 0, `\n${findings.join('\n')}`);
}

function filesWhere(pattern: RegExp, except: (path: string) => boolean = () => false): readonly string[] {
  return files.filter((file) => !except(file.path) && pattern.test(file.text)).map((file) => file.path);
}

test('every room is there', () => {
  for (const room of rooms)
    assert.ok(
      files.some((file) => file.path.startsWith(`${room}/`)),
      `${room}/ has no source`,
    );
});

test('imports follow the arrows of the house', () => {
  assertNone(
    files.flatMap((file) =>
      file.imports.flatMap((to) => {
        const why = brokenArrow(file.path, to);
        return why === undefined ? [] : [`${file.path} imports ${to}: ${why}`];
      }),
    ),
  );
});

test('the page has only types of the model, so that no browser is sent it', () => {
  assertNone(
    files
      .filter((file) => file.path.startsWith('page/'))
      .filter((file) => /^(?:import|export)\s+(?!type\b)[^;]*?from '\.\.\//m.test(file.text))
      .map((file) => file.path),
  );
});

test('no file imports itself in a circle', () => {
  const cycle = findCycle(new Map(files.map((file) => [file.path, file.imports])));
  assert.equal(cycle, undefined, cycle?.join(' → '));
});

test('no file is longer than a person reads at once', () => {
  assertNone(
    files.flatMap((file) => {
      const lines = file.text.trimEnd().split('\n').length;
      return lines > maxLines ? [`${file.path} has ${lines} lines, the limit is ${maxLines}`] : [];
    }),
  );
});

test('every file opens with a comment that says what it owns', () => {
  const opening = (text: string): string => text.replace(/^#!.*\n/, '');
  assertNone(files.filter((file) => !opening(file.text).startsWith('/**')).map((file) => file.path));
});

test('no default exports, no enums', () => {
  assertNone(filesWhere(/^export default\b/m));
  assertNone(filesWhere(/^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w/m));
});

test('only the shell and the tools print; services log', () => {
  assertNone(
    filesWhere(/\bconsole\.\w+\(/, (path) => path.startsWith('shell/') || path.startsWith('tools/')),
  );
});

test('no shell ever sees a string: programs are run by argument lists', () => {
  assertNone(
    filesWhere(
      /\bshell:\s*true\b|\bexecSync\b|\bexeca(?:Command|Sync)\b|from 'node:child_process'.*\bexec\b/,
    ),
  );
});

/**
 * Hosts that a written file may name: our own, public archives of install media (a release's
 * own, as its project gives them), the bare domains that osinfo
 * ids are made of, references of comments, names of schemas, and what standards reserve. A package mirror is none of them.
 */
const knownHosts =
  /^(?:pacemaker-cloud\.org|archives\.fedoraproject\.org|vault\.centos\.org|dl\.fedoraproject\.org|(?:repo\.)?almalinux\.org|10\.0\.2\.\d+|fedoraproject\.org|www\.apache\.org|debian\.org|redhat\.com|sqlite\.org|(?:[\w-]+\.)*example(?:\.(?:com|org|net))?|[\w.-]+\.(?:test|invalid|example)|localhost|127(?:\.\d+){1,3}|libvirt\.org|www\.rfc-editor\.org|systemd\.io|spdx\.org|www\.w3\.org|json-schema\.org|pkl\.libosinfo\.org|relaxng\.org)$/;

/** Not the lock: it holds what npm writes, and is checked apart. */
const everyText = writtenFiles('**/*').filter(
  (file) =>
    file !== 'package-lock.json' &&
    /\.(?:ts|js|json|c|h|ya?ml|md|hbs|ks|txt|service|sh|xml|cfg|tdl)$|(?:^|\/)(?:Makefile|bootstrap|run)$/.test(
      file,
    ),
);

test('no package archive or registry is named: those come from the host or from configuration', () => {
  assertNone(
    everyText.flatMap((file) =>
      [...readWritten(file).matchAll(/\b(?:https?|ftp):\/\/([A-Za-z0-9.-]*[A-Za-z0-9])/g)].flatMap(
        (match) => {
          const host = match[1] ?? '';
          // Without a dot it is a variable of a template or a made-up host of a test.
          return !host.includes('.') || knownHosts.test(host) ? [] : [`${file} names ${host}`];
        },
      ),
    ),
  );
  assert.doesNotMatch(readWritten('package-lock.json'), /"resolved": "http/);
  assert.doesNotMatch(readWritten('.npmrc'), /registry\s*=/);
});

test('no file knows where this checkout lies, or in whose home', () => {
  const places = new RegExp(`${checkout.replaceAll(/[^\w/]/g, '\\$&')}(?![\\w-])|/(?:home|Users)/[a-z]\\w+/`);
  assertNone(everyText.filter((file) => places.test(readWritten(file))));
});

test('nothing is left for later in the sources', () => {
  const marks = new RegExp(
    `\\b(?:${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|${['XX', 'X'].join('')})\\b`,
  );
  assertNone(everyText.filter((file) => marks.test(readWritten(file))));
});

test('the rules themselves tell right from wrong', () => {
  const wrong: readonly (readonly [string, string])[] = [
    ['model/a.ts', 'service/b.ts'],
    ['model/a.ts', 'node:fs'],
    ['builder/a.ts', 'runtime/ports.ts'],
    ['runtime/a.ts', 'builder/client.ts'],
    ['shell/a.ts', 'builder/queue.ts'],
    ['shell/a.ts', 'catalogue/releases.ts'],
    ['shell/a.ts', 'ioredis'],
    ['service/a.ts', 'catalogue/releases.ts'],
    ['builder/client.ts', 'builder/queue.ts'],
    ['builder/media-client.ts', 'builder/media/media-store.ts'],
    ['shell/a.ts', 'builder/media/source.ts'],
    ['builder/engines/a.ts', 'builder/worker.ts'],
    ['runtime/supervisor/a.ts', 'runtime/adapters/b.ts'],
    ['runtime/supervisor/a.ts', 'node:fs'],
    ['runtime/adapters/a.ts', 'runtime/supervisor/step.ts'],
    ['runtime/a.ts', 'tools/stack/stack.ts'],
    ['runtime/a.ts', 'test/integration/free-port.ts'],
    ['page/a.ts', 'service/sse.ts'],
    ['page/a.ts', 'zod'],
    ['page/a.ts', 'node:fs'],
    ['runtime/a.ts', 'page/words.ts'],
  ];
  for (const [from, to] of wrong) assert.notEqual(brokenArrow(from, to), undefined, `${from} → ${to}`);
  const right: readonly (readonly [string, string])[] = [
    ['model/a.ts', 'zod'],
    ['page/a.ts', 'model/event.ts'],
    ['builder/main.ts', 'builder/queue.ts'],
    ['builder/worker.ts', 'builder/plan.ts'],
    ['runtime/main.ts', 'runtime/supervisor/step.ts'],
    ['runtime/adapters/a.ts', 'native/libvirt/index.js'],
    ['shell/a.ts', 'builder/client.ts'],
    ['builder/client.ts', 'builder/media-client.ts'],
    ['service/sd-notify.ts', 'native/unix-datagram/index.js'],
  ];
  for (const [from, to] of right) assert.equal(brokenArrow(from, to), undefined, `${from} → ${to}`);
  assert.deepEqual(
    findCycle(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['b']],
      ]),
    ),
    ['b', 'c', 'b'],
  );
  assert.equal(
    findCycle(
      new Map([
        ['a', ['b', 'c']],
        ['b', ['c']],
        ['c', []],
      ]),
    ),
    undefined,
  );
  assert.deepEqual(
    specifiersOf(
      "import a from 'a';\nimport type { B } from './b.ts';\nexport { c } from './c.ts';\nawait import('./d.ts');\nimport 'e';\n// import f from 'f';\n",
    ),
    ['a', './b.ts', './c.ts', 'e', './d.ts'],
  );
});
