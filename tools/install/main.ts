/**
 * `make install`: carries out the plan below DESTDIR. It enables and starts nothing, creates no user and
 * writes nowhere else.
 *
 * usage: tools/install/main.ts --prefix /usr/local [--destdir DIR]
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PcloudError, exitCodeOf } from '../../model/errors.ts';
import { type InstallStep, planInstall, unitText } from './plan.ts';

const checkout = path.resolve(import.meta.dirname, '../..');

/** Of the native parts, what was compiled and not what it was compiled from. */
function isWanted(source: string): boolean {
  const relative = path.relative(checkout, source);
  return !/^native\/[^/]+\/src$|^native\/.*\.o$/.test(relative);
}

function carryOut(step: InstallStep, destdir: string, prefix: string): void {
  switch (step.kind) {
    case 'copy': {
      const source = path.join(checkout, step.from);
      if (!existsSync(source)) {
        if (step.optional) return;
        throw new PcloudError({
          code: 'not-built',
          category: 'failed',
          message: `${step.from} is not there, so nothing complete can be installed.`,
          hint: 'Build first: make bootstrap',
        });
      }
      const target = path.join(destdir, step.to);
      rmSync(target, { recursive: true, force: true });
      cpSync(realpathSync(source), target, { recursive: true, filter: isWanted, preserveTimestamps: true });
      return;
    }
    case 'link': {
      const at = path.join(destdir, step.at);
      // A link of ours to something optional that was not there to copy; the host's own files are its matter.
      if (!path.isAbsolute(step.target) && !existsSync(path.resolve(path.dirname(at), step.target))) return;
      mkdirSync(path.dirname(at), { recursive: true });
      rmSync(at, { recursive: true, force: true });
      symlinkSync(step.target, at);
      return;
    }
    case 'unit': {
      const target = path.join(destdir, step.to);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, unitText(readFileSync(path.join(checkout, step.from), 'utf8'), prefix));
    }
  }
}

function main(): void {
  const { values } = parseArgs({
    options: { prefix: { type: 'string' }, destdir: { type: 'string', default: '' } },
  });
  const prefix = values.prefix ?? '';
  if (!/^\/[A-Za-z0-9._/+-]*[A-Za-z0-9]$/.test(prefix)) {
    throw new PcloudError({
      code: 'bad-prefix',
      category: 'invalid',
      message: `PREFIX ${JSON.stringify(prefix)} is not an absolute path of plain characters (systemd units name it).`,
      hint: 'For example: make install PREFIX=/usr/local',
    });
  }
  const destdir = values.destdir === '' ? '/' : path.resolve(values.destdir);
  const lockText = readFileSync(path.join(checkout, 'package-lock.json'), 'utf8');
  const redisServer = readlinkSync(path.join(checkout, '.toolchain/bin/redis-server'));
  for (const step of planInstall({ prefix, lockText, redisServer })) carryOut(step, destdir, prefix);
  console.log(`Installed below ${path.join(destdir, prefix)}. On the machine itself, next:
  systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload
  systemctl enable --now pcloud-builder.service pcloud-cped.service`);
}

try {
  main();
} catch (error) {
  if (!(error instanceof PcloudError)) throw error;
  process.stderr.write(`install: ${error.message}\n${error.hint ?? ''}\n`);
  process.exitCode = exitCodeOf(error.category);
}
