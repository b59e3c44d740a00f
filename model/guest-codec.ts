/**
 * The messages of `guest-protocol.ts` as lines, both ways, so that the host, the simulated guest and the
 * tests share one codec. Knows every key and its limits; the syntax below it is `guest-line.ts`. Keys that
 * it does not know are ignored (a later agent of the same version may say more); a verb that it does not
 * know, a missing key or a value out of its limits refuses the line. Prose: `docs/guest-protocol.md`.
 */
import { z } from 'zod';
import { PcloudError } from './errors.ts';
import { formatGuestLine, parseGuestLine } from './guest-line.ts';
import type { GuestLine, GuestLineField } from './guest-line.ts';
import type { GuestMessage, HostMessage } from './guest-protocol.ts';
import { nameSchema } from './names.ts';
import { serviceNameSchema } from './resource-template.ts';

export type Decoded<M> =
  { readonly ok: true; readonly message: M } | { readonly ok: false; readonly reason: string };

/** Last words of an operation, in bytes before encoding. */
export const maxOutputBytes = 512;
/** A piece of a run's output, in bytes before encoding. */
export const maxRunTextBytes = 1200;
const maxRunArguments = 48;
const maxRunVariables = 12;

/** Keys that come in any number: their prefix on the wire, by verb and field. */
const prefixes: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map([
  ['watch', { parameters: 'p.' }],
  ['run', { arguments: 'a.', environment: 'e.' }],
]);
/** What a program said, for a person to read, and its longest; there bad UTF-8 is shown, not refused. */
const outputs: ReadonlyMap<string, { readonly key: string; readonly maxBytes: number }> = new Map([
  ['result', { key: 'output', maxBytes: maxOutputBytes }],
  ['output', { key: 'text', maxBytes: maxRunTextBytes }],
]);

function whole(min: number, max: number) {
  return z
    .string()
    .regex(/^(0|[1-9][0-9]{0,15})$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max));
}

const maxInt32 = 2 ** 31 - 1;
const pid = whole(1, maxInt32);
const operation = z.enum(['monitor', 'start', 'stop', 'kill']);
const flag = z.enum(['0', '1']).transform((value) => value === '1');
const protocol = whole(0, 1_000_000);
const durationMs = whole(0, Number.MAX_SAFE_INTEGER);
const ocfAgentSchema = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$/);
/** One line, a key type first: no options such as `command=`. The agent's own limit is the same. */
const authorizedKeySchema = z
  .string()
  .max(1023)
  .regex(/^(ssh-|ecdsa-|sk-)[\x20-\x7e]+$/);
const parametersSchema = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,61}$/), z.string());
/** `0`, `1` and so on without a gap, in any order; the first an absolute path. */
const argumentsSchema = z
  .record(z.string(), z.string())
  .transform((given) => Object.keys(given).map((_, at) => given[String(at)]))
  .pipe(z.array(z.string()).min(1).max(maxRunArguments))
  .refine(([program]) => program?.startsWith('/') === true);

const guestHelloSchema = z.object({
  kind: z.literal('hello'),
  protocol,
  agentVersion: z.string().regex(/^[\x21-\x7e]{1,64}$/),
  bootId: z.uuid(),
  init: z.enum(['systemd', 'sysv']),
  deathSource: z.enum(['proc-connector', 'poll']),
  hostKey: z
    .string()
    .max(1023)
    .regex(/^ssh-(ed25519|rsa) [A-Za-z0-9+/=]{16,}$/)
    .optional(),
  cause: z.enum(['answer', 'start', 'update']).optional(),
  address: z.ipv4().optional(),
  can: z
    .string()
    .max(200)
    .regex(/^[a-z-]+(,[a-z-]+)*$/)
    .optional(),
});

const guestMessageSchema = z.discriminatedUnion('kind', [
  guestHelloSchema,
  z.object({
    kind: z.literal('state'),
    name: nameSchema,
    state: z.enum(['running', 'dead', 'unknown']),
    pid: pid.optional(),
  }),
  z.object({ kind: z.literal('state-end') }),
  z.object({ kind: z.literal('heartbeat'), sequence: durationMs, uptimeMs: durationMs }),
  z.object({
    kind: z.literal('death'),
    name: nameSchema,
    pid,
    exitCode: whole(0, 255).optional(),
    signal: whole(1, 127).optional(),
  }),
  z.object({
    kind: z.literal('result'),
    id: whole(1, maxInt32),
    name: nameSchema,
    operation,
    code: whole(0, 255),
    timedOut: flag,
    durationMs,
    output: z.string().optional(),
  }),
  z.object({
    kind: z.literal('output'),
    id: whole(1, maxInt32),
    stream: z.enum(['stdout', 'stderr']),
    text: z.string(),
  }),
  z
    .object({
      kind: z.literal('run-result'),
      id: whole(1, maxInt32),
      code: whole(0, 255).optional(),
      signal: whole(1, 127).optional(),
      refused: z.string().min(1).max(200).optional(),
      timedOut: flag,
      durationMs,
    })
    .refine(
      ({ code, signal, refused }) => [code, signal, refused].filter((end) => end !== undefined).length === 1,
      { path: ['code'] },
    ),
]);

const hostMessageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hello'), protocol, heartbeatMs: whole(100, 60_000) }),
  z.object({
    kind: z.literal('identity'),
    hostname: nameSchema,
    authorizedKey: authorizedKeySchema.optional(),
  }),
  z
    .object({
      kind: z.literal('watch'),
      name: nameSchema,
      class: z.enum(['lsb', 'systemd', 'ocf']),
      service: z.string(),
      parameters: parametersSchema,
    })
    .refine(
      (watch) =>
        (watch.class === 'ocf' ? ocfAgentSchema : serviceNameSchema).safeParse(watch.service).success,
      {
        path: ['service'],
      },
    ),
  z.object({ kind: z.literal('unwatch'), name: nameSchema }),
  z.object({
    kind: z.literal('operation'),
    id: whole(1, maxInt32),
    name: nameSchema,
    operation,
    timeoutMs: whole(1, 3_600_000),
  }),
  z.object({ kind: z.literal('poweroff') }),
  z.object({
    kind: z.literal('run'),
    id: whole(1, maxInt32),
    timeoutMs: whole(1, 3_600_000),
    arguments: argumentsSchema,
    environment: parametersSchema.refine((given) => Object.keys(given).length <= maxRunVariables),
  }),
]);

/** `agent-version` on the wire is `agentVersion` in the message. */
function camelCase(key: string): string {
  return key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function kebabCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Made once: each message has some values, and a thousand guests speak every second. */
const refusing = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const showing = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** The line's values as text under the message's names; undefined when one is not UTF-8. */
function rawMessage(line: GuestLine): Record<string, unknown> | undefined {
  // A key such as `__proto__` must be a key like any other.
  const raw = Object.create(null) as Record<string, unknown>;
  const pairs: [string, string][] = [];
  for (const [key, value] of line.values) {
    if (typeof value === 'string') {
      pairs.push([key, value]);
      continue;
    }
    const decoder = key === outputs.get(line.verb)?.key ? showing : refusing;
    let text: string;
    try {
      text = decoder.decode(value);
    } catch {
      return undefined;
    }
    pairs.push([key, text]);
  }
  const own = Object.entries(prefixes.get(line.verb) ?? {});
  for (const [key, text] of pairs)
    if (!own.some(([, prefix]) => key.startsWith(prefix))) raw[camelCase(key)] = text;
  for (const [field, prefix] of own) {
    const named = pairs.filter(([key]) => key.startsWith(prefix));
    raw[field] = Object.fromEntries(named.map(([key, text]) => [key.slice(prefix.length), text]));
  }
  raw['kind'] = line.verb;
  return raw;
}

function decode<M>(text: string, schema: z.ZodType<M>): Decoded<M> {
  const parsed = parseGuestLine(text);
  if (!parsed.ok) return parsed;
  const { verb, values } = parsed.line;
  const said = outputs.get(verb);
  if (said !== undefined && (values.get(said.key)?.length ?? 0) > said.maxBytes) {
    return { ok: false, reason: `${verb}: ${said.key} is longer than ${said.maxBytes} bytes` };
  }
  const raw = rawMessage(parsed.line);
  if (raw === undefined) return { ok: false, reason: `${verb}: a value is not UTF-8` };
  const checked = schema.safeParse(raw);
  if (checked.success) return { ok: true, message: checked.data };
  const field = checked.error.issues[0]?.path.map(String).join('.') ?? '';
  const what =
    field === 'kind' ? 'is not a message that is known here' : `${kebabCase(field)} is missing or not valid`;
  return { ok: false, reason: field === 'kind' ? `${verb} ${what}` : `${verb}: ${what}` };
}

function encode<M extends HostMessage | GuestMessage>(message: M, schema: z.ZodType<M>): string {
  const fields: GuestLineField[] = [];
  for (const [key, value] of Object.entries(message) as [string, unknown][]) {
    if (key === 'kind' || value === undefined) continue;
    if (typeof value === 'boolean') fields.push([kebabCase(key), value ? 1 : 0]);
    else if (typeof value === 'string' || typeof value === 'number') fields.push([kebabCase(key), value]);
    else if (typeof value === 'object' && value !== null) {
      const prefix = prefixes.get(message.kind)?.[key] ?? '';
      for (const [name, text] of Object.entries(value)) {
        // Read back, `A=B` would be another key with another value.
        if (name.includes('=')) throw unsendable(message.kind, `${name} is not a name`);
        fields.push([`${prefix}${name}`, String(text)]);
      }
    }
  }
  const line = formatGuestLine(message.kind, fields);
  // Read back: what the other side would refuse must not be sent.
  const back = decode(line.slice(0, -1), schema);
  if (back.ok) return line;
  throw unsendable(message.kind, back.reason);
}

function unsendable(kind: string, reason: string): PcloudError {
  return new PcloudError({
    code: 'guest-message-unsendable',
    category: 'invalid',
    message: `A message for the guest link breaks its limits: ${reason}.`,
    hint: 'Shorten the parameters of the resource, or the arguments of the program.',
    facts: { kind },
  });
}

/** The line (with its newline) of a message to the guest. @throws PcloudError `guest-message-unsendable` */
export function encodeHostMessage(message: HostMessage): string {
  return encode(message, hostMessageSchema as z.ZodType<HostMessage>);
}

/** A line from a guest, without its newline, as Latin-1 text. Never throws. */
export function decodeGuestMessage(line: string): Decoded<GuestMessage> {
  return decode(line, guestMessageSchema as z.ZodType<GuestMessage>);
}

/** The guest's side of `decodeGuestMessage`, for simulated guests. @throws PcloudError `guest-message-unsendable` */
export function encodeGuestMessage(message: GuestMessage): string {
  return encode(message, guestMessageSchema as z.ZodType<GuestMessage>);
}

/** The guest's side of `encodeHostMessage`, for simulated guests. Never throws. */
export function decodeHostMessage(line: string): Decoded<HostMessage> {
  return decode(line, hostMessageSchema as z.ZodType<HostMessage>);
}
