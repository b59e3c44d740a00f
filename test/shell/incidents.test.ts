/** incident_list, incident_show and events --since: what is asked for, and how it reads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { DeployableStatus } from '../../model/cped-api.ts';
import { PcloudError } from '../../model/errors.ts';
import { incidentSchema } from '../../model/event.ts';
import type { JournalEvent } from '../../model/event.ts';
import type { CpedPort, IncidentsQuery, JournalPageQuery } from '../../shell/ports.ts';
import { renderIncident, renderIncidents } from '../../shell/render-incidents.ts';
import { runLine } from '../../shell/run-line.ts';
import { plainStyle } from '../../shell/style.ts';
import { can, cannedJournal, cpedRoutes } from './canned.ts';
import { fakeServices } from './fake-services.ts';
import { recorder } from './ports-fake.ts';
import { runShell } from './run-shell.ts';
import { cpedStatus, deployableStatus, incident, journalEvent, nowMs } from './samples.ts';

const view = { nowMs, columns: null, style: plainStyle };
const run = async (line: string, session: ReturnType<typeof recorder>): Promise<number> =>
  await runLine(line, session.context);

test('the list is one line an incident, with how long it took or goes on', () => {
  const lines = renderIncidents(
    [
      incident({ id: '7', resource: null, rung: 'assembly', cause: 'its virtual machine is off' }),
      incident({ outcome: 'open', endedAtMs: null }),
    ],
    view,
  );
  assert.deepEqual(lines, [
    'ID  NOTICED   WHAT            OUTCOME    TOOK     CAUSE',
    '7   11:59:00  assy1           recovered  1.1s     its virtual machine is off',
    '12  11:59:00  assy1/httpdone  open       1m00s …  its main process 163 was killed by signal 9',
  ]);
});

test('one incident is told from its cause to its end, with the times of what was done', () => {
  assert.deepEqual(renderIncident(incident(), [journalEvent({ atMs: nowMs - 60_000 })], view), [
    'incident   12',
    'what       resource httpdone in assembly assy1 in deployable dep1',
    'rung       resource',
    'cause      its main process 163 was killed by signal 9',
    'verdict    died',
    'outcome    recovered',
    'noticed    11:59:00',
    'ended      11:59:01',
    'took       1.1s',
    '',
    'evidence:',
    '  the guest’s kernel told of the death',
    '  screen: /var/lib/pacemaker-cloud/evidence/12/screen.png',
    '',
    'what was done:',
    '  +0.0s  Starting it again at once (failure 1 of 5 within 3600 s).',
    '  +1.0s  Its start has succeeded.',
    '',
    'in the journal:',
    '  11:59:00 The resource [httpdone] in assembly [assy1] in deployable [dep1] is FAILED. Restarting it.',
  ]);
});

test('what is not known is left out, and a guest’s words move no cursor', () => {
  const old = incidentSchema.parse({
    ...incident({
      verdict: null,
      evidence: [],
      deployable: null,
      resource: null,
      outcome: 'open',
      endedAtMs: null,
    }),
    cause: 'said \u001b[2J',
    actions: ['It was started again.'],
  });
  assert.deepEqual(renderIncident(old, [], view), [
    'incident   12',
    'what       assembly assy1',
    'rung       resource',
    String.raw`cause      said \u001b[2J`,
    'outcome    open',
    'noticed    11:59:00',
    'goes on    1m00s …',
    '',
    'what was done:',
    '  -  It was started again.',
  ]);
});

test('incident_list asks for what its options say, and for 20 without them', async () => {
  const asked: IncidentsQuery[] = [];
  const session = recorder({
    cped: {
      incidents: (query) => {
        asked.push(query);
        return Promise.resolve([]);
      },
    },
  });
  assert.equal(await run('incident_list', session), 0);
  assert.equal(await run('incident_list --open --deployable dep1 --since 2h --limit 3', session), 0);
  assert.equal(await run('incident_list --since 2026-11-22T12:00:00Z', session), 0);
  assert.deepEqual(asked[0], { open: undefined, deployable: undefined, since: undefined, limit: 20 });
  const agoMs = Date.now() - (asked[1]?.since ?? 0);
  assert.ok(agoMs >= 7_200_000 && agoMs < 7_260_000, `${agoMs}`);
  assert.deepEqual({ ...asked[1], since: 0 }, { open: true, deployable: 'dep1', since: 0, limit: 3 });
  assert.equal(asked[2]?.since, Date.UTC(2026, 10, 22, 12, 0, 0));
  assert.deepEqual(session.printed, ['No incidents.', 'No incident is open.', 'No incidents.']);
});

test('a list that is full says how to see more', async () => {
  const session = recorder({
    cped: { incidents: () => Promise.resolve([incident(), incident({ id: '13' })]) },
  });
  assert.equal(await run('incident_list --limit 2', session), 0);
  assert.equal(session.printed.at(-1), 'the newest 2; --limit N shows more');
});

test('an unknown incident is exit code 1, and what is no id is exit code 2 with a way on', async () => {
  const unknown = new PcloudError({
    code: 'unknown-incident',
    category: 'not-found',
    message: 'There is no incident "99".',
    hint: 'incident_list shows them.',
  });
  const session = recorder({ cped: { incident: () => Promise.reject(unknown) } });
  assert.equal(await run('incident_show 99', session), 1);
  assert.equal(await run('incident_show assy1', session), 2);
  assert.match(
    session.complained.join('\n'),
    /There is no incident "99"[^]*"assy1" is not the id of an incident/,
  );
  assert.equal(await run('incident_sho 12', session), 2);
  assert.match(session.complained.at(-1) ?? '', /Did you mean incident_show/);
});

/** A journal of `total` events that is served page by page, as the service does. */
function pagesOf(total: number, asked: JournalPageQuery[]): Partial<CpedPort> {
  const journal = Array.from({ length: total }, (_, index) =>
    journalEvent({ seq: index + 1, text: `e${index + 1}.` }),
  );
  return {
    journalPage: (query) => {
      asked.push(query);
      const { after, limit } = query;
      const rest = journal.filter(({ seq }) => seq > (after ?? 0));
      const events = after === undefined ? rest.slice(-limit) : rest.slice(0, limit);
      return Promise.resolve({ events, lastSeq: total });
    },
  };
}

