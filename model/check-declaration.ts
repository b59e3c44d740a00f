/**
 * How a resource template writes down a check, and what it may hold; out comes the `CheckPlan` of `check.ts`.
 * The bounds keep a check from costing more than the service that it looks at.
 */
import { z } from 'zod';
import type { CheckPlan, CheckProbe } from './check.ts';
import { nameSchema } from './names.ts';

export const maxChecks = 8;

const guestPort = z.int().min(1).max(65535);

/** RFC 9110 §15: three digits, the first 1 to 5. 1xx are no final answers. */
const status = z.int().min(200).max(599);
const statusRange = z
  .union([status, z.string()], { error: 'must be a status such as 200 or a range such as 200-399' })
  .transform((value, context) => {
    if (typeof value === 'number') return { from: value, to: value };
    const [, first, last] = /^([2-5]\d\d)-([2-5]\d\d)$/.exec(value) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (from <= to) return { from, to };
    context.addIssue({ code: 'custom', message: 'must be a status such as 200 or a range such as 200-399' });
    return z.NEVER;
  });

/** No control characters and no halves of characters: it stands in messages, and on the guest's line. */
const plainText = z.string().regex(/^\P{C}*$/u, 'must be plain text in one line');

const httpSchema = z.strictObject({
  guestPort,
  path: z
    .string()
    .max(1000)
    .regex(/^\/[!-~]*$/, 'must begin with a slash and hold neither spaces nor other than ASCII')
    .default('/'),
  status: statusRange.default({ from: 200, to: 399 }),
  bodyContains: plainText.min(1).max(500).optional(),
});

/** The `run` of the guest protocol takes 48 arguments, and all of it has to fit into one line of 4096 bytes. */
const maxArguments = 48;
const maxArgumentsBytes = 3800;

const commandSchema = z.strictObject({
  arguments: z
    .array(plainText)
    .min(1, 'must name a program')
    .max(maxArguments)
    .refine((words) => words[0]?.startsWith('/') ?? false, 'the first must be an absolute path')
    .refine(
      // Percent-encoded for the line, and each with its key.
      (words) =>
        words.reduce((sum, word) => sum + encodeURIComponent(word).length + 6, 0) <= maxArgumentsBytes,
      'are too long together',
    ),
});

const declarationSchema = z.strictObject({
  name: nameSchema,
  http: httpSchema.optional(),
  tcp: z.strictObject({ guestPort }).optional(),
  command: commandSchema.optional(),
  intervalMs: z.int().min(1000).max(3_600_000).default(10_000),
  timeoutMs: z.int().min(100).max(60_000).default(5000),
  /** Three: a machine that is busy for a moment is no failure. */
  failuresNeeded: z.int().min(1).max(100).default(3),
  startGraceMs: z.int().min(0).max(3_600_000).default(30_000),
});

/** One check of a template. */
export const checkSchema = declarationSchema.transform((declared, context): CheckPlan => {
  const { name, intervalMs, timeoutMs, failuresNeeded, startGraceMs } = declared;
  const [probe, ...more] = probesOf(declared);
  if (probe === undefined || more.length > 0)
    context.addIssue({ code: 'custom', message: 'must have exactly one of http, tcp and command' });
  if (timeoutMs > intervalMs)
    context.addIssue({
      code: 'custom',
      path: ['timeoutMs'],
      message: `must not be longer than intervalMs, which is ${intervalMs}`,
    });
  if (probe === undefined) return z.NEVER;
  return { name, probe, intervalMs, timeoutMs, failuresNeeded, startGraceMs };
});

/** The same as it is kept and told: with everything filled in. */
export const checkPlanSchema = z.strictObject({
  name: nameSchema,
  probe: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('http'),
      guestPort,
      path: httpSchema.shape.path.unwrap(),
      statusFrom: status,
      statusTo: status,
      bodyContains: z.exactOptional(plainText.min(1).max(500)),
    }),
    z.strictObject({ kind: z.literal('tcp'), guestPort }),
    z.strictObject({ kind: z.literal('command'), arguments: commandSchema.shape.arguments }),
  ]),
  intervalMs: declarationSchema.shape.intervalMs.unwrap(),
  timeoutMs: declarationSchema.shape.timeoutMs.unwrap(),
  failuresNeeded: declarationSchema.shape.failuresNeeded.unwrap(),
  startGraceMs: declarationSchema.shape.startGraceMs.unwrap(),
}) satisfies z.ZodType<CheckPlan>;

function probesOf({ http, tcp, command }: z.infer<typeof declarationSchema>): readonly CheckProbe[] {
  const probes: CheckProbe[] = [];
  if (http !== undefined) {
    const { status: range, bodyContains, ...where } = http;
    const body = bodyContains === undefined ? {} : { bodyContains };
    probes.push({ kind: 'http', ...where, statusFrom: range.from, statusTo: range.to, ...body });
  }
  if (tcp !== undefined) probes.push({ kind: 'tcp', ...tcp });
  if (command !== undefined) probes.push({ kind: 'command', ...command });
  return probes;
}
