/** Datagrams over Unix sockets, which Node lacks: what sd_notify(3) and journald's native protocol need. */

/**
 * Sends one datagram, without waiting. A path that starts with `@` names an abstract socket, as in
 * NOTIFY_SOCKET; it may have at most 107 bytes.
 * @throws Error with `code` (`ENOENT`, `ECONNREFUSED`, `EAGAIN`, `EMSGSIZE`, `ENAMETOOLONG`, …), `errno`,
 * `syscall` and `path`; with code `native-not-compiled` and a `hint` when the addon has not been compiled.
 */
export function sendDatagram(path: string, data: Buffer): void;

export interface DatagramReceiver {
  /** The next datagram (cut at 64 KiB), or null when none is there. Never waits. */
  receive(): Buffer | null;
  /** Closes the socket; a file that it made is left to the caller. Closing twice is fine. */
  close(): void;
}

/** Binds a receiving socket, for whoever starts a service and waits for its READY=1. Throws as `sendDatagram`. */
export function bindDatagram(path: string): DatagramReceiver;
