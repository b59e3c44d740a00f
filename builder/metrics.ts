/**
 * What the builder measures for Prometheus: builds as the image directory tells of them, whichever process or host did
 * them, the queue, and the images. It is read when somebody asks. Counters begin at nought with the service.
 */
import { Counter, Gauge, Histogram } from 'prom-client';
import { readImageDirectory } from '../catalogue/image-directory.ts';
import type { EnsureAnswer } from '../model/builder-api.ts';
import type { BuildRecord } from '../model/build-record.ts';
import { createRegistry } from '../service/metrics-registry.ts';
import type { RequestContext } from './requests.ts';
import { freeBytesOf } from './disk-space.ts';

/** About what was measured (docs/benchmarks.md): under a second unchanged, a minute by file tree, more by installers. */
export const buildBucketsS = [1, 5, 15, 30, 45, 60, 90, 120, 300, 600, 1200, 1800, 3600, 7200];

/** Ends that are remembered, so that each is counted once; the history holds no more. */
const rememberedEnds = 1000;

const results = ['built', 'failed', 'cancelled'] as const;

export type BuilderMetrics = {
  /** Somebody asked for an image; `built`: it was there. */
  readonly ensured: (state: EnsureAnswer['state']) => void;
  readonly text: () => Promise<string>;
  close(): void;
};

export type BuilderMetricsOptions = {
  readonly version: string;
  /** Asked for at the first reading. */
  readonly sources: () => Pick<RequestContext, 'history' | 'queue' | 'store' | 'releases'>;
  /** Wall clock; ends before this are not counted. */
  readonly startedAtMs: number;
};

export function createBuilderMetrics({
  version,
  sources,
  startedAtMs,
}: BuilderMetricsOptions): BuilderMetrics {
  const registry = createRegistry('pcloud-builder', version);
  const registers = [registry];
  const asked = new Counter({
    name: 'pcloud_images_requested_total',
    help: 'Requests for images: hit when the image was there, build when its build was joined or had to begin',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['hit', 'build']) asked.inc({ result }, 0);
  const ends = countEnds(registers, startedAtMs);
  const queue = {
    builds: new Gauge({
      name: 'pcloud_builds',
      help: 'Builds in the queue by state',
      labelNames: ['state'],
      registers,
    }),
    redis: new Gauge({ name: 'pcloud_queue_up', help: '1 while the queue (Redis) answers', registers }),
  };
  const images = {
    count: new Gauge({ name: 'pcloud_images', help: 'Images by kind', labelNames: ['kind'], registers }),
    bytes: new Gauge({
      name: 'pcloud_images_bytes',
      help: 'Bytes of the disks of images',
      labelNames: ['kind'],
      registers,
    }),
    damaged: new Gauge({
      name: 'pcloud_images_damaged',
      help: 'Directories in the image directory that hold no usable image',
      registers,
    }),
    free: new Gauge({ name: 'pcloud_image_directory_free_bytes', help: 'Room for images', registers }),
  };
  const read = async (): Promise<void> => {
    const { history, queue: waiting, store, releases } = sources();
    for (const record of await history.list()) ends(record, engineOf(record, releases));
    const queued = await waiting.list().catch(() => undefined);
    queue.redis.set(queued === undefined ? 0 : 1);
    for (const state of ['waiting', 'active'] as const)
      queue.builds.set({ state }, queued?.filter((one) => one.state === state).length ?? 0);
    const { artifacts, damaged } = await readImageDirectory(store.imageDirectory);
    for (const kind of ['jeos', 'assembly'] as const) {
      const ours = artifacts.filter(({ manifest }) => manifest.kind === kind);
      images.count.set({ kind }, ours.length);
      images.bytes.set(
        { kind },
        ours.reduce((sum, { manifest }) => sum + manifest.disk.sizeBytes, 0),
      );
    }
    images.damaged.set(damaged.length);
    images.free.set(await freeBytesOf(store.imageDirectory));
  };
  /** Two who ask at once share one reading. */
  let reading: Promise<void> | undefined;
  return {
    ensured: (state) => asked.inc({ result: state === 'built' ? 'hit' : 'build' }),
    async text() {
      reading ??= read().finally(() => (reading = undefined));
      await reading;
      return await registry.metrics();
    },
    close: () => registry.clear(),
  };
}

function countEnds(
  registers: ConstructorParameters<typeof Counter>[0]['registers'] & object,
  startedAtMs: number,
): (record: BuildRecord, engine: string) => void {
  const builds = new Counter({
    name: 'pcloud_builds_total',
    help: 'Builds that have ended, by result and engine',
    labelNames: ['result', 'engine'],
    registers,
  });
  const duration = new Histogram({
    name: 'pcloud_build_duration_seconds',
    help: 'How long builds took that succeeded, by engine',
    labelNames: ['engine'],
    buckets: buildBucketsS,
    registers,
  });
  for (const result of results) builds.inc({ result, engine: 'bootstrap' }, 0);
  duration.zero({ engine: 'bootstrap' });
  const counted = new Set<string>();
  return ({ digest, state, finishedAt, durationMs }, engine) => {
    if (finishedAt === null || Date.parse(finishedAt) < startedAtMs) return;
    const end = `${digest} ${finishedAt}`;
    if (counted.has(end)) return;
    counted.add(end);
    for (const oldest of counted) {
      if (counted.size <= rememberedEnds) break;
      counted.delete(oldest);
    }
    builds.inc({ result: state, engine });
    if (state === 'built' && durationMs !== null) duration.observe({ engine }, durationMs / 1000);
  };
}

/** The one that was asked for, else the release's usual one. */
function engineOf({ request }: BuildRecord, releases: RequestContext['releases']): string {
  if (request === null) return 'unknown';
  const release = releases.get(request.kind === 'jeos' ? request.release : request.requirement.release);
  return request.engine ?? release?.engine ?? 'unknown';
}
