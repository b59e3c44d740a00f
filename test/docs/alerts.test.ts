/** docs/alerts.md: each of its blocks is run or compared, and its tables have what the program has, no more. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { readConfig } from '../../runtime/config.ts';
import { alertOf, environmentOf } from '../../runtime/telling/alert.ts';
import { defaultBurstLimits } from '../../runtime/telling/bursts.ts';
import { noticeOfEvent, noticeOfIncident } from '../../runtime/telling/notice.ts';
import { readProgramDirectory } from '../../runtime/telling/programs.ts';
import { parseRules } from '../../runtime/telling/rules-file.ts';
import { recipientsOf } from '../../runtime/telling/rules.ts';
import { commandTable } from '../../shell/command-table.ts';
import { event, incident } from '../runtime/telling/samples.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(checkout, 'docs/alerts.md'), 'utf8');
const etc = '/etc/pacemaker-cloud';

function blocks(language: string): readonly string[] {
  return [...page.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, found, text]) =>
    found === language ? [text ?? ''] : [],
  );
}

/** Rows of the table whose head begins so, as cells without backquotes. */
function rowsOf(head: string): readonly (readonly string[])[] {
  const table = page.split(`| ${head} |`)[1]?.split('\n\n')[0] ?? '';
  return table
    .split('\n')
    .filter((row) => row.startsWith('|'))
    .slice(1)
    .map((row) =>
      row
        .split('|')
        .map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1'))
        .slice(1),
    );
}

/** A place for what the page has in /etc, and a logger(1) that writes down how it was called. */
async function place(t: TestContext) {
  const directory = await mkdtemp(path.join(tmpdir(), 'pcd-'));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  await mkdir(path.join(directory, 'bin'));
  const logger = path.join(directory, 'bin/logger');
  await writeFile(logger, `#!/bin/sh\nprintf '%s\\n' "$@" >> ${directory}/logged\n`);
  await chmod(logger, 0o755);
  const pathVariable = `${directory}/bin:${checkout}/bin:${process.env['PATH'] ?? ''}`;
  return {
    directory,
    logged: async () => (await readFile(path.join(directory, 'logged'), 'utf8')).trim().split('\n'),
    run: async (script: string) =>
      await execa('sh', ['-e'], {
        input: script.replaceAll(etc, directory),
        cwd: checkout,
        env: { PATH: pathVariable },
        reject: false,
        timeout: 20_000,
      }),
  };
}

test('the example is installed, tried by hand, and is then a program that the service runs', async (t) => {
  const { directory, run, logged } = await place(t);
  const [install = '', tryIt = ''] = blocks('sh');
  assert.equal((await run(install)).exitCode, 0);
  const { programs, skipped } = await readProgramDirectory(path.join(directory, 'alerts.d'));
  assert.deepEqual([programs.map(({ name }) => name), skipped], [['alert-syslog'], []]);
  assert.equal((await run(tryIt)).exitCode, 0);
  assert.deepEqual(await logged(), ['-t', 'pacemaker-cloud', '-p', 'daemon.err', '--', 'A try.']);
});

test('the example tells of a failure and not of what an operator stopped', async (t) => {
  const { run, logged } = await place(t);
  for (const outcome of ['stopped', 'open'] as const) {
    const environment = environmentOf(
      alertOf({ kind: 'single', notice: noticeOfIncident(incident({ outcome })) }),
    );
    const variables = Object.entries(environment).map(([name, value]) => `export ${name}='${value}'\n`);
    assert.equal((await run(`${variables.join('')}docs/examples/alert-syslog`)).exitCode, 0);
  }
  assert.deepEqual((await logged()).slice(2, 4), ['-p', 'daemon.warning']);
  assert.equal((await logged()).length, 6);
});

