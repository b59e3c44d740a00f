/**
 * The published JSON Schema of a service in one file, for editors; made from the schema that reads it, and nothing
 * else. Also what keys may stand at a place, for "did you mean".
 */
import { z } from 'zod';
import { serviceFileSchema } from './schema.ts';

export type JsonSchema = { readonly [key: string]: unknown };

/** Of draft 7, which editors' YAML servers know best. */
export function serviceFileJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(serviceFileSchema, { io: 'input', target: 'draft-7' });
  return { ...schema, $id: 'https://pacemaker-cloud.org/schema/deployable/1' };
}

/** As it is published: `docs/schema/deployable.schema.json`. */
export function serviceFileJsonSchemaText(): string {
  return `${JSON.stringify(serviceFileJsonSchema(), undefined, 2)}\n`;
}

/** The keys that may stand in the object at this place; none where any may, or where there is no object. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let found: readonly JsonSchema[] = [serviceFileJsonSchema()];
  for (const step of path) found = found.flatMap(alternatives).flatMap((schema) => childAt(schema, step));
  return found.flatMap(alternatives).flatMap((schema) => Object.keys(propertiesOf(schema)));
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const inner = schema['anyOf'] ?? schema['oneOf'] ?? schema['allOf'];
  return Array.isArray(inner) ? inner.filter(isSchema).flatMap(alternatives) : [schema];
}

function childAt(schema: JsonSchema, step: PropertyKey): readonly JsonSchema[] {
  const own = propertiesOf(schema)[String(step)];
  const child = own ?? (typeof step === 'number' ? schema['items'] : schema['additionalProperties']);
  return isSchema(child) ? [child] : [];
}

function propertiesOf(schema: JsonSchema): JsonSchema {
  return isSchema(schema['properties']) ? schema['properties'] : {};
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