test('events --since shows all of that time, page by page, each event once', async () => {
  const asked: JournalPageQuery[] = [];
  const session = recorder({ cped: pagesOf(2500, asked) });
  assert.equal(await run('events --since 1d', session), 0);
  assert.equal(session.printed.length, 2500);
  assert.match(session.printed.at(-1) ?? '', / e2500\.$/);
  assert.equal(new Set(session.printed).size, 2500);
  assert.deepEqual(
    asked.map(({ after }) => after),
    [0, 1000, 2000],
  );
  assert.equal(new Set(asked.map(({ since }) => since)).size, 1);
});

test('events --by-incident puts the lines of each incident together, with how it ended and how long it took', async () => {
  const of = (seq: number, id: string | null, text: string): JournalEvent =>
    journalEvent({ seq, incident: id, text, resource: id === '13' ? null : 'httpdone' });
  const session = recorder({
    cped: {
      journal: () =>
        Promise.resolve([
          of(1, '12', 'a FAILED.'),
          of(2, null, 'libvirt is back.'),
          of(3, '13', 'b FAILED.'),
          of(4, '12', 'a is ACTIVE again.'),
        ]),
      incidents: () => Promise.resolve([incident({ id: '12' })]),
    },
  });
  assert.equal(await run('events --by-incident', session), 0);
  assert.deepEqual(
    session.printed.map((line) => line.replace(/\d{2}:\d{2}:\d{2}|\d{4}-[\d-]+ [\d:]+/, 'T')),
    [
      'incident 12, assy1/httpdone: recovered, 1.1s',
      '  T a FAILED.',
      '  T a is ACTIVE again.',
      'T libvirt is back.',
      'incident 13, assy1',
      '  T b FAILED.',
    ],
  );
  assert.equal(await run('events --by-incident --follow', session), 2);
  assert.match(session.complained.join('\n'), /--by-incident and --follow do not go together/);
});

test('events --timestamps has whole dates, to the millisecond', async () => {
  const event = journalEvent({ atMs: Date.UTC(2026, 10, 22, 11, 5, 6, 78), text: 'x FAILED.' });
  const session = recorder({ cped: { journal: () => Promise.resolve([event]) } });
  assert.equal(await run('events --timestamps', session), 0);
  assert.deepEqual(session.printed, ['2026-11-22T11:05:06.078Z x FAILED.']);
});

test('events --since --tail shows the newest of that time', async () => {
  const asked: JournalPageQuery[] = [];
  const session = recorder({ cped: pagesOf(2500, asked) });
  assert.equal(await run('events --since 1d --tail 2', session), 0);
  assert.deepEqual(
    session.printed.map((line) => line.split(' ').at(-1)),
    ['e2499.', 'e2500.'],
  );
  assert.deepEqual([asked.length, asked[0]?.after, asked[0]?.limit], [1, undefined, 2]);
});

test('events --since --follow goes on behind what was looked through, also where nothing was found', async () => {
  const from: (number | undefined)[] = [];
  const session = recorder({
    cped: {
      journalPage: () => Promise.resolve({ events: [], lastSeq: 41 }),
      status: () => Promise.resolve(cpedStatus({ lastSeq: 41 })),
      async *events(after): AsyncGenerator<JournalEvent> {
        from.push(after);
        yield journalEvent({ seq: 42, text: 'The next one.' });
        session.interrupt();
        await Promise.resolve();
      },
    },
  });
  assert.equal(await run('events --since 2h --follow', session), 130);
  assert.deepEqual(from, [41]);
  assert.equal(session.printed.length, 1);
});