test('the table of variables is what a program finds', () => {
  const alert = alertOf({ kind: 'single', notice: noticeOfIncident(incident()) });
  const rows = rowsOf('variable');
  assert.deepEqual(
    rows.map(([name]) => name),
    Object.keys(environmentOf(alert)),
  );
  const kinds = rows.find(([name]) => name === 'PCLOUD_ALERT_KIND')?.[1] ?? '';
  const told = [...kinds.matchAll(/`([a-z]+-[a-z]+)`/g)].map(([, kind]) => kind);
  assert.equal(told.length, 5);
  for (const kind of told) assert.ok(noticeOfEvent(event({ kind: kind as never })) !== undefined, kind);
});

test('the JSON is what a program reads and the webhook gets', () => {
  const [sample = ''] = blocks('json');
  assert.deepEqual(JSON.parse(sample), alertOf({ kind: 'single', notice: noticeOfIncident(incident()) }));
});

test('the rules are rules, mean what their comments say, and the check tells right from wrong', async (t) => {
  const { directory, run } = await place(t);
  const [text = ''] = blocks('yaml');
  const told = (fields: Parameters<typeof incident>[0]): unknown => {
    const { programs, webhook } = recipientsOf(parseRules('x', text), noticeOfIncident(incident(fields)));
    return [programs, webhook];
  };
  assert.deepEqual(told({ deployable: 'lab-7', rung: 'assembly' }), ['none', false]);
  assert.deepEqual(told({ rung: 'assembly' }), [['alert-syslog', 'alert-pager'], true]);
  assert.deepEqual(told({}), [['alert-syslog'], false]);
  const check = blocks('sh')[2] ?? '';
  await writeFile(path.join(directory, 'alerts.yaml'), text);
  assert.equal((await run(check)).exitCode, 0);
  await writeFile(path.join(directory, 'alerts.yaml'), text.replace('none', 'nobody'));
  const wrong = await run(check);
  assert.equal(wrong.exitCode, 2);
  assert.match(
    wrong.stderr,
    /alerts\.yaml are wrong in line 4, column 15: rules\.0\.programs: must be all, none/,
  );
});

test('the settings of the webhook are taken, and every setting stands in the table with its default', () => {
  const lines = (blocks('ini')[0] ?? '').trim().split('\n');
  const given = Object.fromEntries(lines.map((line) => line.split('=')));
  assert.deepEqual(readConfig(given).alerts.webhook, {
    url: 'https://alerts.example.org/hook',
    tokenFile: '/etc/pacemaker-cloud/webhook.token',
  });
  const { alerts } = readConfig({});
  assert.deepEqual(
    rowsOf('setting').map(([name, value]) => [name, value]),
    [
      ['PCLOUD_ALERTS_DIR', alerts.directory],
      ['PCLOUD_ALERTS_FILE', alerts.rulesFile],
      ['PCLOUD_ALERT_TIMEOUT', String(alerts.timeoutMs / 1000)],
      ['PCLOUD_WEBHOOK_URL', 'none'],
      ['PCLOUD_WEBHOOK_TOKEN_FILE', 'none'],
    ],
  );
  const settings = readFileSync(path.join(checkout, 'runtime/config.ts'), 'utf8').match(
    /\bPCLOUD_(?:ALERT|WEBHOOK)\w*\b/g,
  );
  for (const name of settings ?? []) assert.ok(page.includes(`| \`${name}\` |`), name);
});

test('the figures are the program’s, and it names no command that pcloudsh does not have', () => {
  const { windowMs, singles, longestWindowMs } = defaultBurstLimits;
  assert.deepEqual([windowMs, singles, longestWindowMs], [10_000, 5, 300_000]);
  assert.match(page, /within 10 s the first five alerts[^]*twenty[^]*up to 5 minutes/);
  const known = commandTable.map(({ name }) => name);
  const named = [...page.matchAll(/`((?:incident|assembly|deployable)_[a-z_]+|events)`/g)];
  assert.ok(named.length >= 3);
  for (const [, name] of named) assert.ok(known.includes(name ?? ''), name);
});
