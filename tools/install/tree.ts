/**
 * Carries out the plan of an installation below a directory, as `make install` and the packages need it. What
 * goes where is `plan.ts`.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { PcloudError } from '../../model/errors.ts';
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

/** The part of a prefix that systemd units name: an absolute path of plain characters. */
const plainPrefix = /^\/[A-Za-z0-9._/+-]*[A-Za-z0-9]$/;

/**
 * Installs below `destdir` as if it were `/`.
 * @param options `redisServer`: where the machine that this is for has its Redis server
 * @throws PcloudError `bad-prefix`, `not-built`
 */
export function installTree(options: {
  readonly destdir: string;
  readonly prefix: string;
  readonly redisServer: string;
}): void {
  const { destdir, prefix, redisServer } = options;
  if (!plainPrefix.test(prefix)) {
    throw new PcloudError({
      code: 'bad-prefix',
      category: 'invalid',
      message: `PREFIX ${JSON.stringify(prefix)} is not an absolute path of plain characters (systemd units name it).`,
      hint: 'For example: make install PREFIX=/usr/local',
    });
  }
  const plan = planInstall({
    prefix,
    redisServer,
    lockText: readFileSync(path.join(checkout, 'package-lock.json'), 'utf8'),
    systemdFiles: readdirSync(path.join(checkout, 'systemd')),
    manualPages: readdirSync(path.join(checkout, 'docs/man')),
  });
  for (const step of plan) carryOut(step, destdir, prefix);
}
