/** What cped serves, described: the OpenAPI document of its routes, made of the tables that serve them. */
import { assemblyStatusSchema, deployableStatusSchema, resourceStatusSchema } from '../model/cped-api.ts';
import {
  assemblyDefinitionSchema,
  deployableDefinitionSchema,
  requirementSchema,
} from '../model/definition.ts';
import { incidentSchema, journalEventSchema } from '../model/event.ts';
import { documentRoutes } from '../service/openapi-route.ts';
import { openApiDocument } from '../service/openapi.ts';
import type { Route } from '../service/route.ts';
import { version } from '../service/version.ts';
import { cookieName } from './access/sessions.ts';
import { sessionRoutes } from './http-session.ts';
import { cpedRoutes } from './http.ts';

const description =
  'What pcloud-cped answers on its Unix socket, where the permissions of the file decide who may ask, and over TLS ' +
  '(PCLOUD_LISTEN), where a token or a session decides; `x-role` is the role that an operation needs. Answers may ' +
  'gain fields: pass over those that you do not know. `GET /builder/v1/...` is passed on to pcloud-builder, which has ' +
  'a document of its own.';

export const openapiRoutes = documentRoutes(cpedDocument);

export function cpedDocument(): Record<string, unknown> {
  const all: readonly Route<never>[] = [...cpedRoutes, ...sessionRoutes, ...openapiRoutes];
  return openApiDocument(all, {
    title: 'pcloud-cped',
    description,
    version,
    schemas: {
      AssemblyStatus: assemblyStatusSchema,
      DeployableStatus: deployableStatusSchema,
      ResourceStatus: resourceStatusSchema,
      AssemblyDefinition: assemblyDefinitionSchema,
      DeployableDefinition: deployableDefinitionSchema,
      Requirement: requirementSchema,
      Incident: incidentSchema,
      JournalEvent: journalEventSchema,
    },
    security: {
      token: { type: 'http', scheme: 'bearer', description: 'Made by `pcloud-cped token create`.' },
      session: {
        type: 'apiKey',
        in: 'cookie',
        name: cookieName,
        description: 'Set by `POST /v1/session`; for browsers, which must send `Origin` with every change.',
      },
    },
  });
}
