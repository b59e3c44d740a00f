/**
 * Finds the two services and loads a client when it is first asked for: a command that needs one of them does
 * not pay for the other.
 */
import path from 'node:path';
import type { Services } from './ports.ts';

/** tmpfiles makes it for the system's services; a private stack sets PCLOUD_RUNTIME_DIR. */
const defaultRuntimeDirectory = '/run/pacemaker-cloud';

/** The services of the runtime directory that the environment names. Connects nowhere by itself. */
export function connectServices(environment: Readonly<Record<string, string | undefined>>): Services {
  const configured = environment['PCLOUD_RUNTIME_DIR'];
  const directory = configured === undefined || configured === '' ? defaultRuntimeDirectory : configured;
  return {
    cped: async () => {
      const { cpedPort } = await import('./cped-adapter.ts');
      return cpedPort(path.join(directory, 'cped.sock'));
    },
    builder: async () => {
      const { builderPort } = await import('./builder-adapter.ts');
      return builderPort(path.join(directory, 'builder.sock'));
    },
  };
}
