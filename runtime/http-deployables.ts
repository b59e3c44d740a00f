/** The routes of deployables: list, define, members, escalation, and the operator's word to run. */
import type { FastifyInstance } from 'fastify';
import { addDeployableAssemblyBody, createDeployableBody, escalationBody } from '../model/cped-api.ts';
import { parseInput } from '../service/http-server.ts';
import { findDeployable } from './definitions/context.ts';
import {
  addAssembly,
  createDeployable,
  deleteDeployable,
  removeAssembly,
  setDeployableEscalation,
} from './definitions/deployables.ts';
import {
  recoverDeployable,
  reloadDeployable,
  requirementsOf,
  startDeployable,
  stopDeployable,
} from './definitions/lifecycle.ts';
import { pathNames, viewContext } from './http-context.ts';
import type { CpedHttp } from './http-context.ts';
import { deployableStatus } from './http-views.ts';

export function registerDeployableRoutes(app: FastifyInstance, cped: CpedHttp): void {
  registerDefinitionRoutes(app, cped);
  registerLifecycleRoutes(app, cped);
}

function registerDefinitionRoutes(app: FastifyInstance, cped: CpedHttp): void {
  const { definitions } = cped;
  app.get('/v1/deployables', () => ({
    deployables: definitions.store
      .deployables()
      .map((deployable) => deployableStatus(viewContext(cped), deployable)),
  }));
  app.post('/v1/deployables', (request) => {
    const { name, monitoring } = parseInput(createDeployableBody, request.body);
    return { deployable: createDeployable(definitions, name, monitoring) };
  });
  app.get('/v1/deployables/:name', (request) =>
    deployableStatus(viewContext(cped), findDeployable(definitions, pathNames(request).name)),
  );
  app.delete('/v1/deployables/:name', (request) => {
    deleteDeployable(definitions, pathNames(request).name);
    return { done: true };
  });
  app.put('/v1/deployables/:name/escalation', (request) => {
    const { policy } = parseInput(escalationBody, request.body);
    return setDeployableEscalation(definitions, pathNames(request).name, policy);
  });
  app.post('/v1/deployables/:name/assemblies', (request) => {
    const { assembly } = parseInput(addDeployableAssemblyBody, request.body);
    return addAssembly(definitions, pathNames(request).name, assembly);
  });
  app.delete('/v1/deployables/:name/assemblies/:assembly', (request) => {
    const { name, assembly } = pathNames(request);
    return { deployable: removeAssembly(definitions, name, assembly) };
  });
}

function registerLifecycleRoutes(app: FastifyInstance, cped: CpedHttp): void {
  const { definitions } = cped;
  app.get('/v1/deployables/:name/requirements', (request) => ({
    requirements: requirementsOf(definitions, pathNames(request).name),
  }));
  app.post('/v1/deployables/:name/start', async (request) => {
    const deployable = await startDeployable(definitions, pathNames(request).name);
    cped.onApplied(deployable.name);
    return { deployable };
  });
  app.post('/v1/deployables/:name/stop', (request) => ({
    deployable: stopDeployable(definitions, pathNames(request).name),
  }));
  app.post('/v1/deployables/:name/reload', async (request) => {
    const deployable = await reloadDeployable(definitions, pathNames(request).name);
    cped.onApplied(deployable.name);
    return { deployable };
  });
  app.post('/v1/deployables/:name/recover', (request) => ({
    deployable: recoverDeployable(definitions, pathNames(request).name),
  }));
}
