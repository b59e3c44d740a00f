/**
 * Where a service's directories may not lie. Pure: it looks at the path alone and touches nothing.
 */
import path from 'node:path';

/**
 * False below the kernel's own file systems, where nothing can be made: Node's recursive mkdir never returns
 * there (measured with Node 24.18 on /proc), so a service would hang at full load instead of refusing.
 */
export function isWritablePlace(directory: string): boolean {
  return !/^\/+(?:proc|sys)(?:\/|$)/.test(path.normalize(directory));
}
