/**
 * The builder that `make images` asks: the one that PCLOUD_RUNTIME_DIR names, or the private stack's, which is
 * started for the time where it does not run. libvirt and the runtime service are not needed and not started.
 */
import path from 'node:path';
import { builderClient } from '../../builder/client.ts';
import type { BuilderClient } from '../../builder/client.ts';
import { startService, stopService } from '../stack/services.ts';
import { layoutOfThisCheckout, prepareStack, statusOf } from '../stack/stack.ts';

export type BuilderService = {
  readonly client: BuilderClient;
  /** Ends what was started here, unless it works for somebody else by now. */
  release(): Promise<void>;
};

export type BuilderServiceOptions = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A private stack of its own, whose media directory is empty. */
  readonly archive: boolean;
  readonly jobs: number;
  readonly onProgress: (line: string) => void;
};

/** @throws PcloudError `daemon-not-started`, `daemon-not-ready`. */
export async function useBuilder(options: BuilderServiceOptions): Promise<BuilderService> {
  const { environment, archive, jobs, onProgress } = options;
  const runtimeDirectory = environment['PCLOUD_RUNTIME_DIR'];
  if (!archive && runtimeDirectory !== undefined && runtimeDirectory !== '')
    return {
      client: builderClient(path.join(runtimeDirectory, 'builder.sock')),
      release: async () => await Promise.resolve(),
    };
  const own = layoutOfThisCheckout();
  const layout = archive ? layoutOfThisCheckout(path.join(own.stateDir, 'archive')) : own;
  const client = builderClient(layout.builderSocket);
  const runs = statusOf(layout).some(
    ({ part, process: found }) => part === 'pcloud-builder' && found !== undefined,
  );
  if (runs) return { client, release: async () => await Promise.resolve() };
  onProgress('starting pcloud-builder');
  // The builder inherits these: no media but the archives', and as many builds at a time as are wanted.
  if (archive) delete process.env['PCLOUD_MEDIA_DIR'];
  process.env['PCLOUD_BUILD_CONCURRENCY'] ??= String(Math.max(2, jobs));
  await prepareStack(layout, async () => await startService(layout, 'pcloud-builder'));
  return {
    client,
    release: async () => {
      const { active, waiting } = await client.status();
      if (active + waiting === 0) await stopService(layout, 'pcloud-builder');
      else
        onProgress('pcloud-builder goes on: somebody else has asked it for builds (make stack-down ends it)');
    },
  };
}
