/**
 * The program `pcloudsh`. It chooses between one command, a script and the interactive shell, and owns the
 * process: signals, standard streams, exit code. Everything heavy is loaded when it is needed.
 */
import { writeSync } from 'node:fs';
import { invocationUsage, readInvocation } from './invocation.ts';
import type { Invocation } from './invocation.ts';

/** 128 + SIGPIPE: whoever read our output has gone, which is no error of anybody. */
const brokenPipeExitCode = 141;

async function main(): Promise<number> {
  process.stdout.on('error', leaveOnLostOutput);
  process.stderr.on('error', leaveOnLostOutput);
  const invocation = readInvocation(process.argv.slice(2));
  switch (invocation.kind) {
    case 'version': {
      const { version } = await import('../service/version.ts');
      process.stdout.write(`pcloudsh ${version}\n`);
      return 0;
    }
    case 'help': {
      const [{ commandTable }, { renderOverview }] = await Promise.all([
        import('./command-table.ts'),
        import('./render-help.ts'),
      ]);
      process.stdout.write(`${[...invocationUsage, '', ...renderOverview(commandTable)].join('\n')}\n`);
      return 0;
    }
    case 'complete': {
      const { printCompletion } = await import('./session.ts');
      return await printCompletion(invocation.words);
    }
    case 'wrong':
      process.stderr.write(`error: ${invocation.complaint}\n  hint: ${invocationUsage.join('\n  ')}\n`);
      return 2;
    case 'command':
    case 'script':
    case 'shell':
      return await work(invocation);
  }
}

async function work(
  invocation: Extract<Invocation, { kind: 'command' | 'script' | 'shell' }>,
): Promise<number> {
  const session = await import('./session.ts');
  if (invocation.kind === 'command') return await session.runOnce(invocation.words);
  if (invocation.kind === 'script') return await session.runFile(invocation.file, invocation.keepsGoing);
  return process.stdin.isTTY && process.stdout.isTTY
    ? await session.runInteractive()
    : await session.runFile('-', false);
}

/** A list that nobody got is no success, whatever the command did. */
function leaveOnLostOutput(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(brokenPipeExitCode);
  // By the descriptor: the stream may be the one that is lost.
  try {
    writeSync(2, `error: The output cannot be written: ${error.message}.\n  hint: Is the disk full?\n`);
  } finally {
    process.exit(1);
  }
}

process.exitCode = await main();
// A connection that a command left behind after Ctrl-C must not keep the program.
process.stdout.write('', (error) =>
  error ? leaveOnLostOutput(process.stdout.errored ?? error) : process.exit(),
);
