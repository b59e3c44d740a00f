/** What the builder serves, described: the OpenAPI document of its routes, made of the table that serves them. */
import { buildSchema, imageInfoSchema, progressSchema, releaseInfoSchema } from '../model/builder-api.ts';
import { buildDetailSchema } from '../model/build-record.ts';
import { imageDetailsSchema } from '../model/image-details.ts';
import { mediaInfoSchema, mediaProgressSchema, mediaTaskSchema } from '../model/media-api.ts';
import { documentRoutes } from '../service/openapi-route.ts';
import { openApiDocument } from '../service/openapi.ts';
import type { Route } from '../service/route.ts';
import { version } from '../service/version.ts';
import { builderRoutes } from './http-routes.ts';

const description =
  'What pcloud-builder answers on its Unix socket, where the permissions of the file decide who may ask. Looks ' +
  '(`x-role` read, by GET) are also passed on by pcloud-cped below `/builder`. Answers may gain fields: pass over ' +
  'those that you do not know.';

export const openapiRoutes = documentRoutes(builderDocument);

export function builderDocument(): Record<string, unknown> {
  const all: readonly Route<never>[] = [...builderRoutes, ...openapiRoutes];
  return openApiDocument(all, {
    title: 'pcloud-builder',
    description,
    version,
    schemas: {
      Build: buildSchema,
      BuildDetail: buildDetailSchema,
      BuildProgress: progressSchema,
      Image: imageInfoSchema,
      ImageDetails: imageDetailsSchema,
      Medium: mediaInfoSchema,
      MediaProgress: mediaProgressSchema,
      MediaTask: mediaTaskSchema,
      Release: releaseInfoSchema,
    },
  });
}
