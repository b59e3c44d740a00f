/**
 * A QEMU of a build's own: started, watched and ended here, with no libvirt between. It knows nothing of what the
 * guest does; that is `guest-session.ts`. Whatever happens, `dispose` leaves no process and no socket.
 */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { toolMissing } from '../archive.ts';
import { signalGroup } from '../process-group.ts';
import { workDirectoryVariable } from '../steps.ts';
import { qemuArgv } from './qemu-argv.ts';
import type { GuestMachineSpec } from './qemu-argv.ts';
import { createQmp } from './qmp.ts';
import type { QmpEvent } from './qmp.ts';

const shortLimitMs = 5000;
const maxWordsLength = 2000;

/** How a QEMU ended, for the message. */
export type MachineEnd = { readonly inOrder: boolean; readonly how: string };

export type GuestMachine = {
  readonly pid: number;
  /** Resolves when QEMU has ended, however. */
  readonly ended: Promise<MachineEnd>;
  /** Resolves, if ever, with what stopped the guest while QEMU runs on: a panic, a disk that cannot be written. */
  readonly trouble: Promise<string>;
  /** What the guest did so far: operations on its disk, and processor time of its QEMU in milliseconds. */
  activity(): Promise<{ readonly diskOperations: number; readonly processorMs: number }>;
  /** Writes the screen as PNG; false when QEMU does not answer or cannot. */
  screenshot(file: string): Promise<boolean>;
  /** Kills it if it still runs, waits for its end, and removes its socket. */
  dispose(): Promise<void>;
};

/**
 * Starts it; the caller must `dispose` of it.
 * @param workDirectory the build's own, by which a sweep finds what a killed builder left.
 * @throws PcloudError `tool-missing`
 */
export async function startGuestMachine(
  spec: GuestMachineSpec,
  workDirectory: string,
): Promise<GuestMachine> {
  const [program, ...args] = qemuArgv(spec);
  await rm(spec.agentSocketPath, { force: true });
  const child = execa(program, args, {
    cwd: workDirectory,
    env: { [workDirectoryVariable]: workDirectory, LC_ALL: 'C' },
    detached: true,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    cleanup: false,
  });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-maxWordsLength);
  });
  let tellTrouble: (what: string) => void = () => {};
  const trouble = new Promise<string>((resolve) => {
    tellTrouble = resolve;
  });
  let guestAsked = false;
  const qmp = createQmp(child.stdin, child.stdout, (event) => {
    if (event.name === 'SHUTDOWN') guestAsked = event.data['reason'] === 'guest-shutdown';
    const what = troubleOf(event);
    if (what !== undefined) tellTrouble(what);
  });
  const ended = child.then((result): MachineEnd => {
    if (result.exitCode === 0 && guestAsked) return { inOrder: true, how: 'by its own power-off' };
    const code = result.signal ?? (guestAsked ? 'a power-off' : `exit code ${result.exitCode ?? 'unknown'}`);
    return { inOrder: false, how: `${code}${words.trim() === '' ? '' : `: ${words.trim()}`}` };
  });
  if (child.pid === undefined) {
    await ended;
    throw toolMissing(program, 'util-linux');
  }
  const { pid } = child;
  // Without this QEMU sends no event. Where it fails QEMU has ended, and `ended` says how.
  const ready = qmp.execute('qmp_capabilities', {}, 60_000).catch(() => undefined);
  return {
    pid,
    ended,
    trouble,
    activity: async () => ({
      diskOperations: diskOperationsOf(await qmp.execute('query-blockstats', {}, shortLimitMs)),
      processorMs: await processorMsOf(pid),
    }),
    screenshot: async (file) => {
      await ready;
      const shot = { filename: path.resolve(file), format: 'png' };
      return await qmp.execute('screendump', shot, shortLimitMs).then(
        () => true,
        () => false,
      );
    },
    dispose: async () => {
      signalGroup(pid, 'SIGKILL');
      await ended;
      await rm(spec.agentSocketPath, { force: true });
    },
  };
}

/** What of QEMU's events means that the guest will not go on by itself; undefined for all others. */
function troubleOf(event: QmpEvent): string | undefined {
  switch (event.name) {
    case 'GUEST_PANICKED':
      return "the guest's kernel panicked";
    case 'BLOCK_IO_ERROR':
      return event.data['nospace'] === true
        ? 'its disk cannot be written any more: No space left on device'
        : `its disk failed: ${String(event.data['reason']).slice(0, 200)}`;
    default:
      return undefined;
  }
}

const blockStatsSchema = z.array(
  z.object({ stats: z.object({ rd_operations: z.number(), wr_operations: z.number() }) }),
);

function diskOperationsOf(answer: unknown): number {
  const stats = blockStatsSchema.parse(answer);
  return stats.reduce((sum, { stats: one }) => sum + one.rd_operations + one.wr_operations, 0);
}

/** User and system time of a process (proc(5), `stat`, fields 14 and 15), in ticks of 10 ms. */
async function processorMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