test('through the real program and a real socket, plain and as JSON', async (t) => {
  const made = await fakeServices({
    cped: {
      ...cpedRoutes,
      'GET /v1/journal': cannedJournal([journalEvent({ incident: '12' })]),
      'GET /v1/incidents/startup%2Fassy1': can(z.unknown(), { incident: incident({ id: 'startup/assy1' }) }),
    },
  });
  t.after(async () => await made.close());
  const lines = [
    'incident_list --open --deployable dep1 --limit 5',
    'incident_list --json',
    'incident_show 12',
    'incident_show startup/assy1 --json',
    'events --since 2026-11-22T12:00:00Z',
  ];
  const { code, stdout, stderr } = await runShell(
    made.runtimeDirectory,
    ['-f', '-'],
    `${lines.join('\n')}\n`,
  );
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.deepEqual(made.requests(), [
    'GET /v1/incidents?open=true&deployable=dep1&limit=5',
    'GET /v1/incidents?limit=20',
    'GET /v1/incidents/12',
    'GET /v1/journal?incident=12&limit=1000',
    'GET /v1/incidents/startup%2Fassy1',
    'GET /v1/journal?incident=startup%2Fassy1&limit=1000',
    'GET /v1/journal?since=1795348800000&after=0&limit=1000',
  ]);
  assert.match(stdout, /^ID +NOTICED[^]*\n12 +/);
  const json = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): unknown => JSON.parse(line));
  assert.deepEqual(json, [
    { version: 1, incidents: [incident()] },
    { version: 1, incident: incident({ id: 'startup/assy1' }), events: [journalEvent({ incident: '12' })] },
  ]);
});

test('alerts of deployables are listed without the path of an address', async () => {
  const alerts: DeployableStatus['alerts'] = [
    { webhook: 'https://alerts.example.org/hook/1', token: '@secret:hook-token' },
    { webhook: '@secret:hook', match: { severity: ['error'] } },
    { program: 'pager' },
  ];
  const asked = {
    cped: {
      deployables: () => Promise.resolve([deployableStatus({ alerts }), deployableStatus({ name: 'dep2' })]),
    },
  };
  const session = recorder(asked);
  assert.equal(await runLine('alert_list', session.context), 0);
  assert.deepEqual(session.printed, [
    'DEPLOYABLE  ALERT',
    'dep1        webhook https://alerts.example.org/… with @secret:hook-token',
    'dep1        webhook @secret:hook of severity error',
    'dep1        program pager',
  ]);
  const none = recorder({ cped: { deployable: () => Promise.resolve(deployableStatus()) } });
  assert.equal(await runLine('alert_list --deployable dep1', none.context), 0);
  assert.deepEqual(none.printed, ['No deployable has alerts of its own.']);
});

test('an alert is added and taken out as it is typed, and what cannot be one is refused without an address', async () => {
  const asked: unknown[] = [];
  const session = recorder({
    cped: {
      addAlert: (deployable, alert) => {
        asked.push([deployable, alert]);
        return Promise.resolve({ alerts: [alert] });
      },
      removeAlert: (deployable, address) => {
        asked.push([deployable, address]);
        return Promise.resolve({ alerts: [] });
      },
    },
  });
  for (const line of [
    'deployable_alert_add dep1 --program pager --rung assembly,deployable --severity error',
    'deployable_alert_add dep1 --webhook @secret:hook --token @secret:hook-token --resource db-*',
    'deployable_alert_remove dep1 --webhook @secret:hook',
  ])
    assert.equal(await runLine(line, session.context), 0, session.complained.join(' '));
  assert.deepEqual(asked, [
    ['dep1', { program: 'pager', match: { rung: ['assembly', 'deployable'], severity: ['error'] } }],
    ['dep1', { webhook: '@secret:hook', token: '@secret:hook-token', match: { resource: ['db-*'] } }],
    ['dep1', { webhook: '@secret:hook' }],
  ]);
  assert.deepEqual(session.printed, [
    'program pager of rung assembly or deployable, severity error is told of deployable dep1',
    'webhook @secret:hook with @secret:hook-token of resource db-* is told of deployable dep1',
    'it is told no more of deployable dep1',
  ]);
  for (const [line, message] of [
    ['deployable_alert_add dep1', /Say either --webhook or --program/],
    ['deployable_alert_remove dep1 --webhook a --program b', /Say either --webhook or --program/],
    ['deployable_alert_add dep1 --program ../sh', /--program must be the name of a file in the directory/],
    ['deployable_alert_add dep1 --webhook https://a.example/?pathsecret', /--webhook has more than a path/],
    ['deployable_alert_add dep1 --webhook ftp://pathsecret', /--webhook must be an address such as/],
    ['deployable_alert_add dep1 --webhook http://a.example --token @secret:t', /--webhook must be https/],
    [
      'deployable_alert_add dep1 --webhook https://a.example --token pathsecret',
      /--token must be @secret:NAME/,
    ],
    ['deployable_alert_add dep1 --program pager --token @secret:t', /A token is for a webhook/],
    ['deployable_alert_add dep1 --program pager --rung vm', /--rung Invalid option/],
  ] as const) {
    session.complained.length = 0;
    assert.equal(await runLine(line, session.context), 2, line);
    assert.match(session.complained[0] ?? '', message);
    assert.doesNotMatch(session.complained.join(' '), /pathsecret/);
  }
});
