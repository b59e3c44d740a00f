/**
 * What the figures are measured on, and waiting until it is quiet enough to measure anything.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { probeAccelerator } from '../service/accelerator-probe.ts';
import { findProgram } from '../tools/stack/programs.ts';

export type MachineFacts = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly kernel: string;
  readonly qemu: string;
  readonly libvirt: string;
  readonly node: string;
  readonly accelerator: string;
  /** ISO date, UTC, to the minute. */
  readonly date: string;
  /** Load average of one minute. */
  readonly loadAtStart: number;
  readonly loadHighest: number;
};

/** The machine's own description; asks QEMU and libvirtd for their versions. */
export async function describeMachine(
  startedAt: Date,
  loadAtStart: number,
  loadHighest: number,
): Promise<MachineFacts> {
  const qemu = await execa('qemu-system-x86_64', ['--version'], { timeout: 10_000 });
  const libvirt = await execa(findProgram('libvirtd'), ['--version'], { timeout: 10_000 });
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown CPU',
    cores: os.cpus().length,
    memoryMiB: Math.round(os.totalmem() / 1024 / 1024),
    kernel: os.release(),
    qemu: (/QEMU emulator version \S+/.exec(qemu.stdout)?.[0] ?? 'QEMU').replace(' emulator version', ''),
    libvirt: /[\d.]+/.exec(libvirt.stdout)?.[0] ?? 'of unknown version',
    node: process.versions.node,
    accelerator: (await probeAccelerator()).accelerator,
    date: `${startedAt.toISOString().slice(0, 16)}Z`,
    loadAtStart,
    loadHighest,
  };
}

/** Load average of the last minute. */
export function currentLoad(): number {
  return os.loadavg()[0] ?? 0;
}

/** Above this share of the CPUs in use by anybody, a measurement would mostly measure the others. */
const quietShare = 0.4;
const lookMs = 2000;
/** Three guests that have just booted need some seconds; other people's work may need longer. */
const waitLimitMs = 240_000;

/**
 * Waits until the CPUs are mostly idle. The load average is no help here: it remembers our own last figure.
 * @returns whether it became quiet within the limit; if not, the figure is measured all the same and says so
 */
export async function awaitQuiet(signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + waitLimitMs;
  while (performance.now() < deadline) {
    const before = cpuTimes();
    await delay(lookMs, undefined, { signal });
    const after = cpuTimes();
    if ((after.busy - before.busy) / Math.max(1, after.all - before.all) <= quietShare) return true;
  }
  return false;
}

/** Clock ticks of all CPUs since boot (proc(5), /proc/stat: user nice system idle iowait irq softirq steal). */
function cpuTimes(): { readonly busy: number; readonly all: number } {
  const fields =
    readFileSync('/proc/stat', 'utf8').split('\n')[0]?.trim().split(/\s+/).slice(1, 9).map(Number) ?? [];
  const all = fields.reduce((sum, ticks) => sum + ticks, 0);
  return { all, busy: all - (fields[3] ?? 0) - (fields[4] ?? 0) };
}
