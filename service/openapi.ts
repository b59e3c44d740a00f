/**
 * The OpenAPI 3.1 document of a table of routes: the same declarations that serve requests, written for programs that
 * make clients and pages. Pure. It leaves out nothing that is in the table and adds nothing that is not.
 */
import { z } from 'zod';
import { errorBodySchema, httpStatusOf } from '../model/errors.ts';
import type { ErrorCategory } from '../model/errors.ts';
import { paramNames } from './route.ts';
import type { Route, RouteAnswer } from './route.ts';

type Json = { [key: string]: unknown };

export type OpenApiOptions = {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  /** Answers that stand in more than one place, by the name that a client calls them. */
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  /** How a token is shown, where there are tokens; by the name of the scheme. */
  readonly security?: Readonly<Record<string, Json>> | undefined;
};

export function openApiDocument(
  routes: readonly Route<never>[],
  { title, description, version, schemas, security }: OpenApiOptions,
): Json {
  const names = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries({ ...schemas, Error: errorBodySchema }))
    names.add(schema, { id });
  const components: Json = {};
  const write = createWriter(names, components);
  // So that each stands there by its name, whether a route uses it or not.
  for (const schema of [...Object.values(schemas), errorBodySchema]) write(schema, 'output');
  const paths: { [path: string]: Json } = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:([A-Za-z]+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, write, security) };
  }
  return {
    openapi: '3.1.0',
    info: { title, description, version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(components).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      ...(security === undefined ? {} : { securitySchemes: security }),
    },
  };
}

type Write = (schema: z.ZodType, io: 'input' | 'output') => Json;

/** What is named goes into `components`, and where it stands there is a reference to it. */
function createWriter(names: z.core.$ZodRegistry<{ id: string }>, components: Json): Write {
  return (schema, io) => {
    const written = z.toJSONSchema(z.object({ it: schema }), {
      io,
      metadata: names,
      override: ({ jsonSchema }) => {
        // Later versions may answer more, and who asks is to pass over it; what is sent is taken exactly.
        if (io === 'output' && jsonSchema.additionalProperties === false)
          delete jsonSchema.additionalProperties;
      },
    }) as unknown as { readonly properties: { readonly it: Json }; readonly $defs?: Json };
    for (const [id, definition] of Object.entries(written.$defs ?? {})) {
      const { id: _id, ...rest } = definition as Json;
      components[id] = withReferences(rest);
    }
    return withReferences(written.properties.it) as Json;
  };
}

function withReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withReferences);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string'
        ? inner.replace('#/$defs/', '#/components/schemas/')
        : withReferences(inner),
    ]),
  );
}

function operationOf(route: Route<never>, write: Write, security: OpenApiOptions['security']): Json {
  const { method, path, access, summary, body, bodyLimitBytes } = route;
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== 'v1');
  return {
    operationId: [method.toLowerCase(), ...segments.map(camel)].join(''),
    summary,
    tags: [segments[0] ?? 'general'],
    parameters: [...pathParameters(route, write), ...queryParameters(route, write), ...resume(route.answer)],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: write(body, 'input') } },
            ...(bodyLimitBytes === undefined ? {} : { description: `At most ${bodyLimitBytes} bytes.` }),
          },
        }),
    responses: { 200: answerOf(route.answer, write), ...errorResponses(route) },
    'x-role': access === 'open' ? null : access,
    ...(security === undefined
      ? {}
      : { security: access === 'open' ? [] : Object.keys(security).map((name) => ({ [name]: [] })) }),
  };
}

function camel(segment: string): string {
  return segment
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}

function pathParameters({ path, params }: Route<never>, write: Write): readonly Json[] {
  const properties = params === undefined ? {} : (write(params, 'output')['properties'] as Json);
  return paramNames(path).map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: properties[name] ?? { type: 'string' },
  }));
}

function queryParameters({ query }: Route<never>, write: Write): readonly Json[] {
  if (query === undefined) return [];
  // What a text is read as is the output; what may be left out is the input's.
  const properties = write(query, 'output')['properties'] as Json;
  const required = (write(query, 'input')['required'] ?? []) as readonly string[];
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function resume(answer: RouteAnswer): readonly Json[] {
  if (answer.kind !== 'events') return [];
  return [
    {
      name: 'Last-Event-ID',
      in: 'header',
      required: false,
      description: answer.id,
      schema: { type: 'string' },
    },
  ];
}

function answerOf(answer: RouteAnswer, write: Write): Json {
  switch (answer.kind) {
    case 'json':
      return {
        description: 'Done.',
        content: { 'application/json': { schema: write(answer.schema, 'output') } },
      };
    case 'events':
      return {
        description: `Server-sent events; the data of each is JSON of \`x-event-data\`. ${answer.id}`,
        content: {
          'text/event-stream': {
            schema: { type: 'string' },
            'x-event-data': write(answer.schema, 'output'),
          },
        },
      };
    case 'bytes':
      return {
        description: answer.description,
        content: Object.fromEntries(answer.contentTypes.map((type) => [type, {}])),
      };
  }
}

/** Known refusals by their status; every other one has the same shape. */
function errorResponses({ errors = {} }: Route<never>): Json {
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };
  const known = Object.entries(errors).map(([category, codes]) => [
    httpStatusOf(category as ErrorCategory),
    { description: `Refused: ${codes.map((code) => `\`${code}\``).join(', ')}.`, content },
  ]);
  return { ...Object.fromEntries(known), default: { description: 'Refused, or failed.', content } };
}
