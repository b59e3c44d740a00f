/**
 * Alerts from the memory's listeners to real programs and a real server: who is told what, how little of a
 * burst, and that neither failing nor hanging programs hold anything up or fill the journal.
 */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openDatabase } from '../../../runtime/adapters/sqlite-database.ts';
import { createDefinitionStore } from '../../../runtime/adapters/sqlite-definitions.ts';
import { createMemory } from '../../../runtime/adapters/sqlite-memory.ts';
import { systemClock } from '../../../runtime/adapters/system-clock.ts';
import type { Alert } from '../../../runtime/telling/alert.ts';
import type { AlertDefinitions } from '../../../runtime/telling/own-webhook.ts';
import { startTelling } from '../../../runtime/telling/telling.ts';
import type { AlertSettings } from '../../../runtime/telling/telling.ts';
import { createLogger } from '../../../service/logger.ts';
import { ended, event, incident } from './samples.ts';

/** A directory of programs, a memory, and the alerts over both. */
async function stage(t: TestContext, options: { webhook?: string; timeoutMs?: number } = {}) {
  const directory = await mkdtemp(path.join(tmpdir(), 'pct-'));
  const database = openDatabase(path.join(directory, 'db.sqlite'));
  const memory = createMemory(database);
  const definitions = createDefinitionStore(database);
  const lines: string[] = [];
  const log = createLogger({
    service: 'test',
    level: 'info',
    destination: { write: (line: string) => void lines.push(line) },
  });
  const settings: AlertSettings = {
    directory: path.join(directory, 'alerts.d'),
    rulesFile: path.join(directory, 'alerts.yaml'),
    timeoutMs: options.timeoutMs ?? 10_000,
    webhook:
      options.webhook === undefined
        ? null
        : { url: options.webhook, tokenFile: path.join(directory, 'token') },
  };
  await mkdir(settings.directory);
  await writeFile(path.join(directory, 'token'), 'verysecret\n', { mode: 0o600 });
  t.after(async () => {
    database.close();
    await rm(directory, { recursive: true, force: true });
  });
  const out = (name: string): string => path.join(directory, `${name}.out`);
  return {
    memory,
    definitions,
    lines,
    settings,
    begin: (own: AlertDefinitions = definitions) =>
      startTelling({ settings, memory, definitions: own, clock: systemClock, log, retryDelaysMs: [1, 1] }),
    program: async (name: string, script: string) => {
      await writeFile(path.join(settings.directory, name), `#!/bin/sh\n${script}\n`);
      await chmod(path.join(settings.directory, name), 0o755);
    },
    /** A program that writes down what it is told: one line of JSON an alert. */
    scribe: async (name: string) => {
      await writeFile(path.join(settings.directory, name), `#!/bin/sh\ncat >> ${out(name)}\n`);
      await chmod(path.join(settings.directory, name), 0o755);
    },
    rules: async (text: string) => await writeFile(settings.rulesFile, text),
    told: async (name: string): Promise<readonly Alert[]> => {
      const text = await readFile(out(name), 'utf8').catch(() => '');
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Alert);
    },
    failures: () => memory.readNewest(1000).filter(({ kind }) => kind === 'alert-failed'),
  };
}

const brief = (alerts: readonly Alert[]): readonly string[] =>
  alerts.map(({ phase, incident: about, outcome, count }) =>
    phase === 'summary' ? `summary ${count}` : `${phase} ${about?.id ?? '-'} ${outcome}`,
  );

test('an incident is told when it opens, with what is done, and when it ends; not at each step between', async (t) => {
  const { memory, begin, scribe, told } = await stage(t);
  await scribe('mail');
  const telling = begin();
  memory.saveIncident(incident({ actions: [] }));
  memory.saveIncident(incident());
  await until(async () => (await told('mail')).length === 1);
  memory.saveIncident(incident({ actions: [...incident().actions, { atMs: 1, text: 'More.' }] }));
  memory.saveIncident(ended());
  await telling.close();
  const alerts = await told('mail');
  assert.deepEqual(brief(alerts), ['opened 7 open', 'ended 7 recovered']);
  const [opened] = alerts;
  assert.deepEqual(
    [opened?.version, opened?.kind, opened?.severity, opened?.rung, opened?.count, opened?.at],
    [1, 'incident', 'warning', 'resource', 1, '2026-11-22T12:00:00.000Z'],
  );
  assert.equal(
    opened?.text,
    'The resource [httpdone] in assembly [assy1] in deployable [dep1] is FAILED: its main process 163 was killed by signal 9. Starting it again at once (failure 1 of 5 within 3600 s).',
  );
  assert.match(alerts[1]?.text ?? '', /is well again \(after 1\.0 s\)/);
});

