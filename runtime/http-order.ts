/** The routes of order and parameters: what waits for what, and what resources are told. */
import { assemblyChangeAnswer } from '../model/cped-answers.ts';
import { assemblyDependsBody, parameterBody, resourceDependsBody } from '../model/cped-api.ts';
import {
  clearAssemblyDependency,
  clearResourceDependency,
  setAssemblyDependency,
  setResourceDependency,
} from './definitions/order.ts';
import { clearParameter, setParameter } from './definitions/parameters.ts';
import { changeAnswer } from './http-assemblies.ts';
import { route } from './http-context.ts';

const both = ['unknown-assembly', 'unknown-resource'];

export const orderRoutes = [
  route.json(
    {
      method: 'PUT',
      path: '/v1/assemblies/:name/depends',
      access: 'operate',
      summary: 'Have an assembly wait for another',
      body: assemblyDependsBody,
      answer: assemblyChangeAnswer,
      errors: { 'not-found': ['unknown-assembly'], conflict: ['dependency-cycle'] },
    },
    ({ definitions }, { params, body }) =>
      changeAnswer(setAssemblyDependency(definitions, params.name, body.on, body.restart)),
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/assemblies/:name/depends/:onAssembly',
      access: 'operate',
      summary: 'No longer have an assembly wait for another',
      answer: assemblyChangeAnswer,
      errors: { 'not-found': ['unknown-assembly'], conflict: ['no-such-dependency'] },
    },
    ({ definitions }, { params }) =>
      changeAnswer(clearAssemblyDependency(definitions, params.name, params.onAssembly)),
  ),
  route.json(
    {
      method: 'PUT',
      path: '/v1/assemblies/:name/resources/:resource/depends',
      access: 'operate',
      summary: 'Have a resource wait for another, of this or another assembly',
      body: resourceDependsBody,
      answer: assemblyChangeAnswer,
      errors: { 'not-found': both, conflict: ['dependency-cycle'] },
    },
    ({ definitions }, { params, body }) => {
      const { restart, ...on } = body;
      const resource = { assembly: params.name, resource: params.resource };
      return changeAnswer(setResourceDependency(definitions, resource, on, restart));
    },
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/assemblies/:name/resources/:resource/depends/:onAssembly/:onResource',
      access: 'operate',
      summary: 'No longer have a resource wait for another',
      answer: assemblyChangeAnswer,
      errors: { 'not-found': both, conflict: ['no-such-dependency'] },
    },
    ({ definitions }, { params: { name, resource, onAssembly, onResource } }) => {
      const on = { assembly: onAssembly, resource: onResource };
      return changeAnswer(clearResourceDependency(definitions, { assembly: name, resource }, on));
    },
  ),
  route.json(
    {
      method: 'PUT',
      path: '/v1/assemblies/:name/resources/:resource/parameters/:parameter',
      access: 'operate',
      summary: 'Set a parameter of a resource, to a text or to a value of another assembly',
      body: parameterBody,
      answer: assemblyChangeAnswer,
      errors: {
        invalid: ['bad-parameter-name', 'bad-parameter-value', 'bad-reference', 'parameters-too-long'],
        'not-found': both,
        conflict: ['dependency-cycle', 'port-not-given'],
      },
    },
    ({ definitions }, { params: { name, resource, parameter }, body }) =>
      changeAnswer(setParameter(definitions, { assembly: name, resource }, parameter, body.value)),
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/assemblies/:name/resources/:resource/parameters/:parameter',
      access: 'operate',
      summary: 'Forget a parameter of a resource',
      answer: assemblyChangeAnswer,
      errors: {
        invalid: ['bad-parameter-name'],
        'not-found': both,
        conflict: ['no-such-parameter'],
      },
    },
    ({ definitions }, { params: { name, resource, parameter } }) =>
      changeAnswer(clearParameter(definitions, { assembly: name, resource }, parameter)),
  ),
];
