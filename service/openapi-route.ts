/** The route that gives a service's OpenAPI document, which describes this route, too. */
import { z } from 'zod';
import { routesWith } from './route.ts';
import type { Route } from './route.ts';

const route = routesWith<unknown>();

/** @param make called once, at the first question: the document is the same for the life of the process */
export function documentRoutes(make: () => Record<string, unknown>): readonly Route<unknown>[] {
  let document: Record<string, unknown> | undefined;
  return [
    route.json(
      {
        method: 'GET',
        path: '/v1/openapi.json',
        access: 'read',
        summary: 'This document',
        answer: z.record(z.string(), z.unknown()),
      },
      () => (document ??= make()),
    ),
  ];
}
