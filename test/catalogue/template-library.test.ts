/** The templates of a running service: dropped, changed, broken, put over the shipped ones, and taken away. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { findResourceTemplate } from '../../catalogue/resource-templates.ts';
import { openTemplateLibrary } from '../../catalogue/template-library.ts';
import { faultText } from '../../model/template-fault.ts';

const template = (name: string, summary = 'A thing'): string =>
  `name: ${name}\nsummary: ${summary}\nclass: service\nmonitorIntervalMs: 10000\nfamilies:\n  debian: { service: ${name}, packages: [${name}] }\n`;

async function place(t: TestContext) {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'pcloud-library-'));
  t.after(async () => await rm(directory, { recursive: true }));
  const shipped = path.join(directory, 'shipped', 'resources');
  const own = path.join(directory, 'own');
  await mkdir(shipped, { recursive: true });
  await writeFile(path.join(shipped, 'httpd.yaml'), template('httpd'));
  const notices: string[] = [];
  const open = async () =>
    await openTemplateLibrary({
      templatesDirectory: path.dirname(shipped),
      ownDirectory: own,
      notice: (fault) => notices.push(fault.reason),
    });
  const put = async (file: string, text: string): Promise<void> => {
    await mkdir(own, { recursive: true });
    await writeFile(path.join(own, file), text);
  };
  return { shipped, own, open, put, notices };
}

test('without a directory of the operator’s there are the shipped ones', async (t) => {
  const library = await (await place(t)).open();
  assert.deepEqual([...library.templates.keys()], ['httpd']);
  assert.deepEqual(library.faults(), []);
  assert.equal(library.sourceOf('httpd')?.origin, 'shipped');
});

test('a file that is dropped is there at the next look, and gone when it is taken away', async (t) => {
  const { open, put, own } = await place(t);
  const library = await open();
  const { templates } = library;
  await put('web.yaml', template('web'));
  await library.refresh();
  assert.equal(findResourceTemplate(templates, 'web').summary, 'A thing');
  assert.equal(library.sourceOf('web')?.origin, 'operator');
  await put('web.yaml', template('web', 'B thing'));
  await library.refresh();
  assert.equal(findResourceTemplate(templates, 'web').summary, 'B thing');
  await rm(path.join(own, 'web.yaml'));
  await library.refresh();
  assert.throws(() => findResourceTemplate(templates, 'web'), { code: 'unknown-template' });
});

test('a file of the operator’s takes the place of the shipped one until it is gone', async (t) => {
  const { open, put, own, shipped } = await place(t);
  await put('httpd.yaml', template('httpd', 'Mine'));
  const library = await open();
  assert.equal(library.templates.get('httpd')?.summary, 'Mine');
  assert.deepEqual(library.sourceOf('httpd'), {
    origin: 'operator',
    file: path.join(own, 'httpd.yaml'),
    overrides: path.join(shipped, 'httpd.yaml'),
  });
  await rm(path.join(own, 'httpd.yaml'));
  await library.refresh();
  assert.equal(library.templates.get('httpd')?.summary, 'A thing');
});

test('a broken file is told with its line, and costs the others nothing', async (t) => {
  const { open, put, notices } = await place(t);
  const good = template('bad');
  const wrong: readonly (readonly [string, number | null, RegExp])[] = [
    [good.replace('10000', 'soon'), 4, /^monitorIntervalMs: /],
    [good.replace('bad', 'other'), 1, /named after "bad"/],
    [`${good}colour: red\n`, 7, /colour/],
    [
      `${good}ports:\n  - { guestPort: 80, scheme: http }\n  - { guestPort: 0, scheme: tcp }\n`,
      9,
      /guestPort/,
    ],
    ['name: bad\nsummary: [\n', 3, /^it is not YAML/],
    [`${good}summary: twice\n`, 7, /^it is not YAML: Map keys must be unique/],
    [`${good}x: &a [1]\ny: *a\n`, null, /./],
    ['', null, /^the whole: /],
    ['- a\n- b\n', 1, /^the whole: /],
    ['#'.repeat(70_000), null, /it has 70000 bytes, the limit is 65536/],
    ['\u0000\u0001\u0002', null, /./],
  ];
  const library = await open();
  for (const [text, line, reason] of wrong) {
    await put('bad.yaml', text);
    await put('fine.yaml', template('fine'));
    await library.refresh();
    assert.deepEqual([...library.templates.keys()], ['fine', 'httpd'], text.slice(0, 80));
    const [fault, ...more] = library.faults();
    assert.equal(more.length, 0);
    assert.match(fault?.reason ?? '', reason);
    if (line !== null) assert.equal(fault?.line, line, faultText(fault ?? assert.fail()));
    assert.equal(fault?.usesEarlier, false);
    assert.equal(notices.at(-1), fault?.reason);
  }
  assert.throws(() => findResourceTemplate(library.templates, 'bad'), {
    code: 'template-broken',
    message: /bad\.yaml/,
  });
});

test('what a file held before it was broken goes on being used, and that is said once', async (t) => {
  const { open, put, notices } = await place(t);
  await put('web.yaml', template('web'));
  const library = await open();
  await put('web.yaml', 'name: [');
  await library.refresh();
  await library.refresh();
  assert.equal(library.templates.get('web')?.summary, 'A thing');
  assert.equal(library.faults()[0]?.usesEarlier, true);
  assert.equal(notices.length, 1);
  const restarted = await open();
  assert.equal(restarted.templates.get('web'), undefined);
  assert.equal(restarted.faults()[0]?.usesEarlier, false);
});

test('a shipped template never stands in for the operator’s broken one', async (t) => {
  const { open, put } = await place(t);
  await put('httpd.yaml', 'name: httpd\n');
  const library = await open();
  assert.throws(() => findResourceTemplate(library.templates, 'httpd'), { code: 'template-broken' });
});

test('a pipe, a directory, a loop of links and a file that nobody may read are faults like others', async (t) => {
  const { open, put, own } = await place(t);
  await put('web.yaml', template('web'));
  await promisify(execFile)('mkfifo', [path.join(own, 'pipe.yaml')]);
  await mkdir(path.join(own, 'directory.yaml'));
  await symlink('loop.yaml', path.join(own, 'loop.yaml'));
  const library = await open();
  assert.deepEqual([...library.templates.keys()], ['httpd', 'web']);
  assert.deepEqual(
    library.faults().map(({ name }) => name),
    ['directory', 'loop', 'pipe'],
  );
});

test('a file with the other ending is not passed over in silence, an editor’s are', async (t) => {
  const { open, put } = await place(t);
  await put('httpd.yml', template('httpd'));
  for (const file of ['.httpd.yaml.swp', '.#httpd.yaml', 'httpd.yaml~', 'README.md']) await put(file, 'x');
  const library = await open();
  assert.equal(library.sourceOf('httpd')?.origin, 'shipped');
  assert.deepEqual(
    library.faults().map(({ reason }) => reason),
    ['it is not read: the name of a template’s file ends in .yaml'],
  );
});

test('more files than anybody has are told, and the first of them read', async (t) => {
  const { open, put } = await place(t);
  for (let index = 0; index < 502; index += 1)
    await put(`t${String(index).padStart(3, '0')}.yaml`, template('t'));
  await put('t000.yaml', template('t000'));
  const library = await open();
  assert.ok(library.templates.has('t000'));
  assert.match(library.faults().at(-1)?.reason ?? '', /more than 500 files/);
});

test('an operator’s directory that cannot be read keeps nobody from the shipped templates', async (t) => {
  const { open, own } = await place(t);
  await writeFile(own, 'a file');
  const library = await open();
  assert.deepEqual([...library.templates.keys()], ['httpd']);
  assert.match(library.faults()[0]?.reason ?? '', /ENOTDIR/);
});

test('without the shipped directory nothing begins', async (t) => {
  const { shipped, open } = await place(t);
  await rm(shipped, { recursive: true });
  await assert.rejects(open(), { code: 'catalogue-broken' });
});

test('many who look at the same time all see what was there when they asked', async (t) => {
  const { open, put } = await place(t);
  const library = await open();
  await put('a.yaml', template('a'));
  const early = library.refresh();
  await put('b.yaml', template('b'));
  await Promise.all([early, ...Array.from({ length: 50 }, () => library.refresh())]);
  assert.deepEqual([...library.templates.keys()], ['a', 'b', 'httpd']);
});
