/** Where machines stand in the picture, and how the arrows between them run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { arrowPath, arrowsOf, stepsOf } from '../../page/graph.ts';
import { assembly, resource } from './samples.ts';

const on = (name: string, restart = false) => ({ assembly: name, restart });

test('what is started first stands first, and each machine once', () => {
  const all = [
    assembly('lb', { dependsOn: [on('web1'), on('web2')] }),
    assembly('web1', { dependsOn: [on('db', true)] }),
    assembly('web2', { dependsOn: [on('db')] }),
    assembly('db'),
  ];
  const arrows = arrowsOf(all);
  assert.deepEqual(
    arrows.map(({ from, to, restart }) => `${from}→${to}${restart ? '!' : ''}`),
    ['web1→lb', 'web2→lb', 'db→web1!', 'db→web2'],
  );
  assert.deepEqual(
    stepsOf(all, arrows).map((step) => step.map(({ name }) => name)),
    [['db'], ['web1', 'web2'], ['lb']],
  );
});

test('resources that wait for another machine make one dashed arrow, unless the machine itself waits', () => {
  const waits = resource('wiki', { dependsOn: [{ assembly: 'db', resource: 'sql', restart: true }] });
  const inside = resource('a', { dependsOn: [{ assembly: 'web', resource: 'b', restart: false }] });
  const db = assembly('db');
  assert.deepEqual(arrowsOf([db, assembly('web', { resources: [waits, inside, resource('b')] })]), [
    { from: 'db', to: 'web', restart: true, kind: 'resource' },
  ]);
  assert.deepEqual(arrowsOf([db, assembly('web', { resources: [waits], dependsOn: [on('db')] })]), [
    { from: 'db', to: 'web', restart: true, kind: 'assembly' },
  ]);
});

test('an arrow from a machine outside of the picture is left out', () => {
  assert.deepEqual(arrowsOf([assembly('web', { dependsOn: [on('elsewhere')] })]), []);
});

test('whatever waits for whom, circles too, every machine stands somewhere exactly once', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const edges = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)), { maxLength: 12 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const all = names.map((name) =>
        assembly(name, { dependsOn: pairs.filter(([to]) => to === name).map(([, from]) => on(from)) }),
      );
      const placed = stepsOf(all, arrowsOf(all))
        .flat()
        .map(({ name }) => name);
      assert.deepEqual(placed.toSorted(), names);
    }),
  );
});

test('an arrow goes across, down, or around, and its numbers are finite', () => {
  const card = { width: 100, height: 40 };
  const across = arrowPath({ left: 0, top: 0, ...card }, { left: 160, top: 50, ...card });
  assert.match(across, /^M100 20 C129 20 129 70 158 70$/);
  const down = arrowPath({ left: 0, top: 0, ...card }, { left: 0, top: 60, ...card });
  assert.match(down, /^M50 40 /);
  const around = arrowPath({ left: 20, top: 0, ...card }, { left: 20, top: 300, ...card });
  assert.match(around, /^M20 20 C2 20 2 320 18 320$/);
});
