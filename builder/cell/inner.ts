/**
 * The second program in a cell: in the cell's own network it makes the bridge, starts libvirtd, waits until that
 * answers, runs the tool, and ends with the tool's exit code. Usage: inner.ts SPEC.json
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { cellServerUrl, cellSpecSchema, innerBind, networkSetup } from './cell-plan.ts';
import type { CellSpec } from './cell-plan.ts';
import { complain, exitCodeOf, runCellProgram } from './cell-process.ts';
import type { ExitFacts } from './cell-process.ts';
import { directoryServer } from './serve-directory.ts';

const commandLimitMs = 10_000;
const readyLimitMs = 20_000;

/** Polls, because neither a network device nor a socket of another's making tells when it is there. */
async function until(what: string, isThere: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + readyLimitMs;
  while (!(await isThere())) {
    if (performance.now() > deadlineMs)
      throw new Error(`the cell has no ${what} within ${readyLimitMs / 1000} s`);
    await delay(10);
  }
}

async function accepts(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Not /sys: that is the host's, and shows only the host's devices. */
function hasDevice(name: string): boolean {
  return readFileSync('/proc/net/dev', 'utf8').includes(`${name}:`);
}

/** A host without the file (or with a link that leads nowhere) resolves no names, and neither does its cell. */
async function coverNameServers(directory: string): Promise<void> {
  const [source, target] = innerBind(directory);
  if (existsSync(target)) await execa('mount', ['--bind', source, target], { timeout: commandLimitMs });
}

/**
 * Bridge and tap would look for IPv6 routers for ever, and each of their packets looks like a sign of life of an
 * install that sleeps. The network program has no IPv6 to offer.
 */
function switchOffIpv6(): void {
  for (const name of ['all', 'default']) {
    const setting = `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`;
    if (existsSync(setting)) writeFileSync(setting, '1');
  }
}

function startLibvirtd(spec: CellSpec): void {
  const log = openSync(path.join(spec.directory, 'libvirtd.log'), 'w');
  // A group of its own: an interrupt that is meant for the tool must not take libvirtd from under it.
  const daemon = spawn('libvirtd', ['--pid-file', '/run/libvirt/libvirtd.pid'], {
    stdio: ['ignore', log, log],
    detached: true,
    cwd: '/',
  });
  daemon.on('error', (error) => {
    complain(`libvirtd cannot be run: ${error.message}`);
    process.exit(127);
  });
  daemon.on('exit', (code, signal) => {
    complain(`libvirtd ended by ${signal ?? `exit code ${code}`}`);
    process.exit(1);
  });
}

async function main(specFile: string): Promise<number> {
  const spec = cellSpecSchema.parse(JSON.parse(readFileSync(specFile, 'utf8')));
  await coverNameServers(spec.directory);
  await until('network', () => hasDevice('tap0'));
  switchOffIpv6();
  for (const [program, ...args] of networkSetup) await execa(program, args, { timeout: commandLimitMs });
  if (spec.served !== null) {
    const server = directoryServer(spec.served).listen(80, new URL(cellServerUrl).hostname);
    await once(server, 'listening');
  }
  startLibvirtd(spec);
  await until('answering libvirtd', async () => await accepts('/run/libvirt/libvirt-sock'));

  const [program = '', ...args] = spec.command;
  const tool = spawn(program, args, { stdio: 'inherit', cwd: spec.workDirectory });
  tool.on('error', (error) => {
    complain(`${program} cannot be run: ${error.message}`);
    process.exit(127);
  });
  return exitCodeOf((await once(tool, 'exit')) as ExitFacts);
}

runCellProgram(async () => await main(process.argv[2] ?? ''));