test('after a reload the next alert goes where the new settings say, and what waits is not lost', async (t) => {
  const { memory, begin, scribe, told, settings } = await stage(t);
  await scribe('mail');
  const telling = begin();
  memory.saveIncident(incident({ id: '1' }));
  await until(async () => (await told('mail')).length === 1);
  const other = { ...settings, rulesFile: `${settings.rulesFile}.other` };
  await writeFile(other.rulesFile, 'rules:\n  - programs: none\n');
  telling.reconfigure(other);
  memory.saveIncident(incident({ id: '2' }));
  memory.saveIncident(ended({ id: '1' }));
  telling.reconfigure({ ...settings, directory: `${settings.directory}.empty` });
  telling.reconfigure(settings);
  memory.saveIncident(incident({ id: '3' }));
  await telling.close();
  assert.deepEqual(
    (await told('mail')).map((alert) => alert.incident?.id),
    ['1', '2', '1', '3'],
  );
});

test('500 incidents at once are five alerts and a summary, for each recipient, and saving them waits for none', async (t) => {
  const { memory, begin, scribe, told } = await stage(t);
  await scribe('mail');
  await scribe('pager');
  const telling = begin();
  const startedMs = performance.now();
  for (let index = 0; index < 500; index += 1)
    memory.saveIncident(incident({ id: `${index}`, assembly: `assy${index}`, resource: null }));
  const savedMs = performance.now() - startedMs;
  t.diagnostic(`500 incidents saved within ${savedMs.toFixed(0)} ms`);
  await telling.close();
  for (const name of ['mail', 'pager'])
    assert.deepEqual(brief(await told(name)), [
      ...Array.from({ length: 5 }, (_, index) => `opened ${index} open`),
      'summary 495',
    ]);
  assert.match(
    (await told('mail')).at(-1)?.text ?? '',
    /^495 more within 0\.0 s: 495 failed\. Deployables: dep1 495\./,
  );
});

test('rules decide for each incident, and each recipient has a burst of its own', async (t) => {
  const { memory, begin, scribe, told, rules, failures } = await stage(t);
  await scribe('mail');
  await scribe('pager');
  await rules(
    [
      'rules:',
      '  - {match: {rung: resource}, programs: [mail], webhook: no}',
      '  - {match: {rung: assembly}, programs: [pager, absent], webhook: no}',
    ].join('\n'),
  );
  const telling = begin();
  for (let index = 0; index < 30; index += 1) memory.saveIncident(incident({ id: `r${index}` }));
  memory.saveIncident(incident({ id: 'a', rung: 'assembly', resource: null }));
  await telling.close();
  assert.equal((await told('mail')).length, 6);
  assert.deepEqual(brief(await told('pager')), ['opened a open']);
  assert.deepEqual(
    failures().map(({ text }) => text.replace(/in \/\S+/, 'in DIR')),
    ['A rule for alerts names the program [absent], which is not in DIR or is not run.'],
  );
});

test('what was open before the service started is not told again, but its end is', async (t) => {
  const { memory, begin, scribe, told } = await stage(t);
  await scribe('mail');
  memory.saveIncident(incident());
  const telling = begin();
  memory.saveIncident(incident({ actions: [] }));
  memory.saveIncident(ended());
  await telling.close();
  assert.deepEqual(brief(await told('mail')), ['ended 7 recovered']);
});

