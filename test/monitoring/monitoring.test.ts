/** The dashboard and the alert rules: what they ask for is really exposed, and Prometheus' own checker takes the rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execa } from 'execa';
import { parse } from 'yaml';
import { createBuilderMetrics } from '../../builder/metrics.ts';
import { createHistory } from '../../builder/history.ts';
import { createCpedMetrics } from '../../runtime/metrics/cped-metrics.ts';
import { sampleDirectory } from '../builder/image-directory-sample.ts';
import { checkout, readWritten } from '../house/source-files.ts';
import { makeWorld } from '../runtime/fixtures/world.ts';
import { ended } from '../runtime/telling/samples.ts';
import { hasPromtool, promtoolMissing } from './promtool.ts';

const directory = 'packaging/monitoring';
const dashboard = JSON.parse(readWritten(`${directory}/pacemaker-cloud-dashboard.json`));
const rules = parse(readWritten(`${directory}/pacemaker-cloud-rules.yaml`));

type Rule = { readonly alert: string; readonly expr: string };
type Panel = {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
};
const panels: readonly Panel[] = dashboard.panels;
const alerts: readonly Rule[] = rules.groups[0].rules;

/** Each expression with where it stands. */
const expressions: readonly (readonly [string, string])[] = [
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ...dashboard.annotations.list.map(
    ({ name, expr }: { name: string; expr: string }) => [name, expr] as const,
  ),
  ...dashboard.templating.list.flatMap(({ name, query }: { name: string; query: { query?: string } }) =>
    query.query === undefined ? [] : [[name, query.query] as const],
  ),
  ...alerts.map(({ alert, expr }) => [alert, expr] as const),
];

/** All series of both services, each with something in it. */
async function exposition(t: Parameters<typeof sampleDirectory>[0]): Promise<readonly string[]> {
  await using world = await makeWorld();
  const cped = createCpedMetrics({ memory: world.memory, monotonicMs: () => 0 });
  cped.addStates({ store: world.store, control: world.context.control });
  cped.addCertificate(() => 1);
  world.memory.saveIncident(ended({ id: '1', verdict: 'died' }));
  const images = await sampleDirectory(t);
  await images.put('a');
  const builder = createBuilderMetrics({
    version: '0.1.0',
    startedAtMs: 0,
    sources: () => ({
      history: createHistory(images.imageDirectory),
      store: images.store,
      releases: new Map(),
      queue: { list: () => Promise.resolve([]) } as never,
    }),
  });
  const text = `${await cped.text()}\n${await builder.text()}`;
  cped.close();
  builder.close();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('every series that a panel or an alert asks for is exposed, with the labels that it asks by', async (t) => {
  const lines = await exposition(t);
  // Prometheus adds these two, and `up`.
  const given = ['job', 'instance'];
  // What there is only once something is wanted up.
  const later: Readonly<Record<string, readonly string[]>> = {
    pcloud_deployable_up: ['deployable'],
    pcloud_assembly_up: ['assembly', 'deployable'],
  };
  for (const [where, expr] of expressions) {
    const asked = [...expr.matchAll(/\b((?:pcloud|process|nodejs)_[a-z0-9_]+)(?:\{([^}]*)\})?/g)];
    assert.ok(asked.length > 0 || expr.startsWith('up{'), `${where}: ${expr}`);
    for (const [, name = '', selector = ''] of asked) {
      const series = lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      assert.ok(series.length > 0 || name in later, `${where}: ${name} is not exposed`);
      for (const [, label = '', operator, value = ''] of selector.matchAll(/(\w+)(=~|=)"([^"]*)"/g)) {
        if (given.includes(label)) continue;
        const values = series.flatMap((line) => new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1] ?? []);
        const wanted = operator === '=' ? [value] : value.split('|');
        for (const one of wanted)
          assert.ok(values.includes(one), `${where}: no ${name} has ${label}="${one}"`);
      }
    }
    for (const [, labels = ''] of expr.matchAll(/\bby \(([^)]*)\)/g))
      for (const label of labels.split(',').map((one) => one.trim()))
        assert.ok(
          given.includes(label) || lines.some((line) => new RegExp(`^pcloud_.*[{,]${label}="`).test(line)),
          `${where}: nothing has the label ${label}`,
        );
  }
});

test('every measure of ours stands in a panel, in an alert or in the table of the page', async (t) => {
  const page = readWritten('docs/monitoring.md');
  const names = new Set(
    (await exposition(t)).flatMap(
      (line) => /^pcloud_[a-z0-9_]+/.exec(line)?.[0].replace(/_(?:bucket|sum|count)$/, '') ?? [],
    ),
  );
  assert.ok(names.size > 20);
  for (const name of [...names, 'pcloud_deployable_up', 'pcloud_assembly_up'])
    assert.ok(page.includes(`\`${name}\``), `${name} does not stand in docs/monitoring.md`);
  for (const [, name = ''] of page.matchAll(/^\| `(pcloud_[a-z0-9_]+)` \|/gm))
    assert.ok(
      names.has(name) || name.endsWith('_up'),
      `docs/monitoring.md tells of ${name}, which is not measured`,
    );
  for (const { alert } of alerts)
    assert.ok(page.includes(`\`${alert}\``), `${alert} does not stand in docs/monitoring.md`);
});

test('no two panels of the dashboard lie on each other, and each has a number of its own', () => {
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const cells = new Set<string>();
  for (const { title, gridPos } of panels)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        assert.ok(x < 24 && !cells.has(`${x} ${y}`), `${title} lies on another`);
        cells.add(`${x} ${y}`);
      }
});

test(
  'promtool takes the rules, and each alert comes when it should',
  { skip: !hasPromtool && promtoolMissing },
  async () => {
    const run = async (...words: readonly string[]) =>
      await execa('promtool', words, {
        cwd: `${checkout}/${directory}`,
        reject: false,
        timeout: 60_000,
        all: true,
      });
    const checked = await run('check', 'rules', 'pacemaker-cloud-rules.yaml');
    assert.equal(checked.exitCode, 0, checked.all);
    const tested = await run('test', 'rules', 'pacemaker-cloud-rules.test.yaml');
    assert.equal(tested.exitCode, 0, tested.all);
  },
);
