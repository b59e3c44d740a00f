/**
 * The real pcloud-agent on this machine, with a directory of its own for the guest's files, spoken to by the
 * real host side of the guest link. What it starts are real processes.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { GuestMessage, HostMessage, ResourceOperation } from '../../model/guest-protocol.ts';
import { createGuestLinks } from '../../runtime/adapters/guest-link.ts';
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import type { GuestLinkEvent, GuestLinks } from '../../runtime/ports.ts';
import { eventLog } from './event-log.ts';
import type { EventLog } from './event-log.ts';

const repository = path.resolve(import.meta.dirname, '../..');
export const agentPath = path.join(repository, 'guest/build/pcloud-agent');

/** Runs a target of guest/Makefile. One at a time: test files run side by side. */
export function makeGuest(target: string): string {
  const guest = path.join(repository, 'guest');
  return execFileSync('flock', [guest, 'make', '-s', '-C', guest, target], { stdio: 'pipe' }).toString();
}

/** Builds what has changed. */
export function buildAgent(): void {
  makeGuest('build/pcloud-agent');
}

export type Message<K extends GuestMessage['kind']> = Extract<GuestMessage, { kind: K }>;

export type AgentUnderTest = {
  /** The guest's root directory. */
  readonly root: string;
  readonly socketPath: string;
  readonly links: GuestLinks;
  readonly events: EventLog<GuestLinkEvent>;
  pid(): number;
  send(message: HostMessage): void;
  next<K extends GuestMessage['kind']>(kind: K, fits?: (message: Message<K>) => boolean): Promise<Message<K>>;
  link(state: 'up' | 'down'): Promise<GuestLinkEvent>;
  operate(name: string, operation: ResourceOperation, timeoutMs?: number): Promise<Message<'result'>>;
  /** Runs the agent again after it was killed. */
  restart(): Promise<void>;
  /** systemctl's arguments, a line a call, since the last time this was asked. */
  calls(): Promise<readonly string[]>;
  /** Makes a unit that our systemctl knows. */
  unit(name: string, mode?: string): Promise<void>;
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
};

export const watchOf = (name: string): HostMessage => ({
  kind: 'watch',
  name,
  class: 'systemd',
  service: name,
  parameters: {},
});

async function makeRoot(): Promise<string> {
  const root = await mkdtemp('/tmp/pcloud-agent-');
  for (const directory of ['bin', 'units', 'run/systemd/system', 'etc/init.d', 'etc/ssh', 'sbin', 'root']) {
    await mkdir(path.join(root, directory), { recursive: true });
  }
  await copyFile(path.join(import.meta.dirname, 'fixtures/systemctl.sh'), path.join(root, 'bin/systemctl'));
  return root;
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => {
    child.once('exit', resolve);
  });
}

/** Whatever a unit's processes are, none outlives its test. */
async function killLeftovers(root: string): Promise<void> {
  const files = execFileSync('find', [
    root,
    '-name',
    'pid',
    '-o',
    '-name',
    '*.pid',
    '-o',
    '-name',
    'worker',
    '-o',
    '-name',
    'hanging',
  ]);
  for (const file of files.toString().split('\n').filter(Boolean)) {
    for (const word of (await readFile(file, 'utf8')).split(/\s+/).filter(Boolean)) killQuietly(Number(word));
  }
}

/** A process that has ended already is what was wanted. */
export function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** True while the process runs; a zombie does not. */
export async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tX');
  return !/^State:\t[ZX]/m.test(status);
}

/** Starts an agent, connects the host to it, and waits for the link. */
export async function startAgent(
  t: TestContext,
  options: {
    readonly arguments?: readonly string[];
    readonly heartbeatMs?: number;
    /** A program that runs the agent in its own place, such as unshare. */
    readonly wrapper?: readonly string[];
  } = {},
): Promise<AgentUnderTest> {
  const root = await makeRoot();
  const socketPath = path.join(root, 'port');
  const events = eventLog<GuestLinkEvent>();
  const links = createGuestLinks({ clock: systemClock, heartbeatMs: options.heartbeatMs ?? 10_000 });
  let child: ChildProcess;
  let nextId = 1;
  let callsSeen = 0;

  function run(): void {
    const words = ['--listen', socketPath, '--root', root, ...(options.arguments ?? [])];
    const [program, ...before] = [...(options.wrapper ?? []), agentPath];
    child = spawn(program, [...before, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  const agent: AgentUnderTest = {
    root,
    socketPath,
    links,
    events,
    pid: () => child.pid ?? 0,
    send(message) {
      if (!links.send('assy1', message)) throw new Error(`the link is not up for ${message.kind}`);
    },
    async next(kind, fits = () => true) {
      const event = await events.next(
        (e) => e.kind === 'message' && e.message.kind === kind && fits(e.message as never),
        kind,
      );
      if (event.kind !== 'message') throw new Error('unreachable: not a message');
      return event.message as never;
    },
    link: (state) => events.next((event) => event.kind === 'link' && event.state === state, `link ${state}`),
    operate(name, operation, timeoutMs = 10_000) {
      const id = nextId++;
      agent.send({ kind: 'operation', id, name, operation, timeoutMs });
      return agent.next('result', (result) => result.id === id);
    },
    async restart() {
      child.kill('SIGKILL');
      await endOf(child);
      run();
    },
    async calls() {
      const all = (await readFile(path.join(root, 'calls'), 'utf8').catch(() => '')).split('\n').slice(0, -1);
      const fresh = all.slice(callsSeen);
      callsSeen = all.length;
      return fresh;
    },
    async unit(name, mode = 'ok') {
      await mkdir(path.join(root, 'units', `${name}.service`), { recursive: true });
      await writeFile(path.join(root, 'units', `${name}.service`, 'mode'), mode);
    },
    read: (file) => readFile(path.join(root, file), 'utf8'),
    write: (file, text) => writeFile(path.join(root, file), text),
  };
  t.after(async () => {
    await links.closeAll();
    child.kill('SIGKILL');
    await endOf(child);
    await killLeftovers(root);
    await rm(root, { recursive: true, force: true });
  });
  links.listen((event) => events.add(event));
  run();
  links.open('assy1', socketPath);
  await agent.link('up');
  return agent;
}
