/**
 * Whether KVM really works here. /dev/kvm may exist, and libvirt may advertise it, where the first virtual
 * CPU then fails; so a machine without a disk is started and must still run after a moment. The answer
 * does not change while a host is up: the caller asks once.
 */
import { execa } from 'execa';
import { z } from 'zod';

export type AcceleratorChoice = {
  readonly accelerator: 'kvm' | 'tcg';
  /** One line for the log. */
  readonly reason: string;
};

export type AcceleratorProbeOptions = {
  readonly qemuPath?: string;
  /** QEMU's word for what is probed; a test asks for one that works anywhere. */
  readonly accel?: string;
  /** How long the machine must run. A virtual CPU that cannot run stops within the first instruction. */
  readonly settleMs?: number;
  readonly limitMs?: number;
};

const statusSchema = z.object({ return: z.object({ status: z.string().max(100) }) });

/** Never throws: whatever goes wrong is a reason to emulate. Takes `settleMs` and some 100 ms for QEMU. */
export async function probeAccelerator(options: AcceleratorProbeOptions = {}): Promise<AcceleratorChoice> {
  const { qemuPath = 'qemu-system-x86_64', accel = 'kvm', settleMs = 300, limitMs = 10_000 } = options;
  const trouble = await runProbe(qemuPath, accel, settleMs, limitMs);
  if (trouble === null) return { accelerator: 'kvm', reason: 'KVM works: a probe machine ran on it' };
  return {
    accelerator: 'tcg',
    reason: `KVM does not work here (${trouble}); machines are emulated, which is slow`,
  };
}

/** Null when the probe machine ran, else what went wrong in a few words. */
async function runProbe(
  qemuPath: string,
  accel: string,
  settleMs: number,
  limitMs: number,
): Promise<string | null> {
  const argv = ['-accel', accel, '-machine', 'pc', '-cpu', accel === 'kvm' ? 'host' : 'max', '-m', '32'];
  const qemu = execa(
    qemuPath,
    [...argv, '-nodefaults', '-no-user-config', '-display', 'none', '-qmp', 'stdio'],
    {
      reject: false,
      timeout: limitMs,
      forceKillAfterDelay: 500,
      maxBuffer: 65_536,
      env: { LC_ALL: 'C' },
    },
  );
  qemu.stdin.on('error', () => {
    // EPIPE: QEMU has ended, and its exit tells why.
  });
  qemu.stdin.write('{"execute":"qmp_capabilities"}\n');
  const settled = setTimeout(() => {
    qemu.stdin.write('{"execute":"query-status"}\n{"execute":"quit"}\n');
  }, settleMs);
  const result = await qemu;
  clearTimeout(settled);
  if (result.exitCode === undefined && result.signal === undefined) return `${qemuPath} cannot be run`;
  const status = statusOf(result.stdout);
  if (status === 'running' && result.exitCode === 0) return null;
  if (status !== null) return `the probe machine was in state ${status}`;
  if (result.timedOut) return `the probe machine gave no answer within ${limitMs} ms`;
  return firstLine(result.stderr) ?? `QEMU ended with ${result.signal ?? `exit code ${result.exitCode}`}`;
}

function statusOf(stdout: string): string | null {
  for (const line of stdout.split('\n')) {
    if (!line.includes('"status"')) continue;
    const parsed = statusSchema.safeParse(parseJson(line));
    if (parsed.success) return parsed.data.return.status;
  }
  return null;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null; // not an answer of QEMU's
  }
}

function firstLine(stderr: string): string | undefined {
  const line = stderr.split('\n').find((text) => text.trim() !== '');
  return line?.trim().slice(0, 200);
}
