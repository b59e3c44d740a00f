/**
 * `make bench`: measures the figures of docs/benchmarks.md on this machine, one after the other, in a stack
 * of its own, and prints them. Targets missed are told, never an error: absolute times do not gate.
 *
 * usage: bench/main.ts [--json] [--write] [--samples N] [--state DIR] [NAME]...
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileSync } from 'node:fs';
import { PcloudError } from '../model/errors.ts';
import { closeBench, createBench, type Bench, type Figure } from './bench.ts';
import { agentCpu } from './figures/agent-cpu.ts';
import { applicationRecovery } from './figures/application-recovery.ts';
import { assemblyBuild } from './figures/assembly-build.ts';
import { builderMemory } from './figures/builder-memory.ts';
import { burst } from './figures/burst.ts';
import { clone } from './figures/clone.ts';
import { deathNotice } from './figures/death-notice.ts';
import { hangDetection } from './figures/hang-detection.ts';
import { flood } from './figures/flood.ts';
import { imagesCached } from './figures/images-cached.ts';
import { ozOverhead, virtInstallOverhead } from './figures/install-overhead.ts';
import { jeosBuild } from './figures/jeos-build.ts';
import { machineRecovery } from './figures/machine-recovery.ts';
import { scale } from './figures/scale.ts';
import { serviceMemory } from './figures/service-memory.ts';
import { startUp } from './figures/start-up.ts';
import { supervisorSteps } from './figures/supervisor-steps.ts';
import { systemdPeer } from './figures/systemd-peer.ts';
import { awaitQuiet, currentLoad, describeMachine } from './machine.ts';
import { renderJson, renderMarkdown, renderText } from './render.ts';
import { summarize, type Row } from './statistics.ts';

/** In this order: builds before any machine runs, what needs fresh machines before what kills them. */
const figures: readonly Figure[] = [
  supervisorSteps,
  scale,
  burst,
  flood,
  jeosBuild,
  assemblyBuild,
  ozOverhead,
  virtInstallOverhead,
  imagesCached,
  builderMemory,
  startUp,
  serviceMemory,
  agentCpu,
  clone,
  deathNotice,
  applicationRecovery,
  systemdPeer,
  machineRecovery,
  hangDetection,
];

const checkout = path.resolve(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    samples: { type: 'string' },
    state: { type: 'string', default: path.join(checkout, '.pcloud/bench') },
  },
});

function note(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

function chosen(names: readonly string[]): readonly Figure[] {
  const unknown = names.find((name) => !figures.some((figure) => figure.name === name));
  if (unknown === undefined)
    return names.length === 0 ? figures : figures.filter((figure) => names.includes(figure.name));
  throw new PcloudError({
    code: 'unknown-figure',
    category: 'invalid',
    message: `There is no figure ${JSON.stringify(unknown)}.`,
    hint: `Figures: ${figures.map((figure) => figure.name).join(', ')}.`,
  });
}

/** One figure's rows; a figure that cannot be measured says why in its place and spoils no other. */
async function measure(bench: Bench, figure: Figure, loads: number[]): Promise<readonly Row[]> {
  const quiet = await awaitQuiet(bench.signal);
  loads.push(currentLoad());
  note(`${figure.name}${quiet ? '' : ' (others keep this machine busy)'}`);
  try {
    const rows = await figure.measure(bench);
    const busy = 'others kept the machine busy while it was measured';
    return quiet
      ? rows
      : rows.map((row) => ({ ...row, note: row.note === undefined ? busy : `${row.note}; ${busy}` }));
  } catch (error) {
    bench.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    note(`${figure.name} failed: ${why}`);
    const reason = `not measured: ${why.split('\n', 1).join('')}`;
    return [{ figure: figure.name, unit: 'ms', target: null, samples: [], note: reason }];
  }
}

async function run(signal: AbortSignal): Promise<void> {
  const selected = chosen(positionals);
  const startedAt = new Date();
  const loadAtStart = currentLoad();
  const loads: number[] = [loadAtStart];
  const samples = values.samples === undefined ? undefined : Math.max(1, Number(values.samples));
  const bench = await createBench({ stateDir: path.resolve(values.state), signal, note, samples });
  const rows: Row[] = [];
  try {
    for (const figure of selected) rows.push(...(await measure(bench, figure, loads)));
  } finally {
    await closeBench(bench);
  }
  const machine = await describeMachine(startedAt, loadAtStart, Math.max(...loads));
  const report = {
    machine,
    rows: rows.map(summarize),
    methods: selected.map(({ name, how }) => ({ name, how })),
  };
  process.stdout.write(values.json ? renderJson(report) : renderText(report));
  if (values.write) writeFileSync(path.join(checkout, 'docs/benchmarks.md'), renderMarkdown(report));
}

// Not `once`: execa's own handler ends the process at once when it finds itself the only one left.
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => interrupted.abort(new Error(`stopped by ${name}`)));

try {
  await run(interrupted.signal);
} catch (error) {
  note(error instanceof Error ? error.message : String(error));
  if (error instanceof PcloudError && error.hint !== undefined) note(error.hint);
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
}
