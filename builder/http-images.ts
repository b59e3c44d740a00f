/**
 * The builder's routes about images: having one made, what one is made of, which one would be taken, removal, and the
 * collection of those that nothing refers to.
 */
import { z } from 'zod';
import { findImage, readImageDirectory } from '../catalogue/image-directory.ts';
import { deletedAnswerSchema, ensureAnswerSchema, ensureRequestSchema } from '../model/builder-api.ts';
import {
  imageDetailsSchema,
  imageMatchAnswerSchema,
  imageMatchRequestSchema,
} from '../model/image-details.ts';
import { gcAnswerSchema, gcRequestSchema } from '../model/image-gc.ts';
import { needsOfTemplates } from '../model/manifest.ts';
import { deleteImage, deleteJeos } from './deletions.ts';
import { digestParams, route } from './http-context.ts';
import { imageDetails, jeosDetails } from './image-details.ts';
import { collectGarbage } from './image-gc.ts';
import { ensureImage } from './requests.ts';

const detailsQuery = z.strictObject({ packages: z.enum(['true', 'false']).default('false') });

/** Who stands on what, of a host with thousands of assemblies. */
const gcBodyLimitBytes = 4 * 1024 * 1024;

export const imageRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/images/:digest',
      access: 'read',
      summary: 'All of one image',
      params: digestParams,
      query: detailsQuery,
      answer: imageDetailsSchema,
      errors: { 'not-found': ['image-not-found'] },
    },
    async ({ context }, { params, query }) =>
      await imageDetails(context, params.digest, query.packages === 'true'),
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/images/jeos/:release/:architecture',
      access: 'read',
      summary: 'All of the JEOS image of a release',
      query: detailsQuery,
      answer: imageDetailsSchema,
      errors: { invalid: ['unknown-release', 'unknown-architecture'], 'not-found': ['jeos-not-built'] },
    },
    async ({ context }, { params, query }) =>
      await jeosDetails(context, params.release, params.architecture, query.packages === 'true'),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/images/match',
      access: 'read',
      summary: 'The image that an assembly with a requirement would be started on',
      body: imageMatchRequestSchema,
      answer: imageMatchAnswerSchema,
    },
    async ({ context }, { body }) => {
      const images = await readImageDirectory(context.store.imageDirectory);
      const found = findImage(images, body.requirement, needsOfTemplates(context.templates));
      return { digest: found?.digest ?? null };
    },
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/images/ensure',
      access: 'operate',
      summary: 'Have an image made unless it is there: a build that is under way is joined',
      body: ensureRequestSchema,
      answer: ensureAnswerSchema,
      errors: {
        invalid: ['unknown-release', 'unknown-architecture', 'unknown-template', 'engine-not-for-release'],
        conflict: ['jeos-not-built'],
        unavailable: ['archive-unreachable', 'redis-unreachable'],
      },
    },
    async ({ context, ensured }, { body }) => {
      const answer = await ensureImage(context, body);
      ensured(answer.state);
      return answer;
    },
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/images/gc',
      access: 'operate',
      summary: 'Show which images nothing refers to, and remove those that are named',
      body: gcRequestSchema,
      bodyLimitBytes: gcBodyLimitBytes,
      answer: gcAnswerSchema,
    },
    // Builders on other hosts share the work then, and so perhaps the image directory.
    async ({ context, redisTitle }, { body }) => ({
      shared: redisTitle !== 'private',
      entries: await collectGarbage(context, body),
    }),
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/images/jeos/:release/:architecture',
      access: 'operate',
      summary: 'Remove the JEOS image of a release',
      answer: deletedAnswerSchema,
      errors: {
        invalid: ['unknown-release', 'unknown-architecture'],
        'not-found': ['jeos-not-built'],
        conflict: ['image-in-use'],
      },
    },
    async ({ context }, { params }) => ({
      deleted: [...(await deleteJeos(context, params.release, params.architecture))],
    }),
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/images/:digest',
      access: 'operate',
      summary: 'Remove an image',
      params: digestParams,
      answer: deletedAnswerSchema,
      errors: { 'not-found': ['image-not-found'], conflict: ['image-in-use'] },
    },
    async ({ context }, { params }) => ({ deleted: [...(await deleteImage(context, params.digest))] }),
  ),
];
