/** Whether an answer is what an OpenAPI document says of it, and not a field more. */
import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';

export type Operation = {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
};
export type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

/** Nothing that is answered may be missing in a document, so here it may say no more than it is told. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in inner && !('additionalProperties' in inner)
    ? { ...inner, additionalProperties: false }
    : inner;
}

/** A check of answers; it remembers what it has checked. */
export function fitsDocument(document: Document): {
  readonly check: (method: string, url: string, answer: unknown) => void;
  /** `METHOD /path/{name}` of each that was. */
  readonly checked: ReadonlySet<string>;
} {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(closed(document) as object, 'doc');
  const checked = new Set<string>();
  return {
    checked,
    check(method, url, answer) {
      const segments = url.split('?')[0]?.split('/') ?? [];
      const key = method.toLowerCase();
      const template = Object.keys(document.paths).find((one) => {
        const parts = one.split('/');
        const same = parts.every((part, at) => part.startsWith('{') || part === segments[at]);
        return parts.length === segments.length && same && key in (document.paths[one] ?? {});
      });
      assert.ok(template !== undefined, `${method} ${url} stands in no document`);
      const place = template.replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D');
      const schema = `doc#/paths/${place}/${key}/responses/200/content/application~1json/schema`;
      const validate = ajv.compile({ $ref: schema });
      assert.ok(
        validate(answer),
        `${method} ${url}: ${JSON.stringify(validate.errors)}\n${JSON.stringify(answer)}`,
      );
      checked.add(`${method} ${template}`);
    },
  };
}
