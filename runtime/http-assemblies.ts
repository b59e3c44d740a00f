/** The routes of assemblies: list, define, clone, delete, escalation, access, and who stands on which image. */
import { z } from 'zod';
import { domainNameOf } from '../catalogue/assembly-paths.ts';
import { assemblyChangeAnswer, doneAnswer, imagesInUseAnswer } from '../model/cped-answers.ts';
import {
  accessAnswer,
  assemblyAnswer,
  assemblyListAnswer,
  assemblyStatusSchema,
  cloneAssemblyBody,
  createAssemblyBody,
  escalationBody,
  importAnswer,
  importAssemblyBody,
} from '../model/cped-api.ts';
import { requirementOf } from '../model/definition.ts';
import type { AssemblyDefinition } from '../model/definition.ts';
import {
  cloneAssembly,
  createAssembly,
  deleteAssembly,
  setAssemblyEscalation,
} from './definitions/assemblies.ts';
import { findAssembly } from './definitions/context.ts';
import { importAssembly } from './definitions/import.ts';
import { renewAssembly } from './definitions/renew.ts';
import type { AssemblyChange } from './definitions/effect.ts';
import { conflict } from './definitions/refusals.ts';
import { route, viewContext } from './http-context.ts';
import type { CpedHttp } from './http-context.ts';
import { assemblyStatus, hostPortOf } from './http-views.ts';
import { sshPortOf } from './launcher-ssh.ts';

const unknownAssembly = ['unknown-assembly'];

const inUseQuery = z.strictObject({
  release: z.string().max(4096).optional(),
  architecture: z.string().max(4096).optional(),
});

const lookRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/assemblies',
      access: 'read',
      summary: 'Every assembly with its resources and the state of each',
      answer: assemblyListAnswer,
    },
    (cped) => ({
      assemblies: cped.definitions.store
        .assemblies()
        .map((assembly) => assemblyStatus(viewContext(cped), assembly)),
    }),
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/assemblies/:name',
      access: 'read',
      summary: 'One assembly with its resources',
      answer: assemblyStatusSchema,
      errors: { 'not-found': unknownAssembly },
    },
    (cped, { params }) => assemblyStatus(viewContext(cped), findAssembly(cped.definitions, params.name)),
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/assemblies/:name/access',
      // It makes the key where there is none yet, and tells where it lies.
      access: 'operate',
      summary: 'How to log in to an assembly by ssh from the host of the service',
      answer: accessAnswer,
      errors: {
        'not-found': unknownAssembly,
        conflict: ['assembly-passive', 'no-forwarded-port', 'assembly-not-started'],
      },
    },
    async (cped, { params }) => await access(cped, params.name),
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/images-in-use',
      access: 'read',
      summary: 'Which assemblies stand on which images',
      query: inUseQuery,
      answer: imagesInUseAnswer,
    },
    (cped, { query }) => imagesInUse(cped, query),
  ),
];

