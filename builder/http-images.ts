/**
 * The builder's routes about images that are there: what one is made of, which one would be taken, and the
 * collection of those that nothing refers to. Each parses, asks, and answers in the words of the model.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { findImage, readImageDirectory } from '../catalogue/image-directory.ts';
import { imageMatchRequestSchema } from '../model/image-details.ts';
import { gcRequestSchema } from '../model/image-gc.ts';
import type { GcAnswer } from '../model/image-gc.ts';
import { packagesOfTemplates } from '../model/manifest.ts';
import { digestSchema } from '../model/recipe.ts';
import { parseInput } from '../service/http-server.ts';
import { imageDetails, jeosDetails } from './image-details.ts';
import { collectGarbage } from './image-gc.ts';
import type { RequestContext } from './requests.ts';

const digestParams = z.object({ digest: digestSchema });
const jeosParams = z.object({ release: z.string(), architecture: z.string() });
const detailsQuery = z.strictObject({ packages: z.enum(['true', 'false']).default('false') });

/** Who stands on what, of a host with thousands of assemblies. */
const gcBodyLimitBytes = 4 * 1024 * 1024;

/** @param isShared whether builders on other hosts share the work, and so perhaps the image directory. */
export function registerImageRoutes(app: FastifyInstance, context: RequestContext, isShared: boolean): void {
  app.get('/v1/images/:digest', async (request) => {
    const { digest } = parseInput(digestParams, request.params);
    return await imageDetails(context, digest, withPackages(request.query));
  });
  app.get('/v1/images/jeos/:release/:architecture', async (request) => {
    const { release, architecture } = parseInput(jeosParams, request.params);
    return await jeosDetails(context, release, architecture, withPackages(request.query));
  });
  app.post('/v1/images/match', async (request) => {
    const { requirement } = parseInput(imageMatchRequestSchema, request.body);
    const images = await readImageDirectory(context.store.imageDirectory);
    const found = findImage(images, requirement, packagesOfTemplates(context.templates));
    return { digest: found?.digest ?? null };
  });
  app.post('/v1/images/gc', { bodyLimit: gcBodyLimitBytes }, async (request): Promise<GcAnswer> => {
    const wanted = parseInput(gcRequestSchema, request.body);
    return { shared: isShared, entries: await collectGarbage(context, wanted) };
  });
}

function withPackages(query: unknown): boolean {
  return parseInput(detailsQuery, query).packages === 'true';
}
