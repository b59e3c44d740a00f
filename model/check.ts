/**
 * What an application is asked beyond its class's own monitor: over HTTP, over TCP, or by a command in its
 * guest. Templates ask for checks (`check-declaration.ts`), the supervisor counts their answers, and
 * `runtime/adapters/checks.ts` does the asking.
 */

/** What a check asks. `guestPort` is reached as the host reaches it (a forward, or the guest's own address). */
export type CheckProbe =
  | {
      readonly kind: 'http';
      readonly guestPort: number;
      /** Where on the server, with its leading slash; a redirect is an answer, it is not followed. */
      readonly path: string;
      /** Lowest and highest status that count as well. */
      readonly statusFrom: number;
      readonly statusTo: number;
      /** Text that the first 64 KiB of the body must hold. */
      readonly bodyContains?: string | undefined;
    }
  | { readonly kind: 'tcp'; readonly guestPort: number }
  /** Run in the guest by its agent, no shell; the first is an absolute path. Well is exit code 0. */
  | { readonly kind: 'command'; readonly arguments: readonly string[] };

/** A check that a resource's template asks for. It judges a resource only while that is active. */
export type CheckPlan = {
  /** Unique within the resource. */
  readonly name: string;
  readonly probe: CheckProbe;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** So many bad answers in a row are a failure; 1 or more. */
  readonly failuresNeeded: number;
  /** Bad answers so long after the resource became active are not counted, unless one was good before. */
  readonly startGraceMs: number;
};

/** What a probe asks, in one line: `HTTP / on port 80, status 200-399`. */
export function probeText(probe: CheckProbe): string {
  switch (probe.kind) {
    case 'http': {
      const { guestPort, path, statusFrom, statusTo, bodyContains } = probe;
      const status = statusFrom === statusTo ? String(statusFrom) : `${statusFrom}-${statusTo}`;
      const body = bodyContains === undefined ? '' : `, with ${JSON.stringify(bodyContains)} in its body`;
      return `HTTP ${path} on port ${guestPort}, status ${status}${body}`;
    }
    case 'tcp':
      return `TCP on port ${probe.guestPort}`;
    case 'command':
      return `command ${probe.arguments.map(quoted).join(' ')}`;
  }
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : JSON.stringify(word);
}