test('an incident that is over at once is one alert', async (t) => {
  const { memory, begin, scribe, told } = await stage(t);
  await scribe('mail');
  const telling = begin();
  memory.saveIncident(incident());
  memory.saveIncident(ended({ outcome: 'blocked' }));
  await telling.close();
  const alerts = await told('mail');
  assert.deepEqual(brief(alerts), ['ended 7 blocked']);
  assert.match(alerts[0]?.text ?? '', /is given up, a person is needed/);
});

test('of the journal, only what somebody must know is told', async (t) => {
  const { memory, begin, scribe, told } = await stage(t);
  await scribe('mail');
  const telling = begin();
  memory.append([
    event(),
    event({ kind: 'assembly-active', deployable: 'dep1', assembly: 'assy1' }),
    event({ kind: 'escalation', severity: 'error', deployable: 'dep1', facts: { followedBy: 'restart' } }),
    event({ kind: 'escalation', severity: 'error', deployable: 'dep1', facts: { followedBy: 'blocked' } }),
    event({ kind: 'deployable-blocked', severity: 'error', deployable: 'dep1' }),
  ]);
  await telling.close();
  assert.deepEqual(
    (await told('mail')).map(({ kind, phase, rung }) => [kind, phase, rung]),
    [
      ['hypervisor-lost', 'event', 'host'],
      ['escalation', 'event', 'deployable'],
      ['deployable-blocked', 'event', 'deployable'],
    ],
  );
});

test('a program that always fails is one event in the journal, however often, and no alert of its own', async (t) => {
  const { memory, begin, program, failures, lines } = await stage(t);
  await program('broken', 'echo no route to host >&2; exit 3');
  const telling = begin();
  for (let index = 0; index < 5; index += 1) memory.saveIncident(incident({ id: `${index}` }));
  await telling.close();
  assert.deepEqual(
    failures().map(({ text, incident: about }) => [text, about]),
    [['The alert program [broken] failed: it ended with exit code 3 (no route to host).', '0']],
  );
  assert.equal(lines.filter((line) => line.includes('exit code 3')).length, 5);
});

test('a program that hangs delays neither another program nor the end of the service by more than its limits', async (t) => {
  const { memory, begin, program, scribe, told, failures } = await stage(t, { timeoutMs: 500 });
  await program('hangs', `trap '' TERM; while :; do sleep 1; done`);
  await scribe('mail');
  const telling = begin();
  memory.saveIncident(incident());
  await until(async () => (await told('mail')).length === 1);
  memory.saveIncident(ended());
  const startedMs = performance.now();
  await telling.close();
  assert.ok(performance.now() - startedMs < 9000);
  assert.deepEqual(brief(await told('mail')), ['opened 7 open', 'ended 7 recovered']);
  assert.match(failures()[0]?.text ?? '', /\[hangs\] failed: it did not end within 0\.5 s/);
});

test('files that are not run are said once, with the reason', async (t) => {
  const { memory, begin, settings, failures } = await stage(t);
  await writeFile(path.join(settings.directory, 'notes'), 'x');
  const telling = begin();
  for (let index = 0; index < 3; index += 1) {
    memory.saveIncident(incident({ id: `${index}` }));
    memory.append([event({ kind: 'service-started' })]);
  }
  await telling.close();
  assert.deepEqual(
    failures().map(({ text }) => text),
    ['The alert program [notes] is not run: it is not executable.'],
  );
});

test('rules that are wrong are an event with line and column, and everybody is told until they are right', async (t) => {
  const { memory, begin, scribe, told, rules, failures } = await stage(t);
  await scribe('mail');
  await rules('rules:\n  - programs: nobody\n');
  const telling = begin();
  memory.saveIncident(incident());
  await telling.close();
  assert.equal((await told('mail')).length, 1);
  assert.match(failures()[0]?.text ?? '', /alerts\.yaml are wrong in line 2, column \d+: rules\.0\.programs/);
});

