/** The routes of order and parameters: what waits for what, and what resources are told. */
import type { FastifyInstance } from 'fastify';
import { assemblyDependsBody, parameterBody, resourceDependsBody } from '../model/cped-api.ts';
import { parseInput } from '../service/http-server.ts';
import {
  clearAssemblyDependency,
  clearResourceDependency,
  setAssemblyDependency,
  setResourceDependency,
} from './definitions/order.ts';
import { clearParameter, setParameter } from './definitions/parameters.ts';
import { changeAnswer } from './http-assemblies.ts';
import { pathNames } from './http-context.ts';
import type { CpedHttp } from './http-context.ts';

export function registerOrderRoutes(app: FastifyInstance, { definitions }: CpedHttp): void {
  app.put('/v1/assemblies/:name/depends', (request) => {
    const { on, restart } = parseInput(assemblyDependsBody, request.body);
    return changeAnswer(setAssemblyDependency(definitions, pathNames(request).name, on, restart));
  });
  app.delete('/v1/assemblies/:name/depends/:onAssembly', (request) => {
    const { name, onAssembly } = pathNames(request);
    return changeAnswer(clearAssemblyDependency(definitions, name, onAssembly));
  });
  app.put('/v1/assemblies/:name/resources/:resource/depends', (request) => {
    const { name, resource } = pathNames(request);
    const { restart, ...on } = parseInput(resourceDependsBody, request.body);
    return changeAnswer(setResourceDependency(definitions, { assembly: name, resource }, on, restart));
  });
  app.delete('/v1/assemblies/:name/resources/:resource/depends/:onAssembly/:onResource', (request) => {
    const { name, resource, onAssembly, onResource } = pathNames(request);
    const on = { assembly: onAssembly, resource: onResource };
    return changeAnswer(clearResourceDependency(definitions, { assembly: name, resource }, on));
  });
  app.put('/v1/assemblies/:name/resources/:resource/parameters/:parameter', (request) => {
    const { name, resource, parameter } = pathNames(request);
    const { value } = parseInput(parameterBody, request.body);
    return changeAnswer(setParameter(definitions, { assembly: name, resource }, parameter, value));
  });
  app.delete('/v1/assemblies/:name/resources/:resource/parameters/:parameter', (request) => {
    const { name, resource, parameter } = pathNames(request);
    return changeAnswer(clearParameter(definitions, { assembly: name, resource }, parameter));
  });
}
