/**
 * Which version of its tool an engine has, as the tool itself says; for the manifest of what it makes. It does
 * not decide whether an engine can be used: a tool that is missing or silent has no version here.
 */
import { execa } from 'execa';
import type { EngineName } from '../model/release.ts';

type Question = {
  readonly argv: readonly [string, ...string[]];
  /** Its first group is the version, in what the tool prints. */
  readonly pattern: RegExp;
};

const questions: Readonly<Record<EngineName, Question>> = {
  bootstrap: { argv: ['mmdebstrap', '--version'], pattern: /^mmdebstrap (\S+)$/m },
  'virt-install': { argv: ['virt-install', '--version'], pattern: /^(\S+)$/m },
  oz: {
    // oz-install has no such option. The system's Python: another one on the PATH does not know oz.
    argv: [
      '/usr/bin/python3',
      '-c',
      'import importlib.metadata; print("oz", importlib.metadata.version("oz"))',
    ],
    pattern: /^oz (\S+)$/m,
  },
};

const limitMs = 10_000;
const maxOutputBytes = 64 * 1024;
/** An upgrade of the host's packages shows after that long. */
const keptMs = 60_000;

/** What a program prints, or undefined when it cannot be run or fails. */
export type Ask = (argv: readonly [string, ...string[]]) => Promise<string | undefined>;

async function askProgram(argv: readonly [string, ...string[]]): Promise<string | undefined> {
  const [program, ...args] = argv;
  const result = await execa(program, args, {
    timeout: limitMs,
    maxBuffer: maxOutputBytes,
    reject: false,
    stdin: 'ignore',
  });
  return result.failed ? undefined : result.stdout;
}

/** A question with a memory of its own; only an answer is remembered. */
export function createEngineVersions(
  ask: Ask,
  nowMs: () => number,
): (engine: EngineName) => Promise<string | null> {
  const known = new Map<EngineName, { readonly version: string; readonly atMs: number }>();
  return async (engine) => {
    const remembered = known.get(engine);
    if (remembered !== undefined && nowMs() - remembered.atMs < keptMs) return remembered.version;
    const { argv, pattern } = questions[engine];
    const version = pattern.exec((await ask(argv)) ?? '')?.[1];
    if (version === undefined || !/^[0-9A-Za-z][0-9A-Za-z.+~:_-]{0,63}$/.test(version)) return null;
    known.set(engine, { version, atMs: nowMs() });
    return version;
  };
}

/** The version of an engine's tool on this host, such as `1.3.5`; null where it does not tell. */
export const engineVersionOf: (engine: EngineName) => Promise<string | null> = createEngineVersions(
  askProgram,
  () => performance.now(),
);
