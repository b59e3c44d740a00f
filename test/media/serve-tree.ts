/**
 * Serves an install tree over HTTP on the loopback address, as an archive's mirror would: files with ranges, HEAD,
 * nothing else. It can be told to drop connections in the middle, to answer slowly, or to refuse, so that a test can
 * see how those who fetch take it; and it remembers what was asked for.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

export type TreeRequest = {
  readonly method: string;
  readonly path: string;
  /** `bytes=…` of the request, where it had one. */
  readonly range: string | undefined;
  readonly status: number;
};

/** What goes wrong with a request; `times` of them, then no more. */
export type TreeFault =
  | { readonly kind: 'drop'; readonly match: RegExp; readonly afterBytes: number; readonly times: number }
  | { readonly kind: 'status'; readonly match: RegExp; readonly status: number; readonly times: number };

export type TreeServer = {
  readonly port: number;
  /** For whoever is on this machine, with a slash at its end. */
  readonly url: string;
  /** The same tree for a guest or a cell that reaches this machine's loopback under another address. */
  urlFrom(host: string): string;
  readonly requests: readonly TreeRequest[];
  /** Adds a fault to those that still wait for their requests. */
  fail(fault: TreeFault): void;
  /** Ends every connection; resolves when nothing listens any more. */
  stop(): Promise<void>;
};

/** @param directory whose files are served; nothing outside of it is. */
export async function serveTree(directory: string): Promise<TreeServer> {
  const root = path.resolve(directory);
  const requests: TreeRequest[] = [];
  const faults: { fault: TreeFault; left: number }[] = [];

  function faultOf(name: string): TreeFault | undefined {
    const found = faults.find((entry) => entry.left > 0 && entry.fault.match.test(name));
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Not by URL, which would take the first word of "//images" for a host.
    const name = decodeURIComponent((request.url ?? '/').replace(/\?.*$/, ''));
    const range = request.headers.range;
    const note = (status: number): void => {
      requests.push({ method: request.method ?? '', path: name, range, status });
    };
    const file = path.join(root, path.normalize(name));
    const facts = file.startsWith(`${root}${path.sep}`) ? await stat(file).catch(() => undefined) : undefined;
    const fault = faultOf(name);
    const refused = fault?.kind === 'status' ? fault.status : facts?.isFile() === true ? undefined : 404;
    if (refused !== undefined || facts === undefined) {
      note(refused ?? 404);
      response.writeHead(refused ?? 404).end();
      return;
    }
    const start = startOf(range, facts.size);
    note(start === undefined ? 200 : 206);
    response.writeHead(start === undefined ? 200 : 206, {
      'content-length': facts.size - (start ?? 0),
      'accept-ranges': 'bytes',
      'last-modified': facts.mtime.toUTCString(),
      ...(start === undefined ? {} : { 'content-range': `bytes ${start}-${facts.size - 1}/${facts.size}` }),
    });
    if (request.method === 'HEAD') response.end();
    else send(file, start ?? 0, response, fault?.kind === 'drop' ? fault.afterBytes : undefined);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const urlFrom = (host: string): string => `http://${host}:${port}/`;
  return {
    port,
    url: urlFrom('127.0.0.1'),
    urlFrom,
    requests,
    fail: (fault) => faults.push({ fault, left: fault.times }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Where `bytes=N-` begins; any other range is ignored, as a server may. */
function startOf(range: string | undefined, sizeBytes: number): number | undefined {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? Number.NaN);
  return Number.isInteger(start) && start < sizeBytes ? start : undefined;
}

/** @param dropAfterBytes the connection breaks after so many bytes of the body */
function send(file: string, start: number, response: ServerResponse, dropAfterBytes?: number): void {
  const end = dropAfterBytes === undefined ? {} : { end: start + Math.max(dropAfterBytes, 1) - 1 };
  const stream = createReadStream(file, { start, ...end });
  stream.on('error', (error) => response.destroy(error));
  stream.pipe(response, { end: dropAfterBytes === undefined });
  if (dropAfterBytes !== undefined) stream.on('end', () => response.destroy());
}
