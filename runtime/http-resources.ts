/** The routes of an assembly's resources: list, add, remove, escalation. */
import type { FastifyInstance } from 'fastify';
import { addResourceBody, escalationBody } from '../model/cped-api.ts';
import { parseInput } from '../service/http-server.ts';
import { findAssembly } from './definitions/context.ts';
import { addResource, removeResource, setResourceEscalation } from './definitions/resources.ts';
import { changeAnswer } from './http-assemblies.ts';
import { pathNames, viewContext } from './http-context.ts';
import type { CpedHttp } from './http-context.ts';
import { assemblyStatus } from './http-views.ts';

export function registerResourceRoutes(app: FastifyInstance, cped: CpedHttp): void {
  const { definitions } = cped;
  app.get('/v1/assemblies/:name/resources', (request) => {
    const assembly = findAssembly(definitions, pathNames(request).name);
    return { resources: assemblyStatus(viewContext(cped), assembly).resources };
  });
  app.post('/v1/assemblies/:name/resources', (request) => {
    const { name, template } = parseInput(addResourceBody, request.body);
    return changeAnswer(addResource(definitions, pathNames(request).name, name, template));
  });
  app.delete('/v1/assemblies/:name/resources/:resource', (request) => {
    const { name, resource } = pathNames(request);
    return changeAnswer(removeResource(definitions, name, resource));
  });
  app.put('/v1/assemblies/:name/resources/:resource/escalation', (request) => {
    const { name, resource } = pathNames(request);
    const { policy } = parseInput(escalationBody, request.body);
    return changeAnswer(setResourceEscalation(definitions, name, resource, policy));
  });
}
