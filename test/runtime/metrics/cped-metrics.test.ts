/** What cped measures, from what is written down and heard to the text that Prometheus reads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import type { AssemblyStateName } from '../../../model/cped-api.ts';
import type { DeployableView } from '../../../runtime/control.ts';
import { createCpedMetrics } from '../../../runtime/metrics/cped-metrics.ts';
import { createIncidentSteps } from '../../../runtime/metrics/incident-ends.ts';
import { maxNamed } from '../../../runtime/metrics/states.ts';
import type { StateSources } from '../../../runtime/metrics/states.ts';
import type { GuestLinkEvent, GuestLinks } from '../../../runtime/ports.ts';
import { hasPromtool, promtoolMissing } from '../../monitoring/promtool.ts';
import { makeWorld } from '../fixtures/world.ts';
import { ended, event, incident, startMs } from '../telling/samples.ts';

async function measured(t: TestContext) {
  const world = await makeWorld();
  const time = { ms: 1000 };
  const metrics = createCpedMetrics({ memory: world.memory, monotonicMs: () => time.ms });
  t.after(async () => {
    metrics.close();
    await world[Symbol.asyncDispose]();
  });
  const heard: { tell: (event: GuestLinkEvent) => void } = { tell: () => undefined };
  const links = metrics.watchLinks({
    listen: (listener) => (heard.tell = listener),
    open: () => undefined,
    close: () => undefined,
    send: () => true,
    closeAll: () => Promise.resolve(),
  } satisfies GuestLinks);
  links.listen(() => undefined);
  return {
    world,
    time,
    metrics,
    links,
    link: (assembly: string, state: 'up' | 'down', reason = 'x') =>
      heard.tell({ kind: 'link', assembly, state, reason }),
    word: (assembly: string) =>
      heard.tell({ kind: 'message', assembly, message: { kind: 'heartbeat' } as never }),
    /** The value of a series, such as `name{label="x"}`. */
    value: async (series: string): Promise<number | undefined> => {
      const line = (await metrics.text()).split('\n').find((one) => one.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length));
    },
  };
}

test('an incident is counted once when it begins and once when it ends, however often it is written', async (t) => {
  const { world, value } = await measured(t);
  const { memory } = world;
  const one = incident({ id: '1', verdict: 'died', rung: 'resource' });
  memory.saveIncident(one);
  memory.saveIncident({ ...one, evidence: ['more'] });
  assert.equal(await value('pcloud_incidents_open{rung="resource"}'), 1);
  assert.equal(await value('pcloud_incidents_opened_total{rung="resource",verdict="died"}'), 1);
  memory.saveIncident({ ...one, outcome: 'recovered', endedAtMs: startMs + 1200 });
  memory.saveIncident({ ...one, outcome: 'recovered', endedAtMs: startMs + 1200, evidence: ['late'] });
  const series = 'pcloud_incidents_total{rung="resource",verdict="died",outcome="recovered"}';
  assert.equal(await value(series), 1);
  assert.equal(await value('pcloud_incidents_open{rung="resource"}'), 0);
  assert.equal(await value('pcloud_recover_seconds_sum{rung="resource"}'), 1.2);
  assert.equal(await value('pcloud_recover_seconds_bucket{le="1",rung="resource"}'), 0);
  assert.equal(await value('pcloud_recover_seconds_bucket{le="1.5",rung="resource"}'), 1);
  // One that was given up took no time to recover.
  memory.saveIncident(ended({ id: '2', verdict: 'hung', rung: 'assembly', outcome: 'blocked' }));
  assert.equal(await value('pcloud_recover_seconds_count{rung="assembly"}'), 0);
  assert.equal(await value('pcloud_incidents_total{rung="assembly",verdict="hung",outcome="blocked"}'), 1);
});

test('what was open before the service started ends in the count and did not begin in it', () => {
  const steps = createIncidentSteps([incident({ id: '1' })]);
  assert.equal(steps.openCount('resource'), 1);
  assert.deepEqual(steps.step(ended({ id: '1' })), { opened: false, ended: true });
  assert.equal(steps.openCount('resource'), 0);
  assert.deepEqual(steps.step(ended({ id: '1' })), { opened: false, ended: false });
});

test('detecting is measured from the first sign: the last word of a guest that hangs, the end of a link', async (t) => {
  const { world, time, links, link, word, value } = await measured(t);
  links.open('assy1', '/s');
  link('assy1', 'up');
  word('assy1');
  time.ms += 4500;
  world.memory.saveIncident(incident({ id: '1', rung: 'assembly', verdict: 'hung' }));
  assert.equal(await value('pcloud_detect_seconds_sum{rung="assembly"}'), 4.5);
  link('assy1', 'down', 'the connection to the guest was closed');
  time.ms += 200;
  world.memory.saveIncident(incident({ id: '2', rung: 'assembly', verdict: 'dead' }));
  assert.equal(await value('pcloud_detect_seconds_sum{rung="assembly"}'), 4.7);
  word('assy1');
  time.ms += 5;
  world.memory.saveIncident(incident({ id: '3', rung: 'resource', verdict: 'died' }));
  assert.equal(await value('pcloud_detect_seconds_sum{rung="resource"}'), 0.005);
  // A link that has been down for an hour is of another story.
  time.ms += 3_600_000;
  world.memory.saveIncident(incident({ id: '4', rung: 'assembly', verdict: 'dead' }));
  assert.equal(await value('pcloud_detect_seconds_sum{rung="assembly"}'), 4.7);
});

