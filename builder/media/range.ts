/**
 * How a download goes on after an interruption: what to ask for, and what an answer means for the bytes that
 * are here already. Pure (RFC 9110 §13.1.5, §14); `download.ts` does what it says.
 */

/** By what the server would notice that the file is another one now. */
export type Validator = { readonly kind: 'etag' | 'last-modified'; readonly value: string };

/** What is known of a download that was begun. */
export type Begun = {
  readonly validator: Validator | null;
  readonly totalBytes: number | null;
  /** Bytes that are surely on disk. */
  readonly haveBytes: number;
};

export type Ask =
  | { readonly kind: 'have-all' }
  | { readonly kind: 'get'; readonly fromBytes: number; readonly headers: Headers };
type Headers = Readonly<Record<string, string>>;

export type Answer = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
};

export type Decision =
  /** The body goes on where our bytes end. */
  | { readonly kind: 'append'; readonly totalBytes: number | null }
  /** The body is the whole file: ours are void. */
  | { readonly kind: 'whole'; readonly totalBytes: number | null; readonly validator: Validator | null }
  /** There is nothing more to get. */
  | { readonly kind: 'have-all' }
  /** Our bytes are void, and the body is of no use: ask again for the whole. */
  | { readonly kind: 'ask-for-whole' }
  | { readonly kind: 'bad-status'; readonly status: number }
  | { readonly kind: 'refused'; readonly why: string };

/** What to ask the server for. */
export function askFor(begun: Begun | undefined): Ask {
  if (begun === undefined || begun.haveBytes === 0) return { kind: 'get', fromBytes: 0, headers: {} };
  const { validator, totalBytes, haveBytes } = begun;
  // Without a validator nobody can tell whether these bytes belong to the file of today.
  if (validator === null || (totalBytes !== null && haveBytes > totalBytes))
    return { kind: 'get', fromBytes: 0, headers: {} };
  if (haveBytes === totalBytes) return { kind: 'have-all' };
  return {
    kind: 'get',
    fromBytes: haveBytes,
    headers: { range: `bytes=${haveBytes}-`, 'if-range': validator.value },
  };
}

/** What the answer to `askFor` means. */
export function decide(begun: Begun | undefined, fromBytes: number, answer: Answer): Decision {
  const { status, headers } = answer;
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    return { kind: 'refused', why: 'the server sends it packed, though that was not asked for' };
  switch (status) {
    case 200:
      return { kind: 'whole', totalBytes: lengthOf(headers), validator: validatorOf(headers) };
    case 206:
      return decidePart(begun, fromBytes, headers);
    case 416:
      if (fromBytes === 0) return { kind: 'bad-status', status };
      return totalOfUnsatisfied(headers) === fromBytes && begun?.totalBytes === fromBytes
        ? { kind: 'have-all' }
        : { kind: 'ask-for-whole' };
    default:
      return { kind: 'bad-status', status };
  }
}

/** Whether the same request may be answered otherwise in a moment. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

function decidePart(begun: Begun | undefined, fromBytes: number, headers: Answer['headers']): Decision {
  if (fromBytes === 0) return { kind: 'refused', why: 'the server sent a part that nobody asked for' };
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(headers['content-range'] ?? '');
  if (range === null || Number(range[1]) !== fromBytes || Number(range[2]) < fromBytes)
    return { kind: 'ask-for-whole' };
  const totalBytes = range[3] === '*' ? (begun?.totalBytes ?? null) : Number(range[3]);
  if (begun?.totalBytes !== totalBytes) return { kind: 'ask-for-whole' };
  // The server should have compared it; one that did not is found out here.
  const now = validatorOf(headers);
  const before = begun?.validator ?? null;
  if (now !== null && before !== null && now.kind === before.kind && now.value !== before.value)
    return { kind: 'ask-for-whole' };
  return { kind: 'append', totalBytes };
}

/** A weak ETag says nothing about bytes, and a date of this very second may stand for two files. */
function validatorOf(headers: Answer['headers']): Validator | null {
  const etag = headers['etag'];
  if (etag !== undefined && /^"[^"]{1,200}"$/.test(etag)) return { kind: 'etag', value: etag };
  const modified = headers['last-modified'];
  if (modified === undefined || modified.length > 64) return null;
  const [modifiedMs, answeredMs] = [Date.parse(modified), Date.parse(headers['date'] ?? '')];
  const certain = !Number.isNaN(modifiedMs) && (Number.isNaN(answeredMs) || answeredMs - modifiedMs >= 1000);
  return certain ? { kind: 'last-modified', value: modified } : null;
}

function lengthOf(headers: Answer['headers']): number | null {
  return /^\d{1,15}$/.test(headers['content-length'] ?? '') ? Number(headers['content-length']) : null;
}

function totalOfUnsatisfied(headers: Answer['headers']): number | undefined {
  const total = /^bytes \*\/(\d{1,15})$/.exec(headers['content-range'] ?? '')?.[1];
  return total === undefined ? undefined : Number(total);
}
