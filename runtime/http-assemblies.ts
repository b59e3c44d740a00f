/** The routes of assemblies: list, define, clone, delete, escalation, access, and who stands on which image. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { domainNameOf } from '../catalogue/assembly-paths.ts';
import {
  cloneAssemblyBody,
  createAssemblyBody,
  escalationBody,
  importAssemblyBody,
} from '../model/cped-api.ts';
import type { accessAnswer, assemblyAnswer, importAnswer } from '../model/cped-api.ts';
import { requirementOf } from '../model/definition.ts';
import type { AssemblyDefinition } from '../model/definition.ts';
import { parseInput } from '../service/http-server.ts';
import {
  cloneAssembly,
  createAssembly,
  deleteAssembly,
  setAssemblyEscalation,
} from './definitions/assemblies.ts';
import { findAssembly } from './definitions/context.ts';
import { importAssembly } from './definitions/import.ts';
import type { AssemblyChange } from './definitions/effect.ts';
import { conflict } from './definitions/refusals.ts';
import type { assemblyChangeAnswer, imagesInUseAnswer } from '../model/cped-answers.ts';
import { pathNames, viewContext } from './http-context.ts';
import type { CpedHttp } from './http-context.ts';
import { assemblyStatus, hostPortOf } from './http-views.ts';
import { sshPortOf } from './launcher-ssh.ts';

export function registerAssemblyRoutes(app: FastifyInstance, cped: CpedHttp): void {
  const { definitions } = cped;
  app.get('/v1/assemblies', () => ({
    assemblies: definitions.store.assemblies().map((assembly) => assemblyStatus(viewContext(cped), assembly)),
  }));
  app.post('/v1/assemblies', async (request) => {
    const { name, release, architecture } = parseInput(createAssemblyBody, request.body);
    return answerOf(await createAssembly(definitions, name, release, architecture));
  });
  app.post('/v1/import', async (request): Promise<z.infer<typeof importAnswer>> => {
    const body = parseInput(importAssemblyBody, request.body);
    return await importAssembly(definitions, body, cped.network);
  });
  app.get('/v1/assemblies/:name', (request) =>
    assemblyStatus(viewContext(cped), findAssembly(definitions, pathNames(request).name)),
  );
  app.delete('/v1/assemblies/:name', async (request) => {
    await deleteAssembly(definitions, pathNames(request).name);
    return { done: true };
  });
  app.post('/v1/assemblies/:name/clone', async (request) => {
    const { name } = parseInput(cloneAssemblyBody, request.body);
    return answerOf(await cloneAssembly(definitions, pathNames(request).name, name));
  });
  app.put('/v1/assemblies/:name/escalation', (request) => {
    const { policy } = parseInput(escalationBody, request.body);
    return changeAnswer(setAssemblyEscalation(definitions, pathNames(request).name, policy));
  });
  app.get('/v1/assemblies/:name/access', async (request) => await access(cped, pathNames(request).name));
  app.get('/v1/images-in-use', (request) => imagesInUse(cped, parseInput(inUseQuery, request.query)));
}

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

const inUseQuery = z.strictObject({
  release: z.string().max(4096).optional(),
  architecture: z.string().max(4096).optional(),
});

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
