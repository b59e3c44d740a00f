/** How a download goes on: every case of the answer, and that no answer ever mixes two files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { askFor, decide } from '../../../builder/media/range.ts';
import type { Begun, Decision, Validator } from '../../../builder/media/range.ts';

const etag: Validator = { kind: 'etag', value: '"v1"' };
const begun: Begun = { validator: etag, totalBytes: 100, haveBytes: 40 };

test('what is asked for depends on what is here', () => {
  assert.deepEqual(askFor(undefined), { kind: 'get', fromBytes: 0, headers: {} });
  assert.deepEqual(askFor(begun), {
    kind: 'get',
    fromBytes: 40,
    headers: { range: 'bytes=40-', 'if-range': '"v1"' },
  });
  assert.deepEqual(askFor({ ...begun, haveBytes: 100 }), { kind: 'have-all' });
  // Without a validator nobody could say whether the rest belongs to the same file.
  assert.deepEqual(askFor({ ...begun, validator: null }), { kind: 'get', fromBytes: 0, headers: {} });
  assert.deepEqual(askFor({ ...begun, haveBytes: 101 }), { kind: 'get', fromBytes: 0, headers: {} });
});

const rest = 'bytes 40-99/100';
const table: readonly (readonly [string, number, Record<string, string>, Decision['kind']])[] = [
  ['the rest', 206, { 'content-range': rest, etag: '"v1"' }, 'append'],
  ['the rest, without repeating the validator', 206, { 'content-range': rest }, 'append'],
  ['a part of the rest', 206, { 'content-range': 'bytes 40-59/100' }, 'append'],
  ['the rest of an unknown whole', 206, { 'content-range': 'bytes 40-99/*' }, 'append'],
  ['a range that begins elsewhere', 206, { 'content-range': 'bytes 0-99/100' }, 'ask-for-whole'],
  ['a range of another length', 206, { 'content-range': 'bytes 40-199/200' }, 'ask-for-whole'],
  ['the rest of another file', 206, { 'content-range': rest, etag: '"v2"' }, 'ask-for-whole'],
  ['a range without saying which', 206, {}, 'ask-for-whole'],
  ['several ranges', 206, { 'content-type': 'multipart/byteranges; boundary=x' }, 'ask-for-whole'],
  ['the whole, because it changed or ranges are not known', 200, { 'content-length': '100' }, 'whole'],
  ['no such range', 416, { 'content-range': 'bytes */100' }, 'ask-for-whole'],
  ['nothing', 404, {}, 'bad-status'],
  ['trouble', 503, {}, 'bad-status'],
  ['a packed whole', 200, { 'content-encoding': 'gzip' }, 'refused'],
];
for (const [title, status, headers, kind] of table)
  test(`asked for the rest, the server sends ${title}: ${kind}`, () => {
    assert.equal(decide(begun, 40, { status, headers }).kind, kind);
  });

test('a file that is here as a whole is not asked for again', () => {
  const whole = { ...begun, haveBytes: 100 };
  assert.equal(
    decide(whole, 100, { status: 416, headers: { 'content-range': 'bytes */100' } }).kind,
    'have-all',
  );
});

test('a part that nobody asked for is refused', () => {
  assert.equal(
    decide(undefined, 0, { status: 206, headers: { 'content-range': 'bytes 0-9/10' } }).kind,
    'refused',
  );
});

test('only a validator that says something of every byte is kept', () => {
  const validatorFor = (headers: Record<string, string>): Validator | null => {
    const decision = decide(undefined, 0, { status: 200, headers });
    assert.equal(decision.kind, 'whole');
    return decision.kind === 'whole' ? decision.validator : null;
  };
  const modified = 'Wed, 27 Oct 2010 10:00:00 GMT';
  assert.deepEqual(validatorFor({ etag: '"x"', 'last-modified': modified }), { kind: 'etag', value: '"x"' });
  assert.deepEqual(validatorFor({ etag: 'W/"x"', 'last-modified': modified }), {
    kind: 'last-modified',
    value: modified,
  });
  // Changed within the second of the answer: two files may bear that date.
  assert.equal(validatorFor({ 'last-modified': modified, date: modified }), null);
  assert.equal(validatorFor({ 'last-modified': 'yesterday' }), null);
  assert.equal(validatorFor({ etag: 'W/"x"' }), null);
});

test('bytes are appended only where they belong: same file, same length, at the end of ours', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('bytes 40-99/100', 'bytes 40-98/99', 'bytes 39-99/100', '"v1"', '"v2"'),
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.constantFrom(200, 206, 304, 404, 416, 500), fc.integer({ min: 100, max: 599 })),
      fc.record(
        { 'content-range': text, etag: text, 'content-length': text, 'content-encoding': text },
        { requiredKeys: [] },
      ),
      (status, headers) => {
        const decision = decide(begun, 40, { status, headers });
        if (decision.kind !== 'append') return;
        assert.equal(status, 206);
        assert.match(headers['content-range'] ?? '', /^bytes 40-\d+\/(100|\*)$/);
        assert.equal(decision.totalBytes, 100);
        assert.ok(!/^"[^"]+"$/.test(headers.etag ?? '') || headers.etag === '"v1"');
      },
    ),
    { numRuns: 2000 },
  );
});

test('asking for the whole never leads to asking for the whole', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 599 }),
      fc.dictionary(fc.constantFrom('content-range', 'etag'), fc.string()),
      (status, headers) => {
        assert.notEqual(decide(undefined, 0, { status, headers }).kind, 'ask-for-whole');
      },
    ),
  );
});