test('the webhook gets the same alerts, its token is in no log, and neither is the path of its address', async (t) => {
  const bodies: Alert[] = [];
  let authorization: string | undefined;
  const server = createServer((request, response) => {
    let body = '';
    authorization = request.headers.authorization;
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      bodies.push(JSON.parse(body) as Alert);
      response.writeHead(bodies.length === 1 ? 200 : 500).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/pathsecret`;
  const { memory, begin, lines, failures } = await stage(t, { webhook: address });
  const telling = begin();
  memory.saveIncident(incident());
  await until(() => Promise.resolve(bodies.length === 1));
  memory.saveIncident(ended());
  await telling.close();
  assert.equal(authorization, 'Bearer verysecret');
  assert.deepEqual(brief(bodies), ['opened 7 open', ...Array.from({ length: 3 }, () => 'ended 7 recovered')]);
  assert.deepEqual(
    failures().map(({ text }) => text),
    ['The alert webhook failed: it answered with status 500, after 3 attempts.'],
  );
  assert.doesNotMatch(lines.join('') + JSON.stringify(failures()), /verysecret|pathsecret/);
});

/** A server that takes what is posted, by the path of the address. */
async function hooks(t: TestContext) {
  const posted: {
    readonly path: string;
    readonly alert: Alert;
    readonly authorization: string | undefined;
  }[] = [];
  const hanging = new Set<string>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const at = request.url ?? '';
      posted.push({
        path: at,
        alert: JSON.parse(body) as Alert,
        authorization: request.headers.authorization,
      });
      if (!hanging.has(at)) response.writeHead(at.includes('refuse') ? 403 : 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const paths = (): readonly string[] => posted.map(({ path: at }) => at);
  return { posted, hanging, origin, paths };
}

function defineDeployables(definitions: ReturnType<typeof createDefinitionStore>, ...names: string[]): void {
  for (const name of names)
    definitions.insertDeployable(
      { name, monitoring: 'am', intent: 'down', escalation: 'never', assemblies: [] },
      1,
    );
}

test('a deployable’s own alerts tell of it and of nothing else, beside the rules of all, and nobody twice', async (t) => {
  const { memory, definitions, begin, scribe, told, rules } = await stage(t);
  const { origin, paths } = await hooks(t);
  await scribe('mail');
  await scribe('pager');
  await scribe('other');
  await rules('rules:\n  - {programs: [mail], webhook: no}\n');
  defineDeployables(definitions, 'dep1', 'dep2');
  definitions.saveDeployableAlerts('dep1', [
    { program: 'pager', match: { rung: ['resource'] } },
    { program: 'pager' },
    { program: 'mail' },
    { webhook: `${origin}/one` },
    { webhook: `${origin}/one`, match: { severity: ['warning'] } },
    { webhook: `${origin}/machines`, match: { rung: ['assembly'] } },
  ]);
  definitions.saveDeployableAlerts('dep2', [{ program: 'other' }, { webhook: `${origin}/two` }]);
  const telling = begin();
  memory.saveIncident(incident({ id: '1' }));
  memory.append([event()]);
  await telling.close();
  assert.deepEqual(brief(await told('pager')), ['opened 1 open']);
  // The hypervisor's loss is of no deployable: told by the rules of all alone.
  assert.deepEqual(brief(await told('mail')), ['opened 1 open', 'event - null']);
  assert.deepEqual(await told('other'), []);
  assert.deepEqual(paths(), ['/one']);
});

test('address and token may be secrets, which are in no log and no event, and a wrong one is named only', async (t) => {
  const { memory, definitions, begin, lines, failures } = await stage(t);
  const { origin, posted } = await hooks(t);
  defineDeployables(definitions, 'dep1', 'dep2');
  definitions.saveSecret('dep1', 'hook', `${origin}/pathsecret/refuse`);
  definitions.saveSecret('dep1', 'token', 'verysecret');
  definitions.saveDeployableAlerts('dep1', [{ webhook: '@secret:hook', token: '@secret:token' }]);
  definitions.saveSecret('dep2', 'hook', 'pathsecret, no address');
  definitions.saveDeployableAlerts('dep2', [{ webhook: '@secret:hook' }]);
  const telling = begin();
  memory.saveIncident(incident({ id: '1' }));
  memory.saveIncident(incident({ id: '2', deployable: 'dep2' }));
  await telling.close();
  assert.deepEqual(
    posted.map(({ authorization, alert }) => [authorization, alert.incident?.id]),
    [['Bearer verysecret', '1']],
  );
  assert.deepEqual(
    failures()
      .map(({ text, deployable }) => `${deployable}: ${text}`)
      .toSorted((a, b) => a.localeCompare(b)),
    [
      'dep1: The alert webhook of deployable [dep1] failed: it answered with status 403.',
      'dep2: The alert webhook of deployable [dep2] failed: its address in the secret hook must be an address such as https://alerts.example.org/hook, or @secret:NAME.',
    ],
  );
  assert.doesNotMatch(lines.join('') + JSON.stringify(failures()), /verysecret|pathsecret/);
});

test('a webhook that hangs delays no other one, and what waits for it when it is taken out goes nowhere', async (t) => {
  const { memory, definitions, begin } = await stage(t);
  const { origin, hanging, paths } = await hooks(t);
  defineDeployables(definitions, 'dep1', 'dep2');
  hanging.add('/hangs');
  definitions.saveDeployableAlerts('dep1', [{ webhook: `${origin}/hangs` }]);
  definitions.saveDeployableAlerts('dep2', [{ webhook: `${origin}/well` }]);
  const telling = begin();
  memory.saveIncident(incident({ id: '1' }));
  memory.saveIncident(incident({ id: '2' }));
  await until(() => Promise.resolve(paths().includes('/hangs')));
  memory.saveIncident(incident({ id: '3', deployable: 'dep2' }));
  await until(() => Promise.resolve(paths().includes('/well')));
  definitions.saveDeployableAlerts('dep1', []);
  await telling.close();
  assert.deepEqual(paths(), ['/hangs', '/well']);
});

test('500 incidents of a deployable are five alerts and a summary at its webhook, too', async (t) => {
  const { memory, definitions, begin } = await stage(t);
  const { origin, posted } = await hooks(t);
  defineDeployables(definitions, 'dep1');
  definitions.saveDeployableAlerts('dep1', [{ webhook: `${origin}/one` }]);
  const telling = begin();
  for (let index = 0; index < 500; index += 1)
    memory.saveIncident(incident({ id: `${index}`, assembly: `assy${index}`, resource: null }));
  await telling.close();
  assert.deepEqual(brief(posted.map(({ alert }) => alert)).slice(-2), ['opened 4 open', 'summary 495']);
  assert.equal(posted.length, 6);
});

test('a program that a deployable names and that is not there is said once, and none is run by its path', async (t) => {
  const { memory, definitions, begin, failures, settings } = await stage(t);
  defineDeployables(definitions, 'dep1');
  await writeFile(path.join(settings.directory, '../outside'), '#!/bin/sh\ntouch "$0.ran"\n', {
    mode: 0o755,
  });
  definitions.saveDeployableAlerts('dep1', [{ program: 'absent' }]);
  // As no command lets it come here.
  const forged = {
    ...definitions,
    deployableAlerts: () => [...definitions.deployableAlerts('dep1'), { program: '../outside' }],
  };
  const telling = begin(forged);
  memory.saveIncident(incident({ id: '1' }));
  memory.saveIncident(incident({ id: '2' }));
  await telling.close();
  assert.deepEqual(
    failures().map(({ text, deployable }) => [deployable, text.replace(/in \/\S+/, 'in DIR')]),
    ['absent', '../outside'].map((name) => [
      'dep1',
      `A rule for alerts of deployable [dep1] names the program [${name}], which is not in DIR or is not run.`,
    ]),
  );
  await assert.rejects(readFile(path.join(settings.directory, '../outside.ran')), { code: 'ENOENT' });
});

test('alerts that cannot be read keep nobody else from being told', async (t) => {
  const { memory, definitions, begin, scribe, told, lines } = await stage(t);
  await scribe('mail');
  const telling = begin({
    ...definitions,
    deployableAlerts: () => {
      throw new Error('the database is damaged');
    },
  });
  memory.saveIncident(incident());
  await telling.close();
  assert.deepEqual(brief(await told('mail')), ['opened 7 open']);
  assert.match(lines.join(''), /alerts of a deployable cannot be read/);
});

/** Waits for what comes from another process, which tells nobody when it has written. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const limit = AbortSignal.timeout(10_000);
  while (!(await condition())) {
    assert.ok(!limit.aborted, 'it never came');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
