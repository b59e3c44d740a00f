/**
 * Datagrams over Unix sockets, which Node lacks. What is in them (sd_notify, journald) is the caller's.
 */
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';

let loaded;

/** Loaded at the first call, so that a file that merely imports this one works without the addon. */
function addon() {
  if (loaded !== undefined) return loaded;
  try {
    loaded = createRequire(import.meta.url)('./build/unix-datagram.node');
    return loaded;
  } catch (cause) {
    const error = new Error('The unix-datagram addon is not compiled, or does not load.', { cause });
    throw Object.assign(error, {
      name: 'PcloudError',
      code: 'native-not-compiled',
      category: 'unavailable',
      hint: 'Run `make native` at the top of the checkout.',
      facts: {},
    });
  }
}

function failure(syscall, negativeErrno, path) {
  const code = getSystemErrorName(negativeErrno);
  const error = new Error(`${syscall} on ${path} failed: ${code}`);
  return Object.assign(error, { code, errno: negativeErrno, syscall, path });
}

export function sendDatagram(path, data) {
  const result = addon().send(path, data);
  if (result < 0) throw failure('sendto', result, path);
}

export function bindDatagram(path) {
  let fd = addon().bind(path);
  if (fd < 0) throw failure('bind', fd, path);
  return Object.freeze({
    receive() {
      const result = addon().receive(fd);
      if (typeof result !== 'number') return result;
      if (getSystemErrorName(result) === 'EAGAIN') return null;
      throw failure('recv', result, path);
    },
    close() {
      if (fd >= 0) addon().close(fd);
      fd = -1;
    },
  });
}
