/**
 * A route as one declaration: where it is, who may ask, what goes in and comes out by schema, which errors it
 * knows, and its handler. Registration, checks of what comes in, and the OpenAPI document all read the same table,
 * so none of them can say something else. Which routes there are is the services'.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ErrorCategory } from '../model/errors.ts';
import { parseInput } from './http-server.ts';

/** `read` may look, `operate` may change; `open` is for what must be reachable without a token. */
export type RouteAccess = 'open' | 'read' | 'operate';

/** What an answer is: JSON by a schema, an endless stream of events whose data has one, or bytes. */
export type RouteAnswer =
  | { readonly kind: 'json'; readonly schema: z.ZodType }
  | { readonly kind: 'events'; readonly schema: z.ZodType; readonly id: string }
  | { readonly kind: 'bytes'; readonly contentTypes: readonly string[]; readonly description: string };

/** Stable codes that this route may answer with, beside those that every route can (docs/api.md). */
export type RouteErrors = Readonly<Partial<Record<ErrorCategory, readonly string[]>>>;

export type RouteMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** What both a declaration and the table have. */
export type RouteFacts = {
  readonly method: RouteMethod;
  /** With `:name` for each segment that varies. */
  readonly path: string;
  readonly access: RouteAccess;
  /** One sentence, without its full stop. */
  readonly summary: string;
  readonly errors?: RouteErrors | undefined;
  readonly bodyLimitBytes?: number | undefined;
};

/** A route as the table holds it; the handler takes what comes in unchecked and checks it by the schemas. */
export type Route<Context> = RouteFacts & {
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly answer: RouteAnswer;
  readonly handle: (context: Context, request: FastifyRequest, reply: FastifyReply) => unknown;
};

/** The names in a path: `/a/:name/b/:other` has `name` and `other`. */
type NamesIn<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

type Input<Path extends string, Params, Query, Body> = {
  readonly params: Params extends z.ZodType ? z.output<Params> : { readonly [Name in NamesIn<Path>]: string };
  readonly query: Query extends z.ZodType ? z.output<Query> : undefined;
  readonly body: Body extends z.ZodType ? z.output<Body> : undefined;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
};

type Declaration<Path extends string, Params, Query, Body> = RouteFacts & {
  readonly path: Path;
  /** For segments that are more than a text, such as a digest. */
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
};

/** Makers of routes whose handlers are given a `Context`. */
export function routesWith<Context>() {
  const make = (
    declaration: Declaration<string, unknown, unknown, unknown>,
    answer: RouteAnswer,
    handler: (context: Context, input: Input<string, unknown, unknown, unknown>) => unknown,
  ): Route<Context> => {
    const { params, query, body, ...facts } = declaration;
    const schemas = {
      params: (params as z.ZodType | undefined) ?? textParams(facts.path),
      query: query as z.ZodType | undefined,
      body: body as z.ZodType | undefined,
    };
    return {
      ...facts,
      ...schemas,
      answer,
      handle: (context, request, reply) =>
        handler(context, { ...inputOf(schemas, request), request, reply } as never),
    };
  };
  return {
    /** Answers JSON of the schema. */
    json<
      const Path extends string,
      Answer extends z.ZodType,
      Params = undefined,
      Query = undefined,
      Body = undefined,
    >(
      declaration: Declaration<Path, Params, Query, Body> & { readonly answer: Answer },
      handler: (
        context: Context,
        input: Input<Path, Params, Query, Body>,
      ) => z.input<Answer> | Promise<z.input<Answer>>,
    ): Route<Context> {
      const { answer, ...rest } = declaration;
      return make(rest, { kind: 'json', schema: answer }, handler);
    },
    /** Takes the reply over as a stream of events. */
    events<const Path extends string, Params = undefined, Query = undefined>(
      declaration: Declaration<Path, Params, Query, undefined> & {
        readonly event: z.ZodType;
        /** What the id of an event is, and what `Last-Event-ID` does, in a sentence. */
        readonly id: string;
      },
      handler: (context: Context, input: Input<Path, Params, Query, undefined>) => void | Promise<void>,
    ): Route<Context> {
      const { event, id, ...rest } = declaration;
      return make(rest, { kind: 'events', schema: event, id }, handler);
    },
    /** Sends bytes of one of the types. */
    bytes<const Path extends string, Params = undefined, Query = undefined>(
      declaration: Declaration<Path, Params, Query, undefined> & {
        readonly contentTypes: readonly string[];
        /** What the bytes are. */
        readonly description: string;
      },
      handler: (
        context: Context,
        input: Input<Path, Params, Query, undefined>,
      ) => FastifyReply | Promise<FastifyReply>,
    ): Route<Context> {
      const { contentTypes, description, ...rest } = declaration;
      return make(rest, { kind: 'bytes', contentTypes, description }, handler);
    },
  };
}

/** Registers every route of the table; `access` stands in each route's `config` for whoever asks for a token. */
export function registerTable<Context>(
  app: FastifyInstance,
  routes: readonly Route<Context>[],
  context: Context,
): void {
  for (const { method, path, access, bodyLimitBytes, handle } of routes)
    app.route({
      method,
      url: path,
      config: { access },
      ...(bodyLimitBytes === undefined ? {} : { bodyLimit: bodyLimitBytes }),
      handler: async (request, reply) => await handle(context, request, reply),
    });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may ask; where a route has none, a token of role `read` is needed. */
    access?: RouteAccess;
  }
}

/** The names that vary in a path, in order. */
export function paramNames(path: string): readonly string[] {
  return [...path.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1] ?? '');
}

/** Only that it is a text: the commands behind judge names, and their message is better. */
function textParams(path: string): z.ZodType | undefined {
  const names = paramNames(path);
  return names.length === 0
    ? undefined
    : z.object(Object.fromEntries(names.map((name) => [name, z.string()])));
}

function inputOf(
  schemas: Pick<Route<unknown>, 'params' | 'query' | 'body'>,
  request: FastifyRequest,
): { readonly params: unknown; readonly query: unknown; readonly body: unknown } {
  const { params, query, body } = schemas;
  return {
    params: params === undefined ? {} : parseInput(params, request.params),
    query: query === undefined ? undefined : parseInput(query, request.query),
    body: body === undefined ? undefined : parseInput(body, request.body),
  };
}
