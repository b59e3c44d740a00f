/** Whom a notice is told, by the operator's rules; and a file of rules that is wrong, by line and column. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { PcloudError } from '../../../model/errors.ts';
import { noticeOfEvent, noticeOfIncident } from '../../../runtime/telling/notice.ts';
import type { Notice } from '../../../runtime/telling/notice.ts';
import { createRulesReader, parseRules } from '../../../runtime/telling/rules-file.ts';
import { recipientsAmong, recipientsOf } from '../../../runtime/telling/rules.ts';
import { ended, event, incident } from './samples.ts';

const text = `
# Pages for what people see, mail for the rest, nothing of the laboratory.
rules:
  - match: {deployable: "lab-*"}
    programs: none
    webhook: no
  - match:
      rung: [assembly, deployable, host]
      severity: error
    programs: [pager, mail]
    webhook: yes
  - match: {resource: ["web?", "{db,cache}"]}
    programs: [mail]
    webhook: false
`;

function told(notice: Notice | undefined): string {
  assert.ok(notice !== undefined);
  const { programs, webhook } = recipientsOf(parseRules('alerts.yaml', text), notice);
  return `${typeof programs === 'string' ? programs : programs.join('+')} ${webhook}`;
}

test('the first rule that matches decides, by rung, severity and names', () => {
  const dead = { rung: 'assembly', resource: null } as const;
  for (const [notice, expected] of [
    [noticeOfIncident(incident({ ...dead, deployable: 'lab-7' })), 'none false'],
    [noticeOfIncident(incident(dead)), 'pager+mail true'],
    // What recovered is no error any more, and nothing else matches it.
    [noticeOfIncident(ended(dead)), 'all true'],
    [noticeOfIncident(incident({ resource: 'web1' })), 'mail false'],
    [noticeOfIncident(incident({ resource: 'cache' })), 'mail false'],
    [noticeOfIncident(incident({ resource: 'web12' })), 'all true'],
    [
      noticeOfEvent(event({ kind: 'deployable-blocked', severity: 'error', deployable: 'dep1' })),
      'pager+mail true',
    ],
    // libvirt belongs to no deployable, so that no pattern for one matches it.
    [noticeOfEvent(event()), 'all true'],
  ] as const)
    assert.equal(told(notice), expected, notice?.text);
});

test('without a file, and without a rule that matches, all are told', () => {
  for (const rules of [parseRules('x', null), parseRules('x', 'rules: []')])
    assert.deepEqual(recipientsOf(rules, noticeOfIncident(incident())), { programs: 'all', webhook: true });
});

test('a file that is wrong is refused with line and column, and the field', () => {
  for (const [wrong, place, why] of [
    [
      'rules:\n  - programs: all\n    webhook: maybe\n',
      'line 3, column 14',
      /rules\.0\.webhook: must be yes or no/,
    ],
    ['rules:\n  - match: {rung: vm}\n    programs: all\n    webhook: yes\n', 'line 2, column 19', /rung/],
    [
      'rules:\n  - match: {deployable: "a/b"}\n    programs: all\n    webhook: yes\n',
      'line 2, column 25',
      /deployable/,
    ],
    ['rules:\n  - {programs: all}\n', 'line 2, column 5', /webhook/],
    ['rules:\n  - programs: ["../sh"]\n    webhook: no\n', 'line 2, column', /programs/],
    ['rules: []\nrule: []\n', 'line 1, column 1', /rule/],
    ['rules: [\n', 'line', /./],
    ['rules: []\nrules: []\n', 'line 2, column 1', /unique/],
    ['', 'line 1, column 1', /./],
  ] as const)
    assert.throws(
      () => parseRules('/etc/alerts.yaml', wrong),
      (error: PcloudError) => {
        assert.deepEqual([error.code, error.category], ['bad-alert-rules', 'invalid']);
        assert.ok(error.message.includes(`/etc/alerts.yaml are wrong in ${place}`), error.message);
        assert.match(error.message, why);
        return true;
      },
      wrong,
    );
});

test('the file is read again when it changes; while it is wrong, what held before holds, and it is said once', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'pct-'));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'alerts.yaml');
  const problems: string[] = [];
  const reader = createRulesReader(file, ({ message }) => problems.push(message));
  const count = async (): Promise<number> => (await reader.current()).rules.length;
  assert.equal(await count(), 0);
  await writeFile(file, text);
  assert.equal(await count(), 3);
  await writeFile(file, 'rules: no\n');
  assert.equal(await count(), 3);
  assert.equal(await count(), 3);
  assert.equal(problems.length, 1);
  await writeFile(file, 'rules: [{programs: none, webhook: no}]\n');
  assert.equal(await count(), 1);
  await rm(file);
  assert.equal(await count(), 0);
  assert.equal(problems.length, 1);
});

test('of a deployable’s own rules each that matches counts', () => {
  const alerts = [
    { program: 'all' },
    { program: 'machines', match: { rung: ['assembly' as const, 'deployable' as const] } },
    { webhook: '@secret:hook', match: { severity: ['error' as const] } },
    { program: 'web', match: { resource: ['http*'], assembly: ['assy?'] } },
  ];
  const among = (notice: Notice): string => {
    const { programs, webhooks } = recipientsAmong(alerts, notice);
    return [...programs, ...webhooks.map(({ webhook }) => webhook)].join(' ');
  };
  assert.equal(among(noticeOfIncident(incident())), 'all web');
  assert.equal(
    among(noticeOfIncident(incident({ rung: 'assembly', resource: null }))),
    'all machines @secret:hook',
  );
  assert.equal(among(noticeOfIncident(ended({ assembly: 'other' }))), 'all');
});
