/**
 * `make fuzz`: ten million lines through the guest link's codec and as many through the agent's parser, under the
 * sanitizers, and a million manifests through their reader; all by a seed that is printed.
 *
 * usage: test/fuzz/main.ts [codec] [manifest] [agent] [--lines N] [--seed N] [--round N]
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fuzz } from './run.ts';

const guest = path.resolve(import.meta.dirname, '../../guest');
const usualLines = 10_000_000;
const targets = ['codec', 'manifest', 'agent'] as const;
type Target = (typeof targets)[number];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { lines: { type: 'string' }, seed: { type: 'string' }, round: { type: 'string' } },
});

function numberOf(option: string | undefined): number | undefined {
  if (option === undefined) return undefined;
  if (!/^\d{1,15}$/.test(option)) throw new Error(`${option} is not a number`);
  return Number(option);
}

function isTarget(word: string): word is Target {
  return targets.some((target) => target === word);
}

function run(target: Target, seed: number): string {
  const round = numberOf(values.round);
  // A manifest is some fifty lines.
  const usual = target === 'manifest' ? usualLines / 10 : usualLines;
  const lines = round === undefined ? (numberOf(values.lines) ?? usual) : 1;
  if (target === 'agent') {
    execFileSync('make', ['-s', '-C', guest, 'build/line-fuzz'], { stdio: 'inherit' });
    const args = [String(lines), String(seed), String(round ?? 0)];
    return execFileSync(path.join(guest, 'build/line-fuzz'), args, { encoding: 'utf8' }).trim();
  }
  const { lines: read, accepted, seconds, keptMiB, peakMiB } = fuzz(target, seed, lines, round);
  const memory = `${keptMiB.toFixed(1)} MiB kept, ${peakMiB.toFixed(0)} MiB above the start at most`;
  return `${read} lines, ${accepted} accepted, ${Math.round(read / seconds)} a second, ${memory}`;
}

const unknown = positionals.find((word) => !isTarget(word));
if (unknown !== undefined)
  throw new Error(`usage: test/fuzz/main.ts [${targets.join('] [')}] (not ${unknown})`);
const seed = numberOf(values.seed) ?? Math.floor(Math.random() * 2 ** 31);
const chosen = positionals.length === 0 ? targets : positionals.filter(isTarget);
for (const target of chosen) process.stdout.write(`${target}, seed ${seed}: ${run(target, seed)}\n`);
