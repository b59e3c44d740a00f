/** The published JSON Schema of service files is the one that the code reads them by, and it takes the examples. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import Ajv from 'ajv';
import { parse } from 'yaml';
import {
  keysAt,
  serviceFileJsonSchema,
  serviceFileJsonSchemaText,
} from '../../model/service-file/json-schema.ts';
import { readServiceText } from '../../shell/service-file/read.ts';

const docs = path.resolve(import.meta.dirname, '../../docs');
const published = path.join(docs, 'schema/deployable.schema.json');

test('the published schema is current; UPDATE_GOLDENS=1 writes it', async () => {
  const text = serviceFileJsonSchemaText();
  if (process.env['UPDATE_GOLDENS'] === '1' && process.env['CI'] === undefined)
    await writeFile(published, text);
  assert.equal(await readFile(published, 'utf8'), text);
});

test('it takes the examples as an editor would, and refuses a key that is not there', async () => {
  const validate = new Ajv.default({ strict: true, allowUnionTypes: true, strictRequired: false }).compile(
    serviceFileJsonSchema(),
  );
  for (const name of ['haproxy', 'wordpress']) {
    const file: unknown = parse(await readFile(path.join(docs, `examples/${name}.yaml`), 'utf8'));
    assert.ok(validate(file), JSON.stringify(validate.errors));
  }
  assert.equal(validate({ version: 1, name: 'a', assemblies: { web: { release: 'x', disks: [] } } }), false);
  assert.equal(validate({ version: 2, name: 'a', assemblies: {} }), false);
  assert.equal(validate({ version: 1, name: 'a', assemblies: { 'a b': { release: 'x' } } }), false);
});

test('what may stand at a place is known for did-you-mean, and everything has a description where it needs one', () => {
  assert.deepEqual(keysAt([]), [
    'version',
    'name',
    'monitoring',
    'escalation',
    'maintenance',
    'alerts',
    'secrets',
    'assemblies',
  ]);
  assert.deepEqual(keysAt(['alerts', 0]), ['webhook', 'token', 'match', 'program', 'match']);
  assert.deepEqual(keysAt(['maintenance', 0]), ['every', 'at', 'for', 'timeZone']);
  assert.deepEqual(keysAt(['assemblies', 'web', 'resources', 'site', 'checks', 0, 'http']), [
    'guestPort',
    'path',
    'status',
    'bodyContains',
  ]);
  assert.deepEqual(keysAt(['secrets', 'x']), ['generate', 'fromFile']);
  assert.deepEqual(keysAt(['name', 'x']), []);
});

test('each piece of a file on the page is one that is taken', async () => {
  const page = await readFile(path.join(docs, 'service-files.md'), 'utf8');
  const pieces = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text]) => text ?? '');
  assert.equal(pieces.length, 4);
  for (const piece of pieces) {
    const reading = readServiceText(
      `version: 1\nname: shop\n${piece.startsWith('assemblies:') ? '' : 'assemblies: {}\n'}${piece}`,
    );
    assert.ok(reading.ok, JSON.stringify(reading));
  }
});
