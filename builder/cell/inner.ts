/**
 * The second program in a cell: in the cell's own network it makes the bridge, starts libvirtd, waits until that
 * answers, runs the tool, and ends with the tool's exit code. Usage: inner.ts SPEC.json
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { cellServerUrl, cellSpecSchema, networkSetup } from './cell-plan.ts';
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

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);

const spec = cellSpecSchema.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));
await until('network', () => hasDevice('tap0'));
for (const [program, ...args] of networkSetup) await execa(program, args, { timeout: commandLimitMs });

if (spec.served !== null) {
  const server = directoryServer(spec.served).listen(80, new URL(cellServerUrl).hostname);
  await once(server, 'listening');
}

const log = openSync(path.join(spec.directory, 'libvirtd.log'), 'w');
// A group of its own: an interrupt that is meant for the tool must not take libvirtd from under it.
const daemon = spawn('libvirtd', ['--pid-file', '/run/libvirt/libvirtd.pid'], {
  stdio: ['ignore', log, log],
  detached: true,
  cwd: '/',
});
daemon.on('error', (error) => {
  process.stderr.write(`cell: libvirtd cannot be run: ${error.message}\n`);
  process.exit(127);
});
daemon.on('exit', (code, signal) => {
  process.stderr.write(`cell: libvirtd ended by ${signal ?? `exit code ${code}`}\n`);
  process.exit(1);
});
await until('answering libvirtd', async () => await accepts('/run/libvirt/libvirt-sock'));

const [program = '', ...args] = spec.command;
const tool = spawn(program, args, { stdio: 'inherit', cwd: spec.workDirectory });
tool.on('error', (error) => {
  process.stderr.write(`cell: ${program} cannot be run: ${error.message}\n`);
  process.exit(127);
});
const [code, signal] = (await once(tool, 'exit')) as [number | null, NodeJS.Signals | null];
process.exit(code ?? (signal === null ? 1 : 128));

/** Not /sys: that is the host's, and shows only the host's devices. */
function hasDevice(name: string): boolean {
  return readFileSync('/proc/net/dev', 'utf8').includes(`${name}:`);
}
