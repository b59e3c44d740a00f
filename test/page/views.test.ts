/** What the views say, as trees: states in words, buttons that may be pressed or say why not, hostile text as text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callOf, offersOf, questionOf } from '../../page/actions.ts';
import { buildsView, buildView } from '../../page/builds-view.ts';
import { chartsView } from '../../page/charts-view.ts';
import { banners, health, titleOf } from '../../page/frame-view.ts';
import { incidentView } from '../../page/incident-view.ts';
import { incidentsView } from '../../page/incidents-view.ts';
import { machineView } from '../../page/machine-view.ts';
import { findAll, h, safeAddress, textOf } from '../../page/node.ts';
import type { Child, ViewNode } from '../../page/node.ts';
import { overviewView, restartsText } from '../../page/overview-view.ts';
import type { State } from '../../page/state.ts';
import { assembly, deployable, event, incident, nowMs, resource, stateWith } from './samples.ts';

const whole = (content: readonly (Child | null)[]): ViewNode => h('main', {}, content);
const all = (content: readonly (Child | null)[], wanted: (node: ViewNode) => boolean) =>
  findAll(whole(content), wanted);
const words = (content: readonly (Child | null)[]): string => textOf(whole(content));

test('the overview says each state in words, with failures in their window and maintenance with its end', () => {
  const state = stateWith({
    deployables: [
      deployable(
        'shop',
        [
          assembly('db', { state: 'booting', failuresInWindow: 2 }),
          assembly('web1', {
            dependsOn: [{ assembly: 'db', restart: false }],
            maintenance: { untilMs: nowMs + 600_000 },
            resources: [resource('site', { state: 'recovering', failuresInWindow: 1 })],
          }),
        ],
        { state: 'recovering' },
      ),
    ],
  });
  const text = words(overviewView(state));
  for (const wanted of [
    'recovering',
    'booting',
    '2 of 3 restarts in 60 min',
    'after db',
    '10 min left',
    '1 of 5 restarts in 60 min',
  ])
    assert.ok(text.includes(wanted), `${wanted} is missing in: ${text}`);
  const steps = all(overviewView(state), (node) => node.attributes.get('class') === 'step').map(textOf);
  assert.ok(steps[0]?.startsWith('db') && steps[1]?.startsWith('web1'));
});

test('every place has its one heading while its data is still on its way', () => {
  const state = stateWith({ deployables: null });
  const places = [
    overviewView(state),
    machineView(state, 'web1', true),
    incidentsView(state),
    incidentView(state, '7'),
    chartsView(state, 1000),
    buildsView(state),
    buildView(state, 'a'.repeat(64)),
  ];
  for (const place of places) assert.equal(all(place, ({ tag }) => tag === 'h1').length, 1, words(place));
});

test('what needs a person stands first, and what was stopped on purpose is not missing', () => {
  const state = stateWith({
    deployables: [
      deployable('quiet', [assembly('q1', { state: 'stopped' })], { intent: 'down', state: 'stopped' }),
      deployable('well', [assembly('w1')]),
      deployable('mending', [assembly('m1', { state: 'booting' })], { state: 'recovering' }),
      deployable('lost', [assembly('l1', { state: 'blocked' })], { state: 'blocked' }),
    ],
  });
  const view = overviewView(state);
  assert.deepEqual(
    all(view, (node) => node.attributes.has('data-deployable')).map((node) =>
      node.attributes.get('data-deployable'),
    ),
    ['lost', 'mending', 'quiet', 'well'],
  );
  assert.match(words(view), /1 of 3/);
});

test('every tone has a word and a shape beside its colour', () => {
  const state = stateWith({ deployables: [deployable('shop', [assembly('web1')])] });
  const pills = all(overviewView(state), (node) => node.attributes.get('class')?.includes('pill') ?? false);
  assert.ok(pills.length >= 2);
  for (const pill of pills) {
    assert.notEqual(textOf(pill).trim(), '');
    assert.equal(findAll(pill, ({ tag }) => tag === 'svg').length, 1);
  }
});

test('nothing is there yet: each place says the next command', () => {
  const empty = stateWith({ builds: [] });
  assert.match(words(overviewView(empty)), /jeos_create debian12 x86_64[^]*deployable_start shop/);
  assert.match(words(buildsView(empty)), /jeos_create/);
  assert.match(words(incidentsView(empty)), /Nothing has failed/);
  assert.match(words(chartsView(empty, 1000)), /Nothing was restarted/);
  assert.match(words(machineView(empty, 'gone', true)), /No machine gone/);
  assert.match(words(incidentView(empty, '99')), /No incident 99/);
});

test('an operator gets the buttons that make sense; whoever may only look gets none that works, and the reason', () => {
  const shop = (more: Parameters<typeof deployable>[2]): State =>
    stateWith({ deployables: [deployable('shop', [assembly('web1')], more)] });
  const actions = (state: State): string =>
    offersOf(state, 'shop')
      .map(({ action }) => action)
      .join(' ');
  assert.equal(actions(shop({})), 'stop maintain');
  assert.equal(actions(shop({ intent: 'down', state: 'stopped' })), 'start maintain');
  assert.equal(actions(shop({ state: 'blocked' })), 'recover stop maintain');
  assert.equal(actions(shop({ maintenance: { untilMs: null } })), 'stop clear');
  assert.deepEqual(
    offersOf(shop({}), 'shop').map(({ refusal }) => refusal),
    [null, null],
  );
  const reader: State = { ...shop({}), session: { kind: 'known', role: 'read', name: 'eve' } };
  const buttons = all(overviewView(reader), ({ tag }) => tag === 'button');
  assert.equal(buttons.length, 2);
  for (const button of buttons) {
    assert.equal(button.attributes.get('aria-disabled'), 'true');
    assert.match(button.attributes.get('aria-label') ?? '', /needs the role operate/);
  }
  const lost: State = { ...shop({}), link: { kind: 'lost', sinceMs: nowMs, attempts: 1 } };
  assert.match(offersOf(lost, 'shop')[0]?.refusal ?? '', /does not answer/);
});

test('what an action asks, and which request it is', () => {
  const state = stateWith({ deployables: [deployable('shop', [assembly('a'), assembly('b')])] });
  assert.match(questionOf(state, { action: 'stop', target: 'shop' }).text, /its 2 machines/);
  assert.deepEqual(callOf({ action: 'stop', target: 'a b' }, ''), {
    path: '/v1/deployables/a%20b/stop',
    body: undefined,
    done: 'a b is being stopped.',
  });
  assert.deepEqual(callOf({ action: 'maintain', target: 'assembly:web1' }, '90s'), {
    path: '/v1/maintenance',
    body: { target: 'assembly:web1', forMs: 90_000 },
    done: 'web1 is in maintenance for 1 min 30 s.',
  });
  const open = callOf({ action: 'maintain', target: 'deployable:shop' }, ' ');
  assert.deepEqual(typeof open === 'string' ? open : open.body, { target: 'deployable:shop', forMs: null });
  for (const bad of ['soon', '0s', '-1h'])
    assert.match(JSON.stringify(callOf({ action: 'maintain', target: 'assembly:a' }, bad)), /is no duration/);
});

test('a lost link is said in the head, in a banner and in the title, and nothing else is', () => {
  const lost = stateWith({ link: { kind: 'lost', sinceMs: nowMs, attempts: 3 } });
  assert.match(words(health(lost)), /not live since \d\d:\d\d:\d\d/);
  assert.match(words(banners(lost)), /Not live since[^]*systemctl status pcloud-cped/);
  assert.match(titleOf(lost), /^not live/);
  assert.equal(words(banners(stateWith())), '');
  assert.equal(titleOf(stateWith()), 'Pacemaker Cloud');
  const bad = stateWith({ deployables: [deployable('shop', [], { state: 'blocked' })] });
  assert.match(titleOf(bad), /^1 deployable blocked/);
});

test('an incident tells cause, actions, end and evidence', () => {
  const one = incident('12', {
    evidence: ['no CPU progress over 3.0 s', 'screen and console: /var/lib/x'],
    cause: 'it hangs',
  });
  const state = stateWith({
    incidents: new Map([['12', one]]),
    evidence: new Map([['12', { screen: 'screen.ppm', console: 'Kernel panic', trouble: null }]]),
  });
  const content = incidentView(state, '12');
  for (const wanted of [
    'it hangs',
    'restarting it at once',
    'Recovered after 10 s',
    'no CPU progress',
    'Kernel panic',
  ])
    assert.ok(words(content).includes(wanted), wanted);
  assert.ok(!words(content).includes('/var/lib/x'));
  const [screen] = all(content, ({ attributes }) => attributes.has('data-screen'));
  assert.equal(screen?.attributes.get('data-screen'), '/v1/incidents/12/evidence/screen.ppm');
});

test('a loopback address of the host is a link only for a browser on that host', () => {
  const urls = ['http://127.0.0.1:20080/'];
  const state = stateWith({
    deployables: [deployable('shop', [assembly('web1', { resources: [resource('site', { urls })] })])],
  });
  const links = (local: boolean): number =>
    all(machineView(state, 'web1', local), (node) => node.attributes.get('href') === urls[0]).length;
  assert.equal(links(true), 1);
  assert.equal(links(false), 0);
  assert.match(words(machineView(state, 'web1', false)), /127\.0\.0\.1:20080\/ on the host/);
});

const hostile = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  "javascript:alert('x')",
  '\u202egnp.exe',
  '{{constructor}}',
];

test('whatever the service says is text and never an element, an attribute that runs, or an address that does', () => {
  for (const evil of hostile) {
    const state = stateWith({
      deployables: [
        deployable(
          evil,
          [assembly(evil, { note: evil, resources: [resource(evil, { note: evil, urls: [evil] })] })],
          { note: evil },
        ),
      ],
      incidents: new Map([[evil, incident(evil, { cause: evil, assembly: evil, evidence: [evil] })]]),
      journal: [event(1, { text: evil, incident: evil })],
      evidence: new Map([[evil, { screen: evil, console: evil, trouble: null }]]),
      trouble: { code: evil, message: evil, hint: evil },
    });
    const places = [
      overviewView(state),
      machineView(state, evil, true),
      incidentsView(state),
      incidentView(state, evil),
      chartsView(state, 360),
      banners(state),
    ];
    for (const content of places) {
      for (const node of all(content, () => true)) {
        assert.match(node.tag, /^[a-z][a-z0-9]*$/);
        assert.notEqual(node.tag, 'script');
        for (const [name, value] of node.attributes) {
          assert.doesNotMatch(name, /^on|^style$/);
          if (name === 'href' || name === 'src') assert.match(value, /^(?:#|\/(?!\/)|https?:\/\/)/);
        }
      }
    }
    assert.ok(words(overviewView(state)).includes(evil));
  }
});

test('a view cannot set what would run, and addresses that would run lead nowhere', () => {
  for (const name of ['onclick', 'style', 'srcdoc', 'OnLoad'])
    assert.throws(() => h('p', { [name]: 'x' }), /must not set/);
  for (const bad of [
    'javascript:alert(1)',
    ' javascript:x',
    'data:text/html,x',
    '//elsewhere.example/',
    'vbscript:x',
  ])
    assert.equal(safeAddress(bad), '#', bad);
  for (const good of ['#/charts', '/v1/status', 'http://127.0.0.1:1/', 'https://[::1]:2/'])
    assert.equal(safeAddress(good), good);
});

test('failures in the window read as a sentence', () => {
  assert.equal(restartsText(0, { failures: 3, periodMs: 60_000 }), '0 of 3 restarts in 1 min');
  assert.equal(restartsText(1, 'never'), '1 restart, never escalates');
  assert.equal(restartsText(2, 'never'), '2 restarts, never escalates');
  assert.equal(restartsText(1, { failures: 3, periodMs: 3_600_000 }), '1 of 3 restarts in 60 min');
});
