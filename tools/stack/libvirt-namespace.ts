/**
 * Runs inside a fresh mount namespace, before libvirtd does: binds private directories over the ones that
 * libvirt has compiled in, then becomes the command. A program of its own because mounts made here must be
 * seen by libvirtd and its machines, and by nobody else.
 *
 * usage: libvirt-namespace.ts SOURCE TARGET [SOURCE TARGET]... -- COMMAND [ARGUMENT]...
 */
import { existsSync, mkdirSync } from 'node:fs';
import { execa } from 'execa';

const separator = process.argv.indexOf('--');
const pairs = process.argv.slice(2, separator);
const command = process.argv.slice(separator + 1);
const program = command[0];
if (separator < 0 || pairs.length % 2 !== 0 || program === undefined || process.execve === undefined) {
  throw new Error('usage: libvirt-namespace.ts SOURCE TARGET... -- COMMAND...');
}
for (let index = 0; index < pairs.length; index += 2) {
  const [source, target] = [pairs[index], pairs[index + 1]];
  if (source === undefined || target === undefined) continue;
  if (!existsSync(source)) mkdirSync(source, { recursive: true });
  // A bind needs something to cover. Where libvirt was never set up for the machine's own use, its
  // directories do not exist yet; an empty one is all that ever appears there.
  if (!existsSync(target)) mkdirSync(target, { recursive: true });
  await execa('mount', ['--bind', source, target], { timeout: 10_000 });
}
process.execve(program, command, process.env);
