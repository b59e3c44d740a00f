/**
 * The guest agent as an installer puts it into a guest: its program, and the text by which the guest's init
 * starts it. Reads files; what a kickstart makes of them is `render/`.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { BuilderConfig } from './config.ts';
import { agentMissing, agentUnitPath } from './recipes.ts';
import type { KickstartValues } from './render/kickstart-values.ts';

/** The SysV script stands beside the unit. */
export function agentInitPath(config: Pick<BuilderConfig, 'agentPath'>, init: 'systemd' | 'sysv'): string {
  const unit = agentUnitPath(config);
  return init === 'systemd' ? unit : path.join(path.dirname(unit), 'pcloud-agent.init');
}

/**
 * The same bytes each time for the same files.
 * @throws PcloudError `agent-missing`.
 */
export async function loadAgent(
  config: Pick<BuilderConfig, 'agentPath'>,
  init: 'systemd' | 'sysv',
): Promise<KickstartValues['agent']> {
  const [program, text] = await Promise.all([
    readAgentFile(config.agentPath),
    readAgentFile(agentInitPath(config, init)),
  ]);
  return {
    programGzipBase64: gzipSync(program, { level: 9 }).toString('base64'),
    init: text.toString('utf8'),
  };
}

async function readAgentFile(file: string): Promise<Buffer> {
  return await readFile(file).catch((error: unknown) => {
    throw agentMissing(file, error);
  });
}
