/**
 * A clone of an assembly that has run: the time of the request on cped's socket, and what the new disk takes
 * on the file system.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import { ensureMachines, machineNames, type Bench, type Figure } from '../bench.ts';
import type { Row } from '../statistics.ts';

/** st_blocks counts these, whatever the file system's own block is (stat(2)). */
const statBlockBytes = 512;

async function measure(bench: Bench): Promise<readonly Row[]> {
  await ensureMachines(bench);
  const [source] = machineNames;
  const timesMs: number[] = [];
  const sizesKiB: number[] = [];
  for (let index = 0; index < bench.samples(25); index += 1) {
    bench.signal.throwIfAborted();
    const name = `clone${index}`;
    const startMs = performance.now();
    await bench.cped.cloneAssembly(source, name);
    timesMs.push(performance.now() - startMs);
    const disk = statSync(path.join(bench.layout.stateDir, 'assemblies', name, 'disk.qcow2'));
    sizesKiB.push((disk.blocks * statBlockBytes) / 1024);
    await bench.cped.deleteAssembly(name);
  }
  return [
    { figure: 'clone of an assembly: time', unit: 'ms', target: { atMost: 50 }, samples: timesMs },
    { figure: 'clone of an assembly: space', unit: 'KiB', target: { atMost: 1024 }, samples: sizesKiB },
  ];
}

export const clone: Figure = {
  name: 'clone',
  how: "The source is running on an image, with a disk of its own. Time: from the request on cped's socket to its answer, with identity, definition and the new disk written and synced. Space: the blocks that the file system gives to the new disk.",
  measure,
};
