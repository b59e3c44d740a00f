/** The routes of deployables: list, define, members, escalation, and the operator's word to run. */
import { deployableChangeAnswer, doneAnswer } from '../model/cped-answers.ts';
import {
  addDeployableAssemblyBody,
  createDeployableBody,
  deployableAnswer,
  deployableListAnswer,
  deployableStatusSchema,
  escalationBody,
  requirementsAnswer,
} from '../model/cped-api.ts';
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
import { route, viewContext } from './http-context.ts';
import { deployableStatus } from './http-views.ts';

const unknownDeployable = ['unknown-deployable'];
const startConflicts = [
  'deployable-stopping',
  'deployable-empty',
  'image-not-built',
  'image-missing',
  'dependency-cycle',
  'template-broken',
];

const definitionRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/deployables',
      access: 'read',
      summary: 'Every deployable with its assemblies and resources: what is wanted, and the state of each',
      answer: deployableListAnswer,
    },
    (cped) => ({
      deployables: cped.definitions.store
        .deployables()
        .map((deployable) => deployableStatus(viewContext(cped), deployable)),
    }),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/deployables',
      access: 'operate',
      summary: 'Define a deployable without assemblies',
      body: createDeployableBody,
      answer: deployableAnswer,
      errors: { conflict: ['deployable-exists'] },
    },
    ({ definitions }, { body }) => ({
      deployable: createDeployable(definitions, body.name, body.monitoring),
    }),
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/deployables/:name',
      access: 'read',
      summary: 'One deployable with its assemblies and resources',
      answer: deployableStatusSchema,
      errors: { 'not-found': unknownDeployable },
    },
    (cped, { params }) => deployableStatus(viewContext(cped), findDeployable(cped.definitions, params.name)),
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/deployables/:name',
      access: 'operate',
      summary: 'Forget a stopped deployable; its assemblies stay',
      answer: doneAnswer,
      errors: { 'not-found': unknownDeployable, conflict: ['deployable-running'] },
    },
    ({ definitions }, { params }) => {
      deleteDeployable(definitions, params.name);
      return { done: true } as const;
    },
  ),
  route.json(
    {
      method: 'PUT',
      path: '/v1/deployables/:name/escalation',
      access: 'operate',
      summary: 'How many restarts of the whole deployable within what time end in blocked',
      body: escalationBody,
      answer: deployableChangeAnswer,
      errors: { 'not-found': unknownDeployable },
    },
    ({ definitions }, { params, body }) => setDeployableEscalation(definitions, params.name, body.policy),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/deployables/:name/assemblies',
      access: 'operate',
      summary: 'Put an assembly into a deployable',
      body: addDeployableAssemblyBody,
      answer: deployableChangeAnswer,
      errors: {
        'not-found': ['unknown-deployable', 'unknown-assembly'],
        conflict: ['assembly-already-member', 'assembly-in-use'],
      },
    },
    ({ definitions }, { params, body }) => addAssembly(definitions, params.name, body.assembly),
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/deployables/:name/assemblies/:assembly',
      access: 'operate',
      summary: 'Take an assembly out of a deployable',
      answer: deployableAnswer,
      errors: {
        'not-found': ['unknown-deployable', 'unknown-assembly'],
        conflict: ['not-a-member', 'needed-by-others'],
      },
    },
    ({ definitions }, { params }) => ({
      deployable: removeAssembly(definitions, params.name, params.assembly),
    }),
  ),
];

const lifecycleRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/deployables/:name/requirements',
      access: 'read',
      summary: 'The images that its assemblies need, and on which they are pinned',
      answer: requirementsAnswer,
      errors: { 'not-found': unknownDeployable },
    },
    ({ definitions }, { params }) => ({ requirements: [...requirementsOf(definitions, params.name)] }),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/deployables/:name/start',
      access: 'operate',
      summary: 'Have it run from now on; answered when that is decided, not when it runs',
      answer: deployableAnswer,
      errors: {
        'not-found': unknownDeployable,
        conflict: ['deployable-already-started', ...startConflicts],
        unavailable: ['libvirt-unreachable'],
      },
    },
    async (cped, { params }) => {
      const deployable = await startDeployable(cped.definitions, params.name);
      cped.onApplied(deployable.name);
      return { deployable };
    },
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/deployables/:name/stop',
      access: 'operate',
      summary: 'Have it stopped from now on',
      answer: deployableAnswer,
      errors: { 'not-found': unknownDeployable, conflict: ['deployable-not-started'] },
    },
    ({ definitions }, { params }) => ({ deployable: stopDeployable(definitions, params.name) }),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/deployables/:name/reload',
      access: 'operate',
      summary: 'Bring what runs in line with changed definitions',
      answer: deployableAnswer,
      errors: {
        'not-found': unknownDeployable,
        conflict: ['deployable-not-started', ...startConflicts],
        unavailable: ['libvirt-unreachable'],
      },
    },
    async (cped, { params }) => {
      const deployable = await reloadDeployable(cped.definitions, params.name);
      cped.onApplied(deployable.name);
      return { deployable };
    },
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/deployables/:name/recover',
      access: 'operate',
      summary: 'Go on with one that was given up: its failures are forgotten',
      answer: deployableAnswer,
      errors: { 'not-found': unknownDeployable, conflict: ['deployable-not-started'] },
    },
    ({ definitions }, { params }) => ({ deployable: recoverDeployable(definitions, params.name) }),
  ),
];

export const deployableRoutes = [...definitionRoutes, ...lifecycleRoutes];
