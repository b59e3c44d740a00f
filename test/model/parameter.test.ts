/** A parameter's value as it is typed: text, reference, and a text that looks like one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nameSchema } from '../../model/names.ts';
import {
  parameterNameSchema,
  parameterValueSchema,
  resourceDefinitionSchema,
} from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { formatParameterValue, parseParameterText, portOfReference } from '../../model/parameter.ts';

test('a text is itself, an @ begins a reference, and @@ a text that begins with @', () => {
  const table = [
    ['', ''],
    ['plain text = 1', 'plain text = 1'],
    ['a@b:address', 'a@b:address'],
    ['@@home', '@home'],
    ['@@@x', '@@x'],
    ['@db:address', { assembly: 'db', value: 'address' }],
    ['@db-1.x:port/3306', { assembly: 'db-1.x', value: 'port/3306' }],
    ['@db:endpoint/65535', { assembly: 'db', value: 'endpoint/65535' }],
  ] as const;
  for (const [typed, value] of table) {
    assert.deepEqual(parseParameterText(typed), value);
    assert.equal(formatParameterValue(value), typed);
  }
});

test('a reference to nothing that an assembly gives is refused, with the forms that there are', () => {
  for (const typed of [
    '@',
    '@db',
    '@db:',
    '@db:port',
    '@db:port/0',
    '@db:port/65536',
    '@db:port/080',
    '@db:port/1 ',
    '@db:Address',
    '@db:endpoint/x',
  ])
    assert.throws(
      () => parseParameterText(typed),
      { code: 'bad-reference', hint: /@ASSEMBLY:port\/N/ },
      typed,
    );
  assert.throws(() => parseParameterText('@:address'), { code: 'bad-name' });
  assert.throws(() => parseParameterText('@a b:address'), { code: 'bad-name' });
});

test('a value that would open a new line, or is too long, is refused', () => {
  for (const typed of [
    'a\nb',
    'a\rb',
    'a\u0000b',
    'a\u2028b',
    'a\u001bb',
    '\ud800',
    'x'.repeat(513),
    `@@${'x'.repeat(512)}`,
  ])
    assert.throws(() => parseParameterText(typed), { code: 'bad-parameter-value' }, JSON.stringify(typed));
  assert.equal(parseParameterText('ü'.repeat(512)), 'ü'.repeat(512));
});

test('every value is written so that it is read as itself, and nothing else than a value ever comes out', () => {
  const reference = fc.record(
    {
      assembly: fc
        .stringMatching(/^[a-z][a-z0-9-]{0,9}[a-z0-9]$/)
        .filter((name) => nameSchema.safeParse(name).success),
      value: fc.oneof(
        fc.constant('address'),
        fc
          .tuple(fc.constantFrom('port', 'endpoint'), fc.integer({ min: 1, max: 65_535 }))
          .map((pair) => pair.join('/')),
      ),
    },
    { noNullPrototype: true },
  );
  const text = fc.string({ maxLength: 40 }).filter((one) => parameterValueSchema.safeParse(one).success);
  fc.assert(
    fc.property(fc.oneof(reference, text), (value) => {
      assert.deepEqual(parseParameterText(formatParameterValue(value)), value);
    }),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string().map((rest) => `@${rest}`),
      ),
      (typed) => {
        try {
          assert.ok(parameterValueSchema.safeParse(parseParameterText(typed)).success);
        } catch (error) {
          assert.ok(error instanceof PcloudError, String(error));
          assert.equal(error.category, 'invalid');
        }
      },
    ),
  );
});

test('a port is told from an address', () => {
  assert.equal(portOfReference('address'), null);
  assert.equal(portOfReference('port/80'), 80);
  assert.equal(portOfReference('endpoint/443'), 443);
});

test('a name that no object can hold is no name of a parameter', () => {
  for (const name of ['', '1a', 'a-b', 'a b', 'ä', '__proto__', 'x'.repeat(63)])
    assert.equal(parameterNameSchema.safeParse(name).success, false, name);
  for (const name of ['A', '_', 'DB_HOST_2', 'constructor', 'x'.repeat(62)])
    assert.ok(parameterNameSchema.safeParse(name).success, name);
});

test('a definition from before there were parameters and order has none of either', () => {
  const { parameters, dependsOn } = resourceDefinitionSchema.parse({
    name: 'r',
    template: 'httpd',
    escalation: 'never',
  });
  assert.deepEqual([parameters, dependsOn], [{}, []]);
});