const changeRoutes = [
  route.json(
    {
      method: 'POST',
      path: '/v1/assemblies',
      access: 'operate',
      summary: 'Define an assembly of a release',
      body: createAssemblyBody,
      answer: assemblyAnswer,
      errors: {
        invalid: ['unknown-release', 'unknown-architecture'],
        conflict: ['assembly-exists', 'jeos-not-built'],
      },
    },
    async ({ definitions }, { body }) =>
      answerOf(await createAssembly(definitions, body.name, body.release, body.architecture)),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/import',
      access: 'operate',
      summary: 'Make an assembly of a disk that is on the host of the service; answered when it is copied',
      body: importAssemblyBody,
      answer: importAnswer,
      errors: {
        invalid: ['unknown-release', 'bad-import', 'disk-refused', 'key-refused'],
        conflict: ['assembly-exists'],
        failed: ['disk-full'],
      },
    },
    async (cped, { body }) => await importAssembly(cped.definitions, body, cped.network),
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/assemblies/:name',
      access: 'operate',
      summary: 'Remove an assembly that is off and in no deployable, with its disk',
      answer: doneAnswer,
      errors: {
        'not-found': unknownAssembly,
        conflict: ['assembly-in-use', 'assembly-running', 'needed-by-others'],
      },
    },
    async ({ definitions }, { params }) => {
      await deleteAssembly(definitions, params.name);
      return { done: true } as const;
    },
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/assemblies/:name/renew',
      access: 'operate',
      summary:
        'Remove the system disk of an assembly that is off: its next start makes one on the newest image',
      answer: assemblyChangeAnswer,
      errors: {
        'not-found': unknownAssembly,
        conflict: ['assembly-imported', 'assembly-running'],
      },
    },
    async ({ definitions }, { params }) => changeAnswer(await renewAssembly(definitions, params.name)),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/assemblies/:name/clone',
      access: 'operate',
      summary: 'Define another assembly like this one, with an identity of its own',
      body: cloneAssemblyBody,
      answer: assemblyAnswer,
      errors: {
        'not-found': unknownAssembly,
        conflict: ['assembly-exists', 'assembly-imported', 'image-missing'],
        failed: ['disk-full'],
      },
    },
    async ({ definitions }, { params, body }) =>
      answerOf(await cloneAssembly(definitions, params.name, body.name)),
  ),
  route.json(
    {
      method: 'PUT',
      path: '/v1/assemblies/:name/escalation',
      access: 'operate',
      summary: 'How many failures of an assembly within what time escalate to its deployable',
      body: escalationBody,
      answer: assemblyChangeAnswer,
      errors: { 'not-found': unknownAssembly },
    },
    ({ definitions }, { params, body }) =>
      changeAnswer(setAssemblyEscalation(definitions, params.name, body.policy)),
  ),
];

export const assemblyRoutes = [...lookRoutes, ...changeRoutes];

export function answerOf(assembly: AssemblyDefinition): z.infer<typeof assemblyAnswer> {
  return { assembly, requirement: requirementOf(assembly) };
}

/** The same with when it takes effect. */
export function changeAnswer(change: AssemblyChange): z.infer<typeof assemblyChangeAnswer> {
  const { takesEffect, note } = change;
  return { ...answerOf(change.assembly), takesEffect, note };
}

async function access(cped: CpedHttp, name: string): Promise<z.infer<typeof accessAnswer>> {
  const assembly = findAssembly(cped.definitions, name);
  const { transport } = assembly;
  if (transport.kind === 'none')
    throw conflict(
      'assembly-passive',
      `Nobody speaks to the guest of assembly ${name}: it was imported with --transport none.`,
      'Log in with what its owner gave you.',
      { assembly: name },
    );
  const port = hostPortOf(cped.launches.forwards(assembly.name), sshPortOf(transport));
  if (cped.network === 'libvirt')
    throw conflict(
      'no-forwarded-port',
      `Assembly ${name} is on a libvirt network, so no port of this host leads to it.`,
      `\`virsh domifaddr ${domainNameOf(name)}\` shows its address; log in there as root with ${await cped.identityFile(name)}.`,
    );
  if (port === undefined)
    throw conflict(
      'assembly-not-started',
      `Assembly ${name} was never started, so there is nothing to log in to.`,
      'Put it into a deployable and start that: `deployable_assembly_add DEPLOYABLE ASSEMBLY`, `deployable_start DEPLOYABLE`.',
      { assembly: name },
    );
  return {
    user: transport.kind === 'ssh' ? transport.user : 'root',
    host: '127.0.0.1',
    port,
    identityFile: await cped.identityFile(assembly.name),
    hostKey: cped.launches.hostKey(assembly.name) ?? null,
    algorithms: cped.sshAlgorithms(assembly),
  };
}

function imagesInUse(cped: CpedHttp, query: z.infer<typeof inUseQuery>): z.infer<typeof imagesInUseAnswer> {
  const matching = cped.definitions.store
    .assemblies()
    // An imported one stands on no image, whatever release it is of.
    .filter(({ imported }) => imported === null)
    .filter(({ release }) => query.release === undefined || release === query.release)
    .filter(({ architecture }) => query.architecture === undefined || architecture === query.architecture);
  const byDigest = new Map<string, string[]>();
  for (const { name, imageDigest } of matching)
    if (imageDigest !== null) byDigest.set(imageDigest, [...(byDigest.get(imageDigest) ?? []), name]);
  return {
    assemblies: matching.map(({ name }) => name),
    images: [...byDigest].map(([digest, assemblies]) => ({ digest, assemblies })),
  };
}
