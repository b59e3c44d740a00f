/**
 * What a file-system error says: its code and its words, out of an unknown value. The catalogue imports
 * nothing but `model/`, so it asks this question itself.
 */

/** The error's `code` (`ENOENT`, `EACCES`, …) when it has one that is a string, else undefined. */
export function fileErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The words of any thrown value. */
export function fileErrorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
