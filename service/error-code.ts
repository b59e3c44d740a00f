/**
 * The `code` of an error of Node or the system (`ENOENT`, `EACCES`, …), taken from an unknown value. Kept
 * apart because every room that touches files or sockets asks this one question.
 */

/** The error's `code` when it has one that is a string, else undefined. */
export function errorCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The words of any thrown value. */
export function errorTextOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const fileErrors: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
};

/** Why a file that a person named could not be read, in words; what is none of the usual as the system says it. */
export function fileErrorTextOf(error: unknown): string {
  return fileErrors[errorCodeOf(error) ?? ''] ?? errorTextOf(error);
}
