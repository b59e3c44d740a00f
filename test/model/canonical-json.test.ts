import assert from 'node:assert/strict';
import test from 'node:test';
import { assert as check, jsonValue, property } from 'fast-check';
import { canonicalJson, sha256Hex } from '../../model/canonical-json.ts';
import type { JsonValue } from '../../model/canonical-json.ts';

test('the order in which keys were set does not change the text', () => {
  assert.equal(canonicalJson({ b: 1, a: { d: [1, 2], c: null } }), '{"a":{"c":null,"d":[1,2]},"b":1}');
  assert.equal(canonicalJson({ a: { c: null, d: [1, 2] }, b: 1 }), '{"a":{"c":null,"d":[1,2]},"b":1}');
});

test('the text is JSON for the same value', () => {
  check(
    property(jsonValue(), (value) => {
      const text = canonicalJson(value as JsonValue);
      assert.equal(canonicalJson(JSON.parse(text) as JsonValue), text);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('what JSON would silently change is refused', () => {
  assert.throws(() => canonicalJson(Number.NaN), TypeError);
  assert.throws(() => canonicalJson({ a: undefined } as unknown as JsonValue), TypeError);
  assert.throws(() => canonicalJson('\ud800'), TypeError);
});

test('the digest is the well-known sha256', () => {
  assert.equal(sha256Hex(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});