test('links are counted as they are, and their ends by why', async (t) => {
  const { links, link, value } = await measured(t);
  for (const assembly of ['a', 'b', 'c']) links.open(assembly, '/s');
  link('a', 'up');
  link('b', 'up');
  link('a', 'down', 'the guest lost its link: it floods the link with lines');
  link('c', 'down', 'the connection to the guest was closed');
  assert.equal(await value('pcloud_guest_links{state="up"}'), 1);
  assert.equal(await value('pcloud_guest_links{state="down"}'), 2);
  assert.equal(await value('pcloud_guest_link_ends_total{reason="flooded"}'), 1);
  // It had never been up.
  assert.equal(await value('pcloud_guest_link_ends_total{reason="closed"}'), 0);
  links.close('c');
  assert.equal(await value('pcloud_guest_links{state="down"}'), 1);
});

test('fencings, escalations and kinds of events are counted from the journal', async (t) => {
  const { world, value } = await measured(t);
  const { seq: _seq, ...fields } = event({ kind: 'assembly-fenced', assembly: 'a' });
  world.memory.append([
    { ...fields, severity: 'info' },
    { ...fields, severity: 'error' },
    { ...fields, kind: 'escalation', resource: 'r' },
    { ...fields, kind: 'escalation' },
    { ...fields, kind: 'service-stalled' },
  ]);
  assert.equal(await value('pcloud_fencings_total{result="done"}'), 1);
  assert.equal(await value('pcloud_fencings_total{result="failed"}'), 1);
  assert.equal(await value('pcloud_escalations_total{rung="resource"}'), 1);
  assert.equal(await value('pcloud_escalations_total{rung="assembly"}'), 1);
  assert.equal(await value('pcloud_journal_events_total{kind="service-stalled"}'), 1);
});

/** Definitions and states of as many assemblies as are asked for, ten to a deployable, three resources in each. */
function manyStates(count: number, state: AssemblyStateName = 'online'): StateSources {
  const resources = ['a', 'b', 'c'].map((name) => ({ name, state: 'active' }));
  const views = Array.from({ length: count / 10 }, (_, d) => ({
    name: `dep${d}`,
    state: 'active',
    assemblies: Array.from({ length: 10 }, (_one, a) => ({ name: `a${d}-${a}`, state, resources })),
  }));
  return {
    store: {
      deployables: () => views.map(({ name }) => ({ name, intent: 'up' }) as never),
      assemblies: () =>
        views.flatMap(({ assemblies }) => assemblies.map(({ name }) => ({ name, resources }) as never)),
    },
    control: {
      deployable: (name) => views[Number(name.slice(3))] as unknown as DeployableView,
      hypervisorState: () => 'up',
    },
  };
}

test('states are counted, nothing is missing among them, and names are bounded', async (t) => {
  const { metrics, value } = await measured(t);
  metrics.addStates(manyStates(2000));
  assert.equal(await value('pcloud_assemblies{state="online"}'), 2000);
  assert.equal(await value('pcloud_assemblies{state="blocked"}'), 0);
  assert.equal(await value('pcloud_resources{state="active"}'), 6000);
  assert.equal(await value('pcloud_deployables{state="active"}'), 200);
  assert.equal(await value('pcloud_hypervisor_up'), 1);
  assert.equal(await value('pcloud_assembly_up{deployable="dep0",assembly="a0-0"}'), 1);
  assert.equal(await value('pcloud_unnamed{kind="assembly"}'), 1000);
  const named = (await metrics.text()).split('\n').filter((line) => line.startsWith('pcloud_assembly_up{'));
  assert.equal(named.length, maxNamed);
});

test(
  'promtool finds nothing wrong with names, types and help',
  { skip: !hasPromtool && promtoolMissing },
  async (t) => {
    const { metrics, world } = await measured(t);
    metrics.addStates(manyStates(10));
    metrics.addCertificate(() => 1_700_000_000_000);
    world.memory.saveIncident(ended({ id: '1', verdict: 'It "is" odd\n' }));
    const text = await metrics.text();
    assert.ok(text.includes('verdict="other"'));
    const checked = await execa('promtool', ['check', 'metrics'], {
      input: text,
      reject: false,
      timeout: 20_000,
    });
    assert.deepEqual([checked.exitCode, checked.stdout], [0, ''], checked.stderr);
  },
);
