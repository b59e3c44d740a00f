/**
 * `make install`: installs below DESTDIR. It enables and starts nothing, creates no user and writes nowhere else.
 *
 * usage: tools/install/main.ts --prefix /usr/local [--destdir DIR]
 */
import { readlinkSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PcloudError, exitCodeOf } from '../../model/errors.ts';
import { installTree } from './tree.ts';

const checkout = path.resolve(import.meta.dirname, '../..');

function main(): void {
  const { values } = parseArgs({
    options: { prefix: { type: 'string', default: '' }, destdir: { type: 'string', default: '' } },
  });
  const { prefix } = values;
  const destdir = values.destdir === '' ? '/' : path.resolve(values.destdir);
  const redisServer = readlinkSync(path.join(checkout, '.toolchain/bin/redis-server'));
  installTree({ destdir, prefix, redisServer });
  console.log(`Installed below ${path.join(destdir, prefix)}. On the machine itself, next:
  ${path.join(prefix, 'lib/pacemaker-cloud/bin/prepare-host')} && systemctl daemon-reload
  systemctl enable --now pcloud-builder.service pcloud-cped.service`);
}

try {
  main();
} catch (error) {
  if (!(error instanceof PcloudError)) throw error;
  process.stderr.write(`install: ${error.message}\n${error.hint ?? ''}\n`);
  process.exitCode = exitCodeOf(error.category);
}
