/**
 * The guest link's codec, as properties: what is encoded is decoded to the same, no bytes throw, and how a
 * stream is cut into chunks does not matter.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  decodeGuestMessage,
  decodeHostMessage,
  encodeGuestMessage,
  encodeHostMessage,
} from '../../model/guest-codec.ts';
import { maxLineBytes } from '../../model/guest-protocol.ts';
import type { GuestMessage, HostMessage } from '../../model/guest-protocol.ts';
import { emptyRest, splitLines } from '../../model/line-splitter.ts';
import { nameSchema } from '../../model/names.ts';

const name = fc
  .stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/)
  .filter((text) => nameSchema.safeParse(text).success);
const text = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .filter((t) => !t.includes('\0') && t.isWellFormed());
const operation = fc.constantFrom('monitor', 'start', 'stop', 'kill');
const positive = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const count = fc.maxSafeNat();

/** Leaves keys out by chance, as the messages' optional keys may be. */
function withOptional(required: object, optional: object) {
  return fc.record({ ...required, ...optional }, { requiredKeys: Object.keys(required) as never[] });
}

const guestMessage = fc.oneof(
  withOptional(
    {
      kind: fc.constant('hello'),
      protocol: fc.nat(1_000_000),
      agentVersion: fc.stringMatching(/^[\x21-\x7e]{1,64}$/),
      bootId: fc.uuid(),
      init: fc.constantFrom('systemd', 'sysv'),
      deathSource: fc.constantFrom('proc-connector', 'poll'),
    },
    {
      hostKey: fc.stringMatching(/^ssh-(ed25519|rsa) [A-Za-z0-9+/=]{16,100}$/),
      cause: fc.constantFrom('answer', 'start', 'update'),
      can: fc.constantFrom('run', 'run,watchdog', 'run,more-of-it'),
      address: fc.ipV4(),
    },
  ),
  withOptional(
    { kind: fc.constant('state'), name, state: fc.constantFrom('running', 'dead', 'unknown') },
    { pid: positive },
  ),
  fc.constant({ kind: 'state-end' }),
  fc.record({ kind: fc.constant('heartbeat'), sequence: count, uptimeMs: count }),
  withOptional(
    { kind: fc.constant('death'), name, pid: positive },
    { exitCode: fc.nat(255), signal: fc.integer({ min: 1, max: 127 }) },
  ),
  withOptional(
    {
      kind: fc.constant('result'),
      id: positive,
      name,
      operation,
      code: fc.nat(255),
      timedOut: fc.boolean(),
      durationMs: count,
    },
    { output: text.filter((t) => Buffer.byteLength(t) <= 512) },
  ),
  fc.record({
    kind: fc.constant('output'),
    id: positive,
    stream: fc.constantFrom('stdout', 'stderr'),
    text: fc.string({ unit: 'binary', maxLength: 300 }).filter((t) => !t.includes('\0') && t.isWellFormed()),
  }),
  fc
    .tuple(
      fc.oneof(
        fc.record({ code: fc.nat(255) }),
        fc.record({ signal: fc.integer({ min: 1, max: 127 }) }),
        fc.record({ refused: fc.stringMatching(/^[ -~]{1,200}$/) }),
      ),
      fc.record({ kind: fc.constant('run-result'), id: positive, timedOut: fc.boolean(), durationMs: count }),
    )
    .map(([end, rest]) => ({ ...rest, ...end })),
) as fc.Arbitrary<GuestMessage>;

const hostMessage = fc.oneof(
  fc.record({
    kind: fc.constant('hello'),
    protocol: fc.nat(1_000_000),
    heartbeatMs: fc.integer({ min: 100, max: 60_000 }),
  }),
  withOptional(
    { kind: fc.constant('identity'), hostname: name },
    { authorizedKey: fc.stringMatching(/^ssh-ed25519 [\x20-\x7e]{1,200}$/) },
  ),
  fc.record({
    kind: fc.constant('watch'),
    name,
    class: fc.constantFrom('lsb', 'systemd'),
    service: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9@:._-]{0,127}$/),
    parameters: fc
      .array(fc.tuple(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/), text), { maxLength: 10 })
      .map((pairs) => Object.fromEntries(pairs.filter(([key]) => key !== '__proto__'))),
  }),
  fc.record({
    kind: fc.constant('watch'),
    name,
    class: fc.constant('ocf'),
    service: fc.stringMatching(/^[a-z]{1,20}:[A-Za-z]{1,20}$/),
    parameters: fc.constant({ pidfile: '/run/x y=%.pid' }),
  }),
  fc.record({ kind: fc.constant('unwatch'), name }),
  fc.record({
    kind: fc.constant('operation'),
    id: positive,
    name,
    operation,
    timeoutMs: fc.integer({ min: 1, max: 3_600_000 }),
  }),
  fc.constant({ kind: 'poweroff' }),
  fc.record({
    kind: fc.constant('run'),
    id: positive,
    timeoutMs: fc.integer({ min: 1, max: 3_600_000 }),
    arguments: fc
      .array(fc.oneof(text, fc.constant('')), { maxLength: 11 })
      .map((rest) => ['/bin/x y', ...rest.map((word) => Array.from(word).slice(0, 20).join(''))]),
    environment: fc
      .array(fc.tuple(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,20}$/), fc.stringMatching(/^[ -~]{0,20}$/)), {
        maxLength: 12,
      })
      .map((pairs) => Object.fromEntries(pairs)),
  }),
) as fc.Arbitrary<HostMessage>;

