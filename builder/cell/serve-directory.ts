/**
 * A read-only web server for one directory: an install tree on the host's disk, for the machine in the cell. Plain
 * files only, nothing above the directory, no listings.
 */
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errorCodeOf } from '../../service/error-code.ts';

/** Serves what is below `directory`; the caller listens and closes. */
export function directoryServer(directory: string): Server {
  return createServer((request, response) => {
    answer(directory, request, response).catch((error: unknown) => {
      // Who asks may hang up at any time: not worth a line, which the machine could fill the log with.
      if (errorCodeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE')
        process.stderr.write(`served tree: ${JSON.stringify(request.url)}: ${String(error)}\n`);
      response.destroy();
    });
  });
}

async function answer(directory: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const file = await fileOf(directory, request.url ?? '/');
  if (file === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-length': file.sizeBytes, 'content-type': 'application/octet-stream' });
  if (request.method === 'HEAD') response.end();
  // Not more than was promised, where the file grows meanwhile.
  else if (file.sizeBytes === 0) response.end();
  else await pipeline(createReadStream(file.path, { end: file.sizeBytes - 1 }), response);
}

async function fileOf(
  directory: string,
  url: string,
): Promise<{ readonly path: string; readonly sizeBytes: number } | undefined> {
  try {
    // Not relative to a base: installers put a slash behind a tree's own, and `//images/x` would name a host.
    const { pathname } = new URL(url.startsWith('/') ? `http://cell${url}` : url);
    const wanted = path.join(directory, path.posix.normalize(decodeURIComponent(pathname)));
    // A link may lead elsewhere within the tree (CentOS has some), not out of it.
    const found = await realpath(wanted);
    if (!found.startsWith(`${await realpath(directory)}/`)) return undefined;
    const facts = await stat(found);
    return facts.isFile() ? { path: found, sizeBytes: facts.size } : undefined;
  } catch {
    // Malformed, not there, not readable: all the same to who asks.
    return undefined;
  }
}
