/** Whether Prometheus' own checker is on this machine. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

export const hasPromtool = (process.env['PATH'] ?? '').split(':').some((directory) => {
  try {
    accessSync(path.join(directory, 'promtool'), constants.X_OK);
    return true;
  } catch {
    return false;
  }
});

export const promtoolMissing = 'promtool is not on the PATH (Debian: the package prometheus)';
