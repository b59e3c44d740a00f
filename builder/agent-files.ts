/**
 * The guest agent as an installer puts it into a guest: its program, and the text by which the guest's init
 * starts it. Reads files; what a kickstart makes of them is `render/`.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { PcloudError } from '../model/errors.ts';
import type { BuilderConfig } from './config.ts';
import type { KickstartValues } from './render/kickstart-values.ts';

/** The agent's unit stands beside the directory that the agent was built in, or beside the agent. */
export function agentUnitPath(config: Pick<BuilderConfig, 'agentPath'>): string {
  return path.join(path.dirname(config.agentPath), '..', 'pcloud-agent.service');
}

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

export function agentMissing(file: string, cause: unknown): PcloudError {
  return new PcloudError({
    code: 'agent-missing',
    category: 'failed',
    message: `The guest agent, which goes into every image, is not there: ${file}.`,
    hint: 'In a checkout, `make -C guest` compiles it; else set PCLOUD_GUEST_AGENT to where it is.',
    cause,
  });
}
