/**
 * A private stack with two supervised web servers for tests that break things: commands as an operator types
 * them, logins to the guests, the journal as it comes, and a watch that no disk is ever open for writing in
 * two QEMUs. What is broken is the test's.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import type { JournalEvent } from '../../model/event.ts';
import { cpedClient, type CpedClient } from '../../runtime/client.ts';
import { answers, pagesOf } from '../../tools/demo/pages.ts';
import { followFeedback, type Feedback } from '../../tools/demo/feedback.ts';
import { createScreen } from '../../tools/demo/screen.ts';
import { createShell } from '../../tools/demo/shell.ts';
import type { StackLayout } from '../../tools/stack/layout.ts';
import { clientEnvironment, machinesOf } from '../../tools/stack/stack.ts';

const commandLimitMs = 300_000;
const pageLimitMs = 120_000;
const pageEveryMs = 100;
/** Two opens of one disk would last for seconds; this often they are looked for. */
const watchEveryMs = 100;

export type ChaosHouse = {
  readonly cped: CpedClient;
  readonly feedback: Feedback;
  /** Runs a command of pcloudsh and returns what it printed. */
  readonly shell: (...words: readonly string[]) => Promise<string>;
  /** Runs a script in a guest, by a login; that it fails is no error, since the guest may die of it. */
  readonly login: (assembly: string, script: string) => Promise<void>;
  /** The QEMU of an assembly now. */
  readonly qemuPid: (assembly: string) => number;
  /** The pids of all machines, as one comparable text. */
  readonly machines: () => string;
  /** Waits for the page of an assembly, as seen from the host. */
  readonly page: (assembly: string) => Promise<void>;
  /** The page does not answer now. */
  readonly isAway: (assembly: string) => Promise<boolean>;
  /** Ends the watches; throws when a disk was ever open for writing in two QEMUs. */
  readonly close: () => void;
};

/** @param deployable is up already, or is started by the test through `shell`. */
export function openChaosHouse(layout: StackLayout, deployable: string): ChaosHouse {
  const environment = clientEnvironment(layout);
  const program = path.join(layout.checkout, 'bin/pcloudsh');
  const cped = cpedClient(path.join(layout.runtimeDir, 'cped.sock'));
  const screen = {
    ...createScreen(),
    note: () => undefined,
    feedback: () => undefined,
    command: () => undefined,
  };
  const feedback = followFeedback(layout, screen);
  const demoShell = createShell(layout, screen, new AbortController().signal);
  const violations = new Set<string>();
  const watch = setInterval(() => {
    for (const [disk, pids] of writersByDisk())
      if (pids.length > 1) violations.add(`${disk} is open for writing in ${pids.join(' and ')}`);
  }, watchEveryMs);
  const urlOf = async (assembly: string): Promise<string> => {
    const url = (await pagesOf(demoShell, deployable)).get(assembly);
    assert.ok(url !== undefined, `deployable_status shows no URL for ${assembly}`);
    return url;
  };
  const urls = new Map<string, string>();
  /** How ssh gets there, known also while the service is away. */
  const ways = new Map<string, readonly string[]>();
  const urlOnce = async (assembly: string): Promise<string> => {
    const url = urls.get(assembly) ?? (await urlOf(assembly));
    urls.set(assembly, url);
    return url;
  };
  return {
    cped,
    feedback,
    async shell(...words) {
      const options = { env: environment, stdin: 'ignore', timeout: commandLimitMs } as const;
      return (await execa(program, [...words], options)).stdout;
    },
    async login(assembly, script) {
      const way = ways.get(assembly) ?? (await openWay(cped, assembly));
      ways.set(assembly, way);
      const options = { stdin: 'ignore', timeout: 60_000, reject: false } as const;
      await execa('ssh', [...way, script], options);
    },
    qemuPid(assembly) {
      const found = machinesOf(layout).filter(({ identity }) => runs(identity.pid, `pcloud-${assembly}`));
      assert.equal(found.length, 1, `${assembly} has ${found.length} QEMUs`);
      return found[0]?.identity.pid ?? 0;
    },
    machines: () =>
      machinesOf(layout)
        .map(({ identity }) => identity.pid)
        .toSorted((a, b) => a - b)
        .join(' '),
    async page(assembly) {
      const url = await urlOnce(assembly);
      const endMs = performance.now() + pageLimitMs;
      // Nothing announces an HTTP server from outside; each try has its own limit.
      while (!(await answers(url))) {
        assert.ok(performance.now() < endMs, `${assembly} did not serve ${url} within ${pageLimitMs} ms`);
        await delay(pageEveryMs);
      }
    },
    isAway: async (assembly) => !(await answers(await urlOnce(assembly))),
    close() {
      clearInterval(watch);
      feedback.stop();
      assert.deepEqual([...violations], []);
    },
  };
}

/** The arguments of ssh up to the command. Its host key is checked elsewhere; here the guest is our own. */
async function openWay(cped: CpedClient, assembly: string): Promise<readonly string[]> {
  const { user, host, port, identityFile } = await cped.access(assembly);
  const settings = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'ConnectTimeout=20',
    'BatchMode=yes',
  ];
  const options = settings.flatMap((setting) => ['-o', setting]);
  return ['-F', 'none', '-i', identityFile, '-p', String(port), ...options, '-l', user, host];
}

function runs(pid: number, domain: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`guest=${domain},`);
  } catch {
    // It has just ended.
    return false;
  }
}

/** Which processes have which assembly's disk open for writing (proc(5): the access mode is in fdinfo's flags). */
function writersByDisk(): ReadonlyMap<string, readonly number[]> {
  const writers = new Map<string, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    for (const [fd, file] of openFiles(entry)) {
      if (!/\/assemblies\/[^/]+\/disk\.qcow2$/.test(file) || !isWriting(entry, fd)) continue;
      const pids = writers.get(file) ?? [];
      if (!pids.includes(Number(entry))) pids.push(Number(entry));
      writers.set(file, pids);
    }
  }
  return writers;
}

function openFiles(pid: string): readonly (readonly [string, string])[] {
  try {
    if (!readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('qemu-system')) return [];
    return readdirSync(`/proc/${pid}/fd`).map((fd) => [fd, readlinkSync(`/proc/${pid}/fd/${fd}`)] as const);
  } catch {
    // A process or a descriptor that ends while it is looked at.
    return [];
  }
}

function isWriting(pid: string, fd: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & 3) !== 0;
  } catch {
    return false;
  }
}

/** An event that is told of this assembly. */
export function told(kind: JournalEvent['kind'], assembly: string) {
  return (event: JournalEvent): boolean => event.kind === kind && event.assembly === assembly;
}
