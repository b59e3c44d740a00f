/** Finding programs of the host on the PATH, where daemons live too. It runs none of them. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { PcloudError } from '../../model/errors.ts';

/** An unprivileged user's PATH has no sbin, and libvirtd is there. */
const daemonDirectories = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * Absolute path of a program.
 * @throws PcloudError `program-missing` with the command that installs it
 */
export function findProgram(name: string): string {
  const directories = [...(process.env['PATH'] ?? '').split(':'), '/usr/bin', '/bin', ...daemonDirectories];
  for (const directory of directories) {
    const candidate = path.join(directory, name);
    if (directory !== '' && isExecutable(candidate)) return candidate;
  }
  throw new PcloudError({
    code: 'program-missing',
    category: 'unavailable',
    message: `The program ${name} is not installed on this host.`,
    hint: 'Install what is missing by: make bootstrap',
    facts: { program: name },
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: the next directory may have it.
    return false;
  }
}
