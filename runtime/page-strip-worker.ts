/**
 * A thread that makes JavaScript of the page's TypeScript: Node's own type stripping, which only takes types
 * away and keeps every line where it was. A thread of its own because that function announces itself as
 * experimental on standard error; `page-files.ts` starts the thread with that announcement off.
 */
import { stripTypeScriptTypes } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

const texts = workerData as readonly string[];
parentPort?.postMessage(texts.map((text) => stripTypeScriptTypes(text, { mode: 'strip' })));
