/**
 * Whether KVM really works here. /dev/kvm may exist and libvirt may advertise it where the first virtual CPU
 * fails, or where a BIOS runs and a kernel does not get on (seen on a nested host: what emulation does in 0.3 s
 * took 2.7 to 8.7 s). So a machine is started that has to get into 64-bit mode and do some work, first emulated and
 * then on KVM, which has to be about as quick: a busy host slows both. The answer does not change while a host is
 * up: it is remembered for this boot.
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { writeFileAtomic } from './atomic-file.ts';
import { errorTextOf } from './error-code.ts';
import { probeBootSector, probeExitCode } from './probe-boot-sector.ts';

export type AcceleratorChoice = {
  readonly accelerator: 'kvm' | 'tcg';
  /** One line for the log. */
  readonly reason: string;
};

export type AcceleratorProbeOptions = {
  readonly qemuPath?: string;
  /** QEMU's word for what is probed; a test asks for one that works anywhere. */
  readonly accel?: string;
  /** For either machine at the most. Both need some 0.3 s on an idle host, most of it the BIOS. */
  readonly limitMs?: number;
  /** Where the answer is remembered for this boot of the host; undefined: it is not. */
  readonly memoryFile?: string | undefined;
};

const defaultLimitMs = 6000;
/** KVM may take so many times what emulation takes, and this much more, before it counts as not working. */
const slowerFactor = 3;
const slowerMs = 300;
const defaultQemu = '/usr/bin/qemu-system-x86_64';

/** Never throws: whatever goes wrong is a reason to emulate. Takes `limitMs` at most. */
export async function probeAccelerator(options: AcceleratorProbeOptions = {}): Promise<AcceleratorChoice> {
  const { qemuPath = defaultQemu, memoryFile } = options;
  const circumstances = await circumstancesOf(qemuPath);
  const known = memoryFile === undefined ? undefined : await recall(memoryFile, circumstances);
  if (known !== undefined) return known;
  const trouble = await runProbe(qemuPath, options.accel ?? 'kvm', options.limitMs ?? defaultLimitMs);
  const choice: AcceleratorChoice =
    trouble === null
      ? { accelerator: 'kvm', reason: 'KVM works: a probe machine ran on it' }
      : {
          accelerator: 'tcg',
          reason: `KVM does not work here (${trouble}); machines are emulated, which is slow`,
        };
  if (memoryFile !== undefined) await remember(memoryFile, circumstances, choice);
  return choice;
}

const memorySchema = z.strictObject({
  circumstances: z.string().max(1000),
  accelerator: z.enum(['kvm', 'tcg']),
  reason: z.string().max(1000),
});

/** Another boot, another QEMU, or other rights on /dev/kvm may give another answer. */
async function circumstancesOf(qemuPath: string): Promise<string> {
  const identity = async (file: string): Promise<string> =>
    await stat(file).then(
      ({ ino, mtimeMs, mode, gid }) => `${file} ${ino} ${mtimeMs} ${mode} ${gid}`,
      () => `${file} -`,
    );
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const user = `${process.getuid?.()} ${process.getgroups?.().join(',')}`;
  return [bootId.trim(), await identity(qemuPath), await identity('/dev/kvm'), user].join('; ');
}

async function recall(file: string, circumstances: string): Promise<AcceleratorChoice | undefined> {
  try {
    const memory = memorySchema.parse(JSON.parse(await readFile(file, 'utf8')));
    if (memory.circumstances !== circumstances) return undefined;
    return { accelerator: memory.accelerator, reason: memory.reason };
  } catch {
    // Not there, or not what we wrote: then it is asked again.
    return undefined;
  }
}

async function remember(file: string, circumstances: string, choice: AcceleratorChoice): Promise<void> {
  // Where it cannot be remembered, the next start asks again.
  await writeFileAtomic(file, `${JSON.stringify({ circumstances, ...choice })}\n`).catch(() => undefined);
}

/** Null when the probe machine ran to its end, else what went wrong in a few words. */
async function runProbe(qemuPath: string, accel: string, limitMs: number): Promise<string | null> {
  let directory: string | undefined;
  try {
    directory = await mkdtemp(path.join(tmpdir(), 'pcloud-probe-'));
    const disk = path.join(directory, 'disk');
    await writeFile(disk, probeBootSector());
    const startedMs = performance.now();
    const emulated = await runMachine(qemuPath, 'tcg', disk, limitMs);
    const emulatedMs = performance.now() - startedMs;
    const ownLimitMs =
      emulated === null ? Math.min(limitMs, Math.round(slowerFactor * emulatedMs + slowerMs)) : limitMs;
    return await runMachine(qemuPath, accel, disk, ownLimitMs);
  } catch (error) {
    return `the probe could not be made: ${errorTextOf(error)}`;
  } finally {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}

async function runMachine(
  qemuPath: string,
  accel: string,
  disk: string,
  limitMs: number,
): Promise<string | null> {
  const cpu = accel === 'kvm' ? 'host' : 'max';
  const result = await execa(
    qemuPath,
    [
      ['-accel', accel, '-machine', 'pc', '-cpu', cpu, '-m', '32'],
      ['-nodefaults', '-no-user-config', '-display', 'none', '-snapshot'],
      ['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04'],
      ['-drive', `file=${disk},format=raw,if=ide`],
    ].flat(),
    {
      reject: false,
      timeout: limitMs,
      forceKillAfterDelay: 500,
      maxBuffer: 65_536,
      stdin: 'ignore',
      env: { LC_ALL: 'C' },
    },
  );
  if (result.exitCode === probeExitCode) return null;
  if (result.timedOut)
    return `a probe machine did not get into 64-bit mode and to its end within ${limitMs} ms`;
  if (result.exitCode === undefined && result.signal === undefined) return `${qemuPath} cannot be run`;
  return firstLine(result.stderr) ?? `QEMU ended with ${result.signal ?? `exit code ${result.exitCode}`}`;
}

function firstLine(stderr: string): string | undefined {
  const line = stderr.split('\n').find((text) => text.trim() !== '');
  return line?.trim().slice(0, 200);
}
