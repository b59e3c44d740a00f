/**
 * A real HTTP server on 127.0.0.1 in the place of an archive, which behaves as badly as a test says: it drops
 * connections, ignores ranges, lies about lengths, stalls, redirects. Each request is written down.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to one request; without one, the server is as good as any. */
export type Misdeed =
  | { readonly kind: 'drop'; readonly afterBytes: number }
  | { readonly kind: 'stall'; readonly afterBytes: number }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'redirect'; readonly to: string }
  | { readonly kind: 'ignore-range' }
  /** Answers a conditional range without looking at the condition. */
  | { readonly kind: 'ignore-condition' }
  /** Promises this length, which is more than there is. */
  | { readonly kind: 'length'; readonly contentLength: number }
  | { readonly kind: 'chunked' }
  /** Never says what a file's version is. */
  | { readonly kind: 'no-validator' };

export type ArchiveServer = {
  readonly url: string;
  /** `GET /path` with the range asked for, in order. */
  readonly requests: string[];
  /** Path to content. */
  readonly files: Map<string, Buffer>;
  /** Taken one a request, the first first; those of a path by their key. */
  readonly misdeeds: Map<string, Misdeed[]>;
  close(): Promise<void>;
};

export async function archiveServer(
  files: Readonly<Record<string, Buffer | string>> = {},
): Promise<ArchiveServer> {
  const requests: string[] = [];
  const contents = new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]));
  const misdeeds = new Map<string, Misdeed[]>();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(
      `${request.method} ${path}${request.headers.range === undefined ? '' : ` ${request.headers.range}`}`,
    );
    answer(request, response, contents.get(path.split('?')[0] ?? ''), misdeeds.get(path)?.shift());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    files: contents,
    misdeeds,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer | undefined,
  misdeed: Misdeed | undefined,
): void {
  if (misdeed?.kind === 'redirect') {
    response.writeHead(302, { location: misdeed.to }).end();
    return;
  }
  if (misdeed?.kind === 'status' || content === undefined) {
    response.writeHead(misdeed?.kind === 'status' ? misdeed.status : 404).end('no');
    return;
  }
  const etag = `"${createHash('sha256').update(content).digest('hex').slice(0, 16)}"`;
  if (misdeed?.kind !== 'no-validator') response.setHeader('etag', etag);
  const from = rangeStart(request, etag, misdeed);
  const body = content.subarray(from);
  if (from > 0) response.setHeader('content-range', `bytes ${from}-${content.length - 1}/${content.length}`);
  response.statusCode = from > 0 ? 206 : 200;
  send(response, body, misdeed);
}

function rangeStart(request: IncomingMessage, etag: string, misdeed: Misdeed | undefined): number {
  const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  if (from === undefined || misdeed?.kind === 'ignore-range') return 0;
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== etag && misdeed?.kind !== 'ignore-condition') return 0;
  return Number(from);
}

function send(response: ServerResponse, body: Buffer, misdeed: Misdeed | undefined): void {
  const length = misdeed?.kind === 'length' ? misdeed.contentLength : body.length;
  if (misdeed?.kind !== 'chunked') response.setHeader('content-length', length);
  if (misdeed?.kind === 'drop')
    response.write(body.subarray(0, misdeed.afterBytes), () => response.destroy());
  else if (misdeed?.kind === 'stall') response.write(body.subarray(0, misdeed.afterBytes));
  // It promised more: the other end sees the connection break.
  else if (misdeed?.kind === 'length') response.write(body, () => response.destroy());
  else response.end(body);
}
