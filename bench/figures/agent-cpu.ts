/**
 * What the agent costs an idle guest: its CPU time over a minute in which cped supervises as always
 * (heartbeats, monitors) and nothing happens, read inside the guest before and after.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ensureMachines, pcloudsh, type Bench, type Figure } from '../bench.ts';
import type { Row } from '../statistics.ts';

const windowMs = 60_000;

/** Of the agent: its own CPU time (ns, /proc/PID/schedstat) and that of its finished children; the uptime. */
type Reading = { readonly ownMs: number; readonly childrenMs: number; readonly uptimeMs: number };

const script =
  'set -- $(pidof pcloud-agent) && cat /proc/$1/schedstat /proc/$1/stat /proc/uptime && getconf CLK_TCK';

/** Fields of stat count from the state, which is the third (proc(5)): cutime and cstime are 16 and 17. */
async function read(bench: Bench, machine: string): Promise<Reading> {
  const lines = (await pcloudsh(bench, ['assembly_ssh', machine, script])).trim().split('\n');
  const [schedstat = '', stat = '', uptime = '', ticks = ''] = lines;
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return {
    ownMs: Number(schedstat.split(' ')[0]) / 1e6,
    childrenMs: (((fields[13] ?? 0) + (fields[14] ?? 0)) * 1000) / Number(ticks),
    uptimeMs: Number(uptime.split(' ')[0]) * 1000,
  };
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const machines = await ensureMachines(bench);
  const own: number[] = [];
  const withChildren: number[] = [];
  for (let window = 0; window < Math.min(2, bench.samples(2)); window += 1) {
    const before = await Promise.all(machines.map(({ name }) => read(bench, name)));
    await delay(windowMs, undefined, { signal: bench.signal });
    const after = await Promise.all(machines.map(({ name }) => read(bench, name)));
    for (const [index, last] of after.entries()) {
      const first = before[index];
      if (first === undefined) continue;
      const spanMs = last.uptimeMs - first.uptimeMs;
      const ownMs = last.ownMs - first.ownMs;
      own.push((100 * ownMs) / spanMs);
      withChildren.push((100 * (ownMs + last.childrenMs - first.childrenMs)) / spanMs);
    }
  }
  return [
    {
      figure: 'agent in an idle guest: CPU of one core',
      unit: '%',
      target: { atMost: 0.5 },
      samples: own,
      note: 'three guests, two minutes each',
    },
    {
      figure: '… with the monitors that it ran',
      unit: '%',
      target: null,
      samples: withChildren,
    },
  ];
}

export const agentCpu: Figure = {
  name: 'agent-cpu',
  how: "CPU time of pcloud-agent inside the guest (`/proc/PID/schedstat`, nanoseconds) over 60 s, against the guest's uptime, under three idle guests at once that cped supervises as always. The second row adds its finished children (`/proc/PID/stat`, in ticks of 10 ms): a monitor asks systemctl once a minute. A guest's second is a host's second, so the emulator's slowness is in it.",
  measure,
};
