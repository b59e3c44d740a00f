/** What `--check-config` says of the network side: certificate, key, tokens. It listens nowhere. */
import { findingOf } from '../../service/config-check.ts';
import type { Finding } from '../../service/config-check.ts';
import type { ListenSettings } from '../listen-config.ts';
import { ownGroupIds, readTlsFiles } from './tls-files.ts';
import { readTokens } from './token-file.ts';
import { isAlive } from './tokens.ts';

/** @param nowMs wall clock: certificates and tokens end */
export async function checkListen(listen: ListenSettings, nowMs: number): Promise<readonly Finding[]> {
  const { tcp, tokensFile } = listen;
  if (tcp === null) return [];
  const warnings: string[] = [];
  const tls = await findingOf(async () => {
    warnings.push(...(await readTlsFiles(tcp, nowMs, ownGroupIds())).warnings);
  });
  const tokens = await findingOf(async () => {
    if (!(await readTokens(tokensFile)).some((token) => isAlive(token, nowMs)))
      warnings.push(
        `There is no token in ${tokensFile}, so nobody gets in over the network: \`pcloud-cped token create\` makes one.`,
      );
  });
  return [...tls, ...tokens, ...warnings.map((text): Finding => ({ kind: 'warning', text }))];
}
