/**
 * A parameter's value as the operator types it and reads it: plain text, or a reference to a value of another
 * assembly. Pure, both ways. What a value may hold is `definition.ts`; who gives it is the runtime's.
 */
import { parameterValueSchema, referenceValueSchema } from './definition.ts';
import type { ParameterReferenceValue, ParameterValue } from './definition.ts';
import { PcloudError } from './errors.ts';
import { checkName, quoteForMessage } from './names.ts';

/**
 * `@ASSEMBLY:address`, `@ASSEMBLY:port/N` and `@ASSEMBLY:endpoint/N` are references, `@secret:NAME` is a secret of
 * the deployable, `@@` begins a text that begins with `@`, and everything else is the text itself.
 * @throws PcloudError `bad-reference`, `bad-parameter-value`, `bad-name`.
 */
export function parseParameterText(text: string): ParameterValue {
  if (!text.startsWith('@') || text.startsWith('@@'))
    return checkParameterValue(text.startsWith('@@') ? text.slice(1) : text);
  const colon = text.indexOf(':');
  const value = text.slice(colon + 1);
  // An assembly may be called "secret" as well, and gives what no secret is called.
  if (text.startsWith('@secret:') && !referenceValueSchema.safeParse(value).success)
    return { secret: checkName('secret', value) };
  if (colon === -1 || !referenceValueSchema.safeParse(value).success) throw badReference(text);
  return { assembly: checkName('assembly', text.slice(1, colon)), value };
}

/** What `parseParameterText` reads as the same value. */
export function formatParameterValue(value: ParameterValue): string {
  if (isReference(value)) return `@${value.assembly}:${value.value}`;
  if (isSecret(value)) return `@secret:${value.secret}`;
  return value.startsWith('@') ? `@${value}` : value;
}

export function isReference(value: ParameterValue): value is ParameterReferenceValue {
  return typeof value !== 'string' && 'assembly' in value;
}

export function isSecret(value: ParameterValue): value is { readonly secret: string } {
  return typeof value !== 'string' && 'secret' in value;
}

/** The guest port that a reference is about; null for `address`. */
export function portOfReference(value: string): number | null {
  const digits = /^(?:port|endpoint)\/(\d+)$/.exec(value)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** @throws PcloudError `bad-parameter-value`. */
export function checkParameterValue(value: ParameterValue): ParameterValue {
  const result = parameterValueSchema.safeParse(value);
  if (result.success) return result.data;
  throw new PcloudError({
    code: 'bad-parameter-value',
    category: 'invalid',
    message: `${quoteForMessage(formatParameterValue(value))} cannot be the value of a parameter.`,
    hint: 'A value has at most 512 characters, and no line breaks or control characters.',
  });
}

function badReference(text: string): PcloudError {
  return new PcloudError({
    code: 'bad-reference',
    category: 'invalid',
    message: `${quoteForMessage(text)} refers to nothing that an assembly gives.`,
    hint: 'A reference is @ASSEMBLY:address, @ASSEMBLY:port/N or @ASSEMBLY:endpoint/N, with N from 1 to 65535; a text that begins with @ is written with @@.',
  });
}
