/**
 * libvirt's failures as errors for people, and the limit that every libvirt call gets. A call under way
 * cannot be taken back, so a limit means that we stop waiting, not that libvirt stopped working.
 */
import { ErrorCode, LibvirtError } from '#libvirt';
import { PcloudError } from '../../model/errors.ts';
import type { Clock } from '../ports.ts';

/** How long each kind of libvirt call may take before we stop waiting. */
export type LibvirtLimits = {
  readonly connectMs: number;
  /** Calls that only read what libvirt knows. Above the 2 s for which a destroy may hold a domain's lock. */
  readonly readMs: number;
  readonly defineMs: number;
  /** Starting takes 0.4 to 1.2 s here; a busy host takes longer. */
  readonly startMs: number;
  /** What libvirt's own destroy gets before QEMU is killed by its pid. */
  readonly destroyMs: number;
  /** From the start of fencing until it counts as failed. */
  readonly fenceMs: number;
  /** Statistics need QEMU's answer; no answer is what the caller wants to know soon. */
  readonly progressMs: number;
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
};

export const defaultLibvirtLimits: LibvirtLimits = {
  connectMs: 10_000,
  readMs: 5_000,
  defineMs: 10_000,
  startMs: 60_000,
  destroyMs: 2_000,
  fenceMs: 20_000,
  // A starting machine under TCG took 0.7 s to answer.
  progressMs: 3_000,
  firstRetryMs: 100,
  maxRetryMs: 2_000,
};

/**
 * The promise's own outcome, or PcloudError `libvirt-timeout` (category unavailable) when it takes longer
 * than `limitMs`.
 */
export function withLimit<T>(clock: Clock, limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limitMs, () =>
      reject(
        new PcloudError({
          code: 'libvirt-timeout',
          category: 'unavailable',
          message: `libvirt did not ${what} within ${limitMs} ms.`,
          hint: 'Look at the log of libvirtd and at the load of this host.',
          facts: { limitMs },
        }),
      ),
    );
    // After the limit these change nothing: the first outcome stands.
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

export function isTimeout(error: unknown): boolean {
  return error instanceof PcloudError && error.code === 'libvirt-timeout';
}

export function isNoDomain(error: unknown): boolean {
  return error instanceof LibvirtError && error.code === ErrorCode.noDomain;
}

/** What the domain's state does not allow, such as starting what runs and destroying what is off. */
export function isWrongState(error: unknown): boolean {
  return error instanceof LibvirtError && error.code === ErrorCode.operationInvalid;
}

const unsupportedCodes: readonly number[] = [
  ErrorCode.noSupport,
  ErrorCode.invalidArgument, // how test:/// refuses a flag
  ErrorCode.operationUnsupported,
  ErrorCode.argumentUnsupported,
];

/** The driver, or the domain as it is made, cannot do this at all. */
export function isUnsupported(error: unknown): boolean {
  return error instanceof LibvirtError && unsupportedCodes.includes(error.code);
}

/** Also a call that finds its connection broken: libvirt reports that from its RPC layer, under several codes. */
function isUnavailable(error: LibvirtError): boolean {
  const isAboutConnection = error.code === ErrorCode.noConnect || error.code === ErrorCode.invalidConnection;
  return isAboutConnection || error.call === 'open' || error.domainName === 'VIR_FROM_RPC';
}

/**
 * Any failure of the binding as PcloudError: `libvirt-unavailable`, `libvirt-failed`, or what it was before.
 * @param what the work that failed, as in "libvirt could not …"
 */
export function libvirtFailure(what: string, error: unknown): PcloudError {
  if (error instanceof PcloudError) return error;
  if (!(error instanceof LibvirtError)) return bindingFailure(what, error);
  const unavailable = isUnavailable(error);
  return new PcloudError({
    code: unavailable ? 'libvirt-unavailable' : 'libvirt-failed',
    category: unavailable ? 'unavailable' : 'failed',
    message: `libvirt could not ${what}: ${error.message} (${error.codeName}).`,
    hint: unavailable
      ? 'Check that libvirtd runs and that this service may use its socket (PCLOUD_LIBVIRT_URI).'
      : 'The log of libvirtd, and of QEMU in libvirt’s log directory, say more.',
    facts: { libvirtCode: error.code, libvirtCodeName: error.codeName, libvirtDomain: error.domainName },
    cause: error,
  });
}

/** The binding is its own package and knows no PcloudError; it marks its errors by the same fields. */
function bindingFailure(what: string, error: unknown): PcloudError {
  const message = error instanceof Error ? error.message : String(error);
  const notCompiled = error instanceof Error && 'code' in error && error.code === 'native-not-compiled';
  return new PcloudError({
    code: notCompiled ? 'native-not-compiled' : 'libvirt-binding-failed',
    category: notCompiled ? 'unavailable' : 'internal',
    message: notCompiled ? message : `The libvirt binding could not ${what}: ${message}.`,
    hint: notCompiled
      ? 'Run `make native` at the top of the checkout (it needs gcc and libvirt-dev).'
      : undefined,
    cause: error,
  });
}
