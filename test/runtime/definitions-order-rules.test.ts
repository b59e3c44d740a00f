/** Who waits for whom: circles of assemblies, of resources, of both and through parameters, in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { AssemblyDefinition } from '../../model/definition.ts';
import { clearCommandOf, findOrderCycle, rulesNaming, wordsOf } from '../../model/order-rules.ts';

/** `a: b` an assembly on one; `a/x: b/y` a resource on one; `a/x: @b` a parameter that refers to one. */
function defined(...lines: readonly string[]): readonly AssemblyDefinition[] {
  const made = new Map<string, AssemblyDefinition>();
  const assembly = (name: string): AssemblyDefinition => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const fresh: AssemblyDefinition = {
      name,
      release: 'debian12',
      architecture: 'x86_64',
      uuid: '00000000-0000-4000-8000-000000000001',
      macAddress: '52:54:00:00:00:01',
      memoryMiB: 128,
      vcpus: 1,
      ports: [],
      disks: [],
      networks: [],
      transport: { kind: 'agent' },
      imported: null,
      imageDigest: null,
      escalation: 'never',
      resources: [],
      dependsOn: [],
    };
    made.set(name, fresh);
    return fresh;
  };
  const resource = (place: string) => {
    const [name = '', what = ''] = place.split('/');
    const { resources } = assembly(name);
    const known = resources.find((one) => one.name === what);
    if (known !== undefined) return known;
    const fresh: AssemblyDefinition['resources'][number] = {
      name: what,
      template: 'httpd',
      escalation: 'never',
      parameters: {},
      watching: {},
      dependsOn: [],
    };
    resources.push(fresh);
    return fresh;
  };
  for (const line of lines) {
    const [from = '', to = ''] = line.split(': ');
    if (to.startsWith('@'))
      resource(from).parameters[`P${to.slice(1)}`] = {
        assembly: assembly(to.slice(1)).name,
        value: 'address',
      };
    else if (from.includes('/')) {
      resource(to);
      const [on = '', what = ''] = to.split('/');
      resource(from).dependsOn.push({ assembly: on, resource: what, restart: false });
    } else {
      assembly(to);
      assembly(from).dependsOn.push({ assembly: to, restart: false });
    }
  }
  return [...made.values()];
}

const pathOf = (...lines: readonly string[]): string | undefined =>
  findOrderCycle(defined(...lines))?.path.join(' → ');

test('a circle of assemblies, of resources, of both, and through a parameter is named', () => {
  const table: readonly (readonly [readonly string[], string | undefined])[] = [
    [['a: a'], 'a → a'],
    [['a: b', 'b: a'], 'a → b → a'],
    [['a: b', 'b: c', 'c: a'], 'a → b → c → a'],
    [['a/x: a/x'], 'a/x → a/x'],
    [['a/x: a/y', 'a/y: a/x'], 'a/x → a/y → a/x'],
    [['a/x: b/y', 'b/y: c/z', 'c/z: a/x'], 'a/x → b/y → c/z → a/x'],
    // An assembly waits for all resources of the other, and one of those for its own.
    [['a: b', 'b/y: a/x'], 'a → b → b/y → a/x → a'],
    // The machine whose address is to be told waits for the resource that is to be told it.
    [['a: b', 'b/y: @a'], 'a → b → b/y → a'],
  ];
  for (const [lines, expected] of table) {
    const found = pathOf(...lines);
    const turned = found?.split(' → ').slice(1);
    // Where it begins is a matter of the order of definitions; that it is this circle is not.
    assert.equal(
      [...(turned ?? [])].sort().join(),
      [...(expected?.split(' → ').slice(1) ?? [])].sort().join(),
      `${lines.join(', ')}: ${found}`,
    );
  }
});

test('what only looks like a circle is none', () => {
  for (const lines of [
    // Machines do not wait for what the others' resources are told: peers may know each other's addresses.
    ['a/x: @b', 'b/y: @a'],
    ['a/x: @a'],
    ['a: b', 'a/x: b/y'],
    ['a: b', 'a/x: @b'],
    ['a/x: b/y', 'b/z: a/w'],
    ['a: b', 'a: c', 'b: d', 'c: d'],
  ])
    assert.equal(pathOf(...lines), undefined, lines.join(', '));
});

test('a circle that is asked for through something begins there, and one elsewhere does not count', () => {
  const assemblies = defined('a: b', 'b: c', 'c: a', 'd: a', 'e/x: e/y', 'e/y: e/x');
  assert.deepEqual(findOrderCycle(assemblies, { assembly: 'b' })?.path, ['b', 'c', 'a', 'b']);
  assert.equal(findOrderCycle(assemblies, { assembly: 'd' }), undefined);
  assert.deepEqual(findOrderCycle(assemblies, { assembly: 'e', resource: 'y' })?.path, ['e/y', 'e/x', 'e/y']);
});

test('a circle tells the rules that it is made of, each with the command that takes it back', () => {
  const cycle = findOrderCycle(defined('a: b', 'b/y: a/x'), { assembly: 'a' });
  assert.deepEqual(cycle?.rules.map(clearCommandOf), [
    'assembly_depends_clear a b',
    'resource_depends_clear y b x a',
  ]);
});

test('who names an assembly is told, itself aside', () => {
  const words = rulesNaming('a', defined('b: a', 'b/y: a/x', 'c/z: @a', 'a/x: @a', 'a/x: a/w')).map(wordsOf);
  assert.deepEqual(words, [
    'assembly b depends on it',
    'resource y in assembly b depends on x in it',
    'parameter Pa of resource z in assembly c is @a:address',
  ]);
});

test('whatever is defined only towards earlier names has no circle, and closing the chain makes one', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const line = fc
    .tuple(fc.nat(4), fc.nat(4), fc.constantFrom('assembly', 'resource', 'reference'))
    .filter(([from, to]) => from > to)
    .map(([from, to, kind]) => {
      const [one = '', other = ''] = [names[from], names[to]];
      if (kind === 'assembly') return `${one}: ${other}`;
      return kind === 'resource' ? `${one}/r: ${other}/r` : `${one}/r: @${other}`;
    });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      assert.equal(pathOf(...lines), undefined);
      const assemblyLines = lines.filter((text) => !text.includes('/'));
      const [first] = assemblyLines;
      if (first === undefined) return;
      const [from = '', to = ''] = first.split(': ');
      assert.notEqual(pathOf(...lines, `${to}: ${from}`), undefined);
    }),
  );
});
