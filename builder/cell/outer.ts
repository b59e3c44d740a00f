/**
 * The first program in a cell: still on the host's network, it covers libvirt's directories with the cell's own,
 * starts the inner program in a network of its own and the user-mode network between the two, and ends with the
 * inner program's exit code. Usage: outer.ts SPEC.json
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { groupWithQemu, libvirtdConf, passwdWithQemu, qemuConf } from '../../service/libvirtd-files.ts';
import {
  cellBinds,
  cellNetwork,
  cellPath,
  cellSpecSchema,
  innerCommand,
  networkCommand,
} from './cell-plan.ts';
import type { CellSpec } from './cell-plan.ts';
import { complain, exitCodeOf, runCellProgram } from './cell-process.ts';
import type { ExitFacts } from './cell-process.ts';

const commandLimitMs = 10_000;
const networkLimitMs = 10_000;

function writeFiles({ directory }: CellSpec): void {
  // virt-install unpacks an ISO's kernel into boot/, which libvirt's package makes on a host.
  for (const name of ['etc', 'lib/boot', 'cache', 'log', 'run'])
    mkdirSync(path.join(directory, name), { recursive: true });
  const write = (name: string, text: string): void =>
    writeFileSync(path.join(directory, name), text, { mode: 0o644 });
  write('etc/libvirtd.conf', libvirtdConf);
  write('etc/qemu.conf', qemuConf(true));
  write('passwd', passwdWithQemu(readFileSync('/etc/passwd', 'utf8')));
  write('group', groupWithQemu(readFileSync('/etc/group', 'utf8')));
  write('resolv.conf', `nameserver ${cellNetwork.nameServer}\n`);
}

/** A directory of the host's that something in the cell insists on; only its root can make it. */
function requireDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new Error(`${directory} is missing, and only root can make it`, { cause: error });
  }
}

/** A bind needs something to cover; as root an empty directory appears where libvirt was never set up. */
async function cover(source: string, target: string): Promise<void> {
  if (!existsSync(target)) requireDirectory(target);
  await execa('mount', ['--bind', source, target], { timeout: commandLimitMs });
}

async function untilOwnNetwork(pid: number): Promise<void> {
  const own = readlinkSync('/proc/self/ns/net');
  const deadlineMs = performance.now() + networkLimitMs;
  while (readlinkSync(`/proc/${pid}/ns/net`) === own) {
    if (performance.now() > deadlineMs) throw new Error('the cell got no network of its own');
    await delay(5);
  }
}

async function main(specFile: string): Promise<number> {
  process.env['PATH'] = cellPath(process.env['PATH']);
  const spec = cellSpecSchema.parse(JSON.parse(readFileSync(specFile, 'utf8')));
  await execa('mount', ['-t', 'proc', 'proc', '/proc'], { timeout: commandLimitMs });
  writeFiles(spec);
  // supermin, by which oz opens ISO images, fails where there is none (a container, a microVM).
  if (!existsSync('/lib/modules')) requireDirectory('/lib/modules');
  for (const [source, target] of cellBinds(spec.directory)) await cover(source, target);

  const innerProgram = fileURLToPath(new URL('inner.ts', import.meta.url));
  const [unshare = '', ...words] = innerCommand(spec.nodePath, innerProgram, specFile);
  const inner = spawn(unshare, words, { stdio: 'inherit', cwd: spec.workDirectory });
  const ended = once(inner, 'exit') as Promise<ExitFacts>;
  if (inner.pid === undefined) throw new Error('unshare could not be started in the cell');
  await untilOwnNetwork(inner.pid);
  const [program, ...args] = networkCommand(spec, inner.pid);
  const network = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
  const withoutNetwork = (why: string): void => {
    complain(`the network program ${program} ${why}`);
    inner.kill('SIGKILL');
  };
  network.on('error', (error) => withoutNetwork(`cannot be run: ${error.message}`));
  network.on('exit', (code, signal) => withoutNetwork(`ended by ${signal ?? `exit code ${code}`}`));
  return exitCodeOf(await ended);
}

runCellProgram(async () => await main(process.argv[2] ?? ''));