/** The lines without their newline; fails when there is not exactly one. */
function lineOf(encoded: string): string {
  assert.match(encoded, /^[\x20-\x7e]+\n$/);
  return encoded.slice(0, -1);
}

/** Plain objects whatever their prototype, so that deepEqual looks at the content. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function asMessage(decoded: { readonly ok: boolean; readonly message?: unknown }): unknown {
  assert.ok(decoded.ok, JSON.stringify(decoded));
  return plain(decoded.message);
}

test('a guest message is decoded to what was encoded', () => {
  fc.assert(
    fc.property(guestMessage, (message) => {
      assert.deepEqual(asMessage(decodeGuestMessage(lineOf(encodeGuestMessage(message)))), plain(message));
    }),
    { numRuns: 500 },
  );
});

test('a host message is decoded to what was encoded', () => {
  fc.assert(
    fc.property(hostMessage, (message) => {
      assert.deepEqual(asMessage(decodeHostMessage(lineOf(encodeHostMessage(message)))), plain(message));
    }),
    { numRuns: 500 },
  );
});

test('no line makes the decoder throw, and what it accepts can be encoded again', () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b).toString('latin1'));
  const nearly = fc
    .tuple(guestMessage, fc.nat(400), fc.stringMatching(/^[ -~]{0,3}$/))
    .map(([message, at, insert]) => {
      const line = encodeGuestMessage(message).slice(0, -1);
      return line.slice(0, at % line.length) + insert + line.slice((at % line.length) + 1);
    });
  fc.assert(
    fc.property(fc.oneof(bytes, nearly), (line) => {
      decodeHostMessage(line);
      const decoded = decodeGuestMessage(line);
      if (!decoded.ok) {
        assert.ok(decoded.reason.length > 0 && decoded.reason.length < 300);
        return;
      }
      // Bad UTF-8 in output grows to replacement characters: that one may become too long to say again.
      if (decoded.message.kind === 'result' || decoded.message.kind === 'output') return;
      assert.ok(decodeGuestMessage(encodeGuestMessage(decoded.message).slice(0, -1)).ok);
    }),
    { numRuns: 2000 },
  );
});

test('how the stream is cut into chunks does not matter', () => {
  const stream = fc.array(fc.oneof(fc.constant(10), fc.integer({ min: 0, max: 255 }), fc.constant(65)), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(stream, fc.array(fc.nat(200), { maxLength: 12 }), (bytes, cuts) => {
      const whole = splitLines(emptyRest, Uint8Array.from(bytes), 64);
      const points = [
        0,
        ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
        bytes.length,
      ];
      const lines: string[] = [];
      let rest = emptyRest;
      let tooLong = false;
      for (let i = 1; i < points.length && !tooLong; i++) {
        const split = splitLines(rest, Uint8Array.from(bytes.slice(points[i - 1], points[i])), 64);
        lines.push(...split.lines);
        rest = split.rest;
        tooLong = split.tooLong;
      }
      assert.deepEqual({ lines, tooLong }, { lines: whole.lines, tooLong: whole.tooLong });
      assert.deepEqual([...rest], [...whole.rest]);
    }),
  );
});

test('a line of the greatest length passes and one byte more does not', () => {
  const longest = `${'a'.repeat(maxLineBytes - 1)}\n`;
  assert.deepEqual(splitLines(emptyRest, Buffer.from(longest), maxLineBytes).lines.length, 1);
  assert.equal(splitLines(emptyRest, Buffer.from(`a${longest}`), maxLineBytes).tooLong, true);
  assert.equal(splitLines(emptyRest, Buffer.from('a'.repeat(maxLineBytes)), maxLineBytes).tooLong, true);
});

const goodHello =
  'hello protocol=1 agent-version=1 boot-id=6f1c2a64-7a3e-4d59-9a2e-3f1f6f4b2a10 init=systemd death-source=poll';
const refusedLines: readonly (readonly [line: string, reason: RegExp])[] = [
  ['', /empty/],
  ['HELLO', /verb/],
  ['shutdown', /not a message/],
  ['__proto__ kind=hello', /verb/],
  ['state name=web', /state/],
  ['state name=web state=running pid=0', /pid/],
  ['state name=web state=running pid=01', /pid/],
  ['state name=web state=running pid=1e3', /pid/],
  ['state name=../etc state=running', /name/],
  ['state name=web name=web state=running', /twice/],
  ['state name=web  state=running', /key=value/],
  ['state name=%zz state=running', /encoded/],
  ['state name=web%00 state=running', /encoded/],
  ['state name=w%ff state=running', /UTF-8/],
  [`result id=1 name=web operation=start code=0 timed-out=0 duration-ms=1 output=${'x'.repeat(513)}`, /512/],
  ['result id=1 name=web operation=lookup code=0 timed-out=0 duration-ms=1', /operation/],
  [`output id=1 stream=stdout text=${'x'.repeat(1201)}`, /1200/],
  ['output id=1 stream=stdin text=x', /stream/],
  ['run-result id=1 timed-out=0 duration-ms=1', /code/],
  ['run-result id=1 code=0 signal=9 timed-out=0 duration-ms=1', /code/],
  ['run-result id=1 code=256 timed-out=0 duration-ms=1', /code/],
  ['hello protocol=1 can=Run', /agent-version/],
  [`${goodHello} address=10.0.2`, /address/],
  [`${goodHello} address=fe80::1`, /address/],
  [`${goodHello} address=10.0.2.15%2f24`, /address/],
  [`state-end ${Array.from({ length: 65 }, (_, i) => `k${i}=1`).join(' ')}`, /64/],
  [`state-end ${'k'.repeat(5000)}`, /longer/],
  ['hello protocol=1 agent-version=1 boot-id=x init=systemd death-source=poll', /boot-id/],
];
for (const [line, reason] of refusedLines) {
  test(`the decoder refuses ${JSON.stringify(line.slice(0, 60))} and says why`, () => {
    const decoded = decodeGuestMessage(line);
    assert.equal(decoded.ok, false);
    assert.match(decoded.ok ? '' : decoded.reason, reason);
  });
}

test('a key of a later agent is ignored', () => {
  assert.deepEqual(asMessage(decodeGuestMessage('state-end mood=fine')), { kind: 'state-end' });
});

test('what a guest would refuse is not sent but thrown as an error for people', () => {
  const watch = { kind: 'watch', name: 'web', class: 'lsb', service: 'httpd' } as const;
  const run = {
    kind: 'run',
    id: 1,
    timeoutMs: 1000,
    arguments: ['/bin/true'] as readonly string[],
    environment: {},
  } as const;
  const bad: readonly HostMessage[] = [
    { ...watch, parameters: { config: 'x'.repeat(5000) } },
    { ...watch, service: '-rf', parameters: {} },
    { ...watch, class: 'ocf', parameters: {} },
    { kind: 'hello', protocol: 1, heartbeatMs: 1 },
    { kind: 'identity', hostname: 'a b' },
    { kind: 'identity', hostname: 'a', authorizedKey: 'ssh-rsa A\nssh-rsa B' },
    { kind: 'operation', id: 0, name: 'web', operation: 'start', timeoutMs: 1 },
    { ...run, arguments: [] },
    { ...run, arguments: ['apt-get', 'install'] },
    { ...run, arguments: ['/bin/true', 'nul\0'] },
    { ...run, arguments: ['/bin/true', ...Array.from({ length: 48 }, () => 'x')] },
    { ...run, arguments: ['/bin/true', 'x'.repeat(5000)] },
    { ...run, environment: { 'A=B': 'x' } },
    { ...run, environment: Object.fromEntries(Array.from({ length: 13 }, (_, at) => [`V${at}`, ''])) },
    { ...run, timeoutMs: 0 },
  ];
  for (const message of bad) {
    assert.throws(() => encodeHostMessage(message), { code: 'guest-message-unsendable' });
  }
});

test("a run's arguments keep their order and a gap in them is refused", () => {
  const words = ['/bin/sh', ...Array.from({ length: 47 }, (_, at) => `w${at}`)];
  const message = {
    kind: 'run',
    id: 1,
    timeoutMs: 1,
    arguments: words,
    environment: { A: '' },
  } as const;
  const line = lineOf(encodeHostMessage(message));
  assert.deepEqual(asMessage(decodeHostMessage(line)), message);
  const shuffled = decodeHostMessage('run a.1=b id=1 timeout-ms=1 a.0=/a');
  assert.deepEqual(asMessage(shuffled), { ...message, arguments: ['/a', 'b'], environment: {} });
  assert.equal(decodeHostMessage('run id=1 timeout-ms=1 a.0=/a a.2=b').ok, false);
  assert.equal(decodeHostMessage('run id=1 timeout-ms=1 a.0=/a a.01=b').ok, false);
  assert.equal(decodeHostMessage('run id=1 timeout-ms=1').ok, false);
});
