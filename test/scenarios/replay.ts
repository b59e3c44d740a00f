/**
 * `make scenario NAME=…`: plays one scenario and prints its story with the virtual clock, and whether it is the
 * expected one. Without a name it lists them.
 *
 * usage: replay.ts [NAME]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { play } from './play.ts';

/** 128 + SIGPIPE, as other programs end whose reader has gone. */
const brokenPipeExitCode = 141;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(brokenPipeExitCode);
  throw error;
});

const directory = import.meta.dirname;
const names = readdirSync(directory, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

function titleOf(name: string): string {
  return /^# (.*)$/m.exec(readFileSync(path.join(directory, name, 'README.md'), 'utf8'))?.[1] ?? '';
}

const [name] = process.argv.slice(2);
if (name === undefined || name === '') {
  for (const one of names) process.stdout.write(`${one.padEnd(44)} ${titleOf(one)}\n`);
} else if (!names.includes(name)) {
  process.stderr.write(`There is no scenario ${JSON.stringify(name)}; \`make scenario\` lists them.\n`);
  process.exitCode = 2;
} else {
  const log = await play(name);
  const expectedPath = path.join(directory, name, 'expected.log');
  process.stdout.write(`${titleOf(name)}\n\n${log}`);
  const same = existsSync(expectedPath) && readFileSync(expectedPath, 'utf8') === log;
  process.stdout.write(same ? '\nas expected\n' : '\nNOT as expected.log has it\n');
  process.exitCode = same ? 0 : 1;
}
