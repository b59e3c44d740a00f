/** The routes of an assembly's resources: list, add, remove, escalation. */
import { assemblyChangeAnswer, resourcesAnswer } from '../model/cped-answers.ts';
import { addResourceBody, escalationBody } from '../model/cped-api.ts';
import { findAssembly } from './definitions/context.ts';
import { addResource, removeResource, setResourceEscalation } from './definitions/resources.ts';
import { changeAnswer } from './http-assemblies.ts';
import { route, viewContext } from './http-context.ts';
import { assemblyStatus } from './http-views.ts';

export const resourceRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/assemblies/:name/resources',
      access: 'read',
      summary: 'The resources of an assembly with their states',
      answer: resourcesAnswer,
      errors: { 'not-found': ['unknown-assembly'] },
    },
    (cped, { params }) => {
      const assembly = findAssembly(cped.definitions, params.name);
      return { resources: assemblyStatus(viewContext(cped), assembly).resources };
    },
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/assemblies/:name/resources',
      access: 'operate',
      summary: 'Add a resource by a template to an assembly',
      body: addResourceBody,
      answer: assemblyChangeAnswer,
      errors: {
        invalid: ['unknown-template', 'template-not-for-family'],
        'not-found': ['unknown-assembly'],
        conflict: [
          'resource-exists',
          'template-broken',
          'assembly-passive',
          'image-lacks-package',
          'assembly-starting',
        ],
      },
    },
    ({ definitions }, { params, body }) =>
      changeAnswer(addResource(definitions, params.name, body.name, body.template)),
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/assemblies/:name/resources/:resource',
      access: 'operate',
      summary: 'Remove a resource from an assembly',
      answer: assemblyChangeAnswer,
      errors: { 'not-found': ['unknown-assembly', 'unknown-resource'], conflict: ['needed-by-others'] },
    },
    ({ definitions }, { params }) => changeAnswer(removeResource(definitions, params.name, params.resource)),
  ),
  route.json(
    {
      method: 'PUT',
      path: '/v1/assemblies/:name/resources/:resource/escalation',
      access: 'operate',
      summary: 'How many failures of a resource within what time escalate to its assembly',
      body: escalationBody,
      answer: assemblyChangeAnswer,
      errors: { 'not-found': ['unknown-assembly', 'unknown-resource'] },
    },
    ({ definitions }, { params, body }) =>
      changeAnswer(setResourceEscalation(definitions, params.name, params.resource, body.policy)),
  ),
];
