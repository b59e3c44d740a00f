/**
 * The program `pcloudsh`. It chooses between one command, a script and the interactive shell, and owns the
 * process: signals, standard streams, exit code. Everything heavy is loaded when it is needed.
 */
import { invocationUsage, readInvocation } from './invocation.ts';
import type { Invocation } from './invocation.ts';

/** 128 + SIGPIPE: whoever read our output has gone, which is no error of anybody. */
const brokenPipeExitCode = 141;

async function main(): Promise<number> {
  process.stdout.on('error', leaveOnBrokenPipe);
  process.stderr.on('error', leaveOnBrokenPipe);
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
  if (invocation.kind === 'script') return await session.runFile(invocation.file);
  return process.stdin.isTTY && process.stdout.isTTY
    ? await session.runInteractive()
    : await session.runFile('-');
}

function leaveOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(brokenPipeExitCode);
  throw error;
}

process.exitCode = await main();
// A connection that a command left behind after Ctrl-C must not keep the program.
process.stdout.write('', () => process.exit());
