/** The page's small pure parts: addresses, the live link, pictures of screens, filters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { groupedByIncident, noFilter, observationsOf, selected, subjectOf } from '../../page/incidents.ts';
import { nextLink, retryDelayMs } from '../../page/link-state.ts';
import type { LinkState } from '../../page/link-state.ts';
import { readPixmap } from '../../page/ppm.ts';
import { buildHref, incidentHref, machineHref, parseRoute, sectionOf } from '../../page/route.ts';
import { logShownChars, withEvents, withIncidents, withLogText } from '../../page/state.ts';
import { event, incident, stateWith } from './samples.ts';

test('an address within the page means what it says, and any name comes back as it was', () => {
  assert.deepEqual(parseRoute(''), { kind: 'overview' });
  assert.deepEqual(parseRoute('#/incidents'), { kind: 'incidents' });
  assert.deepEqual(parseRoute('#/incidents/12'), { kind: 'incident', id: '12' });
  assert.equal(parseRoute('#/machines').kind, 'unknown');
  assert.equal(parseRoute('#/a/b/c').kind, 'unknown');
  assert.equal(parseRoute('#/machines/%E0%A4%A').kind, 'machine');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
      assert.deepEqual(parseRoute(machineHref(name)), { kind: 'machine', assembly: name });
      assert.deepEqual(parseRoute(incidentHref(name)), { kind: 'incident', id: name });
      assert.deepEqual(parseRoute(buildHref(name)), { kind: 'build', digest: name });
    }),
  );
  assert.equal(sectionOf(parseRoute('#/machines/web1')), 'overview');
});

test('a lost link remembers since when, waits longer each time, and is forgotten when it is back', () => {
  let link: LinkState = { kind: 'connecting' };
  const waits: number[] = [];
  for (const atMs of [10, 20, 30, 40, 50, 60, 70]) {
    link = nextLink(link, { kind: 'broke', atMs });
    waits.push(retryDelayMs(link));
  }
  assert.deepEqual(link, { kind: 'lost', sinceMs: 10, attempts: 7 });
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  assert.deepEqual(nextLink(link, { kind: 'opened' }), { kind: 'live' });
  assert.deepEqual(nextLink(link, { kind: 'left' }), { kind: 'connecting' });
});

test('a pixmap is read, comments and all; what is cut short or absurd is none', () => {
  const bytes = (text: string, ...more: number[]): Uint8Array =>
    Uint8Array.from([...Buffer.from(text, 'latin1'), ...more]);
  const picture = readPixmap(bytes('P6\n# of QEMU\n2 1\n255\n', 1, 2, 3, 9, 8, 7));
  assert.deepEqual([picture?.width, picture?.height], [2, 1]);
  assert.deepEqual([...(picture?.rgba ?? [])], [1, 2, 3, 255, 9, 8, 7, 255]);
  for (const bad of [
    'P6\n2 1\n255\n\0',
    'P5\n1 1\n255\n\0\0\0',
    'P6\n999999 999999\n255\n',
    'P6\n0 1\n255\n',
    '',
  ])
    assert.equal(readPixmap(bytes(bad)), undefined, JSON.stringify(bad));
});

test('whatever the bytes are, reading a pixmap ends without an error', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void readPixmap(bytes)));
});

test('the filter finds by deployable, gravity and words; open ones come first, then the newest', () => {
  const all = [
    incident('1', { noticedAtMs: 10 }),
    incident('2', { noticedAtMs: 20, outcome: 'blocked' }),
    incident('3', { noticedAtMs: 5, outcome: 'open', endedAtMs: null, resource: 'site', rung: 'resource' }),
    incident('4', { noticedAtMs: 30, deployable: 'blog', assembly: 'press' }),
  ];
  const ids = (filter: Parameters<typeof selected>[1]): string =>
    selected(all, filter)
      .map(({ id }) => id)
      .join(' ');
  assert.equal(ids(noFilter), '3 4 2 1');
  assert.equal(ids({ ...noFilter, deployable: 'blog' }), '4');
  assert.equal(ids({ ...noFilter, gravity: 'error' }), '2');
  assert.equal(ids({ ...noFilter, gravity: 'warning' }), '3 2');
  assert.equal(ids({ ...noFilter, text: ' SITE ' }), '3');
  assert.equal(subjectOf(all[2] ?? incident('x')), 'web1/site');
});

test('places of files are no observations', () => {
  const one = incident('1', {
    evidence: ['no heartbeat for 3.0 s', 'screen and console: /var/x', 'console: /y'],
  });
  assert.deepEqual(observationsOf(one), ['no heartbeat for 3.0 s']);
});

test('events of one incident stand together, under the newest of all', () => {
  const groups = groupedByIncident([
    event(1, { incident: '7' }),
    event(2),
    event(3, { incident: '7' }),
    event(4, { incident: '8' }),
  ]);
  assert.deepEqual(
    groups.map(({ incident, events }) => [incident, events.map(({ seq }) => seq)]),
    [
      ['8', [4]],
      ['7', [3, 1]],
      [null, [2]],
    ],
  );
});

test('what the page holds has an end: events, incidents, the text of a log', () => {
  const events = Array.from({ length: 500 }, (_, index) => event(index + 1));
  const told = withEvents(withEvents(stateWith(), events), [event(500), event(499)]).journal;
  assert.equal(told.length, 120);
  assert.equal(told.at(-1)?.seq, 500);
  const many = Array.from({ length: 1200 }, (_, index) => incident(String(index), { noticedAtMs: index }));
  const { incidents } = withIncidents(stateWith(), many);
  assert.equal(incidents.size, 1000);
  assert.ok(!incidents.has('0') && incidents.has('1199'));
  const log = withLogText({ digest: 'd', text: 'x\n'.repeat(logShownChars / 2), ended: null }, 'the end\n');
  assert.ok(log.text.length <= logShownChars && log.text.endsWith('the end\n'));
});
