/**
 * Loaded before every test file. A process warning (a leaked listener, a deprecated call) fails the test
 * that it came from instead of scrolling by. And a file whose tests have timed out but whose event loop still
 * has work is ended: node's own limit is a test's, not a file's.
 */
import { fileLimitVariable } from './plan.ts';

process.on('warning', (warning) => {
  throw new Error(`a process warning fails the tests: ${warning.name}: ${warning.message}`, {
    cause: warning,
  });
});

const limitMs = Number(process.env[fileLimitVariable]);
if (limitMs > 0) {
  setTimeout(() => {
    const open = Map.groupBy(process.getActiveResourcesInfo(), (kind) => kind);
    const kinds = [...open].map(([kind, all]) => `${all.length} ${kind}`).join(', ');
    process.stderr.write(`this test file did not end within ${limitMs} ms; still open: ${kinds}\n`);
    process.exit(1);
  }, limitMs).unref();
}
