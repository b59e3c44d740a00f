/**
 * One remote command line out of words. sshd hands it to the login shell of the user, so every word that is not
 * plainly harmless goes into single quotes; a POSIX shell gives back exactly the words that went in. Pure.
 */
import { PcloudError } from '../../model/errors.ts';

/** Linux takes 128 KiB in one argument (MAX_ARG_STRLEN); the whole line is one argument of the shell. */
const maxCommandBytes = 96 * 1024;

const harmless = /^[A-Za-z0-9_@%+:,./-]+$/;

/**
 * @throws PcloudError `unquotable`: NUL cannot be in an argument, half a character of UTF-16 not in UTF-8, and a
 *   line that the kernel would refuse is none.
 */
export function remoteCommand(words: readonly string[]): string {
  if (words.length === 0 || words[0] === '') throw unquotable('there is no program to run');
  const line = words.map(quoteWord).join(' ');
  const bytes = Buffer.byteLength(line);
  if (bytes > maxCommandBytes) throw unquotable(`it has ${bytes} bytes, the limit is ${maxCommandBytes}`);
  return line;
}

/** A word as a POSIX shell reads it back. Single quotes end, and stand in double ones: also csh takes that. */
export function quoteWord(word: string): string {
  if (word.includes('\0')) throw unquotable('it holds a NUL character');
  if (!word.isWellFormed()) throw unquotable('it is not valid Unicode');
  if (harmless.test(word)) return word;
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}

/**
 * A line of an environment file of systemd (systemd.exec(5), EnvironmentFile=).
 * @throws PcloudError `unquotable` for a line break, which such a line cannot hold.
 */
export function environmentFileLine(name: string, value: string): string {
  if (/[\0\r\n]/.test(value)) throw unquotable(`the value of ${name} holds a line break`);
  return `${name}="${value.replaceAll(/["\\`$]/g, '\\$&')}"`;
}

function unquotable(why: string): PcloudError {
  return new PcloudError({
    code: 'unquotable',
    category: 'invalid',
    message: `This cannot be handed to a program in the guest: ${why}.`,
    hint: 'Look at the parameters of the resource: `resource_parameter_set` gives them other values.',
  });
}
