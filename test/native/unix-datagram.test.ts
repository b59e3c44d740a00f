/** Datagrams over Unix sockets: paths, abstract names, and errors with their codes. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { bindDatagram, sendDatagram } from '../../native/unix-datagram/index.js';

const directory = mkdtempSync(join(tmpdir(), 'udg-'));
after(() => rmSync(directory, { recursive: true }));

for (const [what, path] of [
  ['a path', join(directory, 's')],
  ['an abstract name', `@pcloud-test-${process.pid}`],
] as const) {
  test(`what is sent to ${what} arrives whole, one datagram after the other`, () => {
    const receiver = bindDatagram(path);
    sendDatagram(path, Buffer.from('READY=1\n'));
    sendDatagram(path, Buffer.from([0, 255, 10, 0]));
    sendDatagram(path, Buffer.alloc(0));
    assert.deepEqual(receiver.receive(), Buffer.from('READY=1\n'));
    assert.deepEqual(receiver.receive(), Buffer.from([0, 255, 10, 0]));
    assert.deepEqual(receiver.receive(), Buffer.alloc(0));
    assert.equal(receiver.receive(), null);
    receiver.close();
    receiver.close();
  });
}

test('an abstract name leaves no file', () => {
  assert.equal(existsSync(`@pcloud-test-${process.pid}`), false);
});

test('the longest path is 107 bytes; one more is refused', () => {
  const longest = join(directory, 'p'.repeat(107 - directory.length - 1));
  const receiver = bindDatagram(longest);
  sendDatagram(longest, Buffer.from('x'));
  assert.equal(receiver.receive()?.toString(), 'x');
  receiver.close();
  assert.throws(() => sendDatagram(`${longest}p`, Buffer.from('x')), { code: 'ENAMETOOLONG' });
});

test('errors carry the code of the system', () => {
  const closed = join(directory, 'closed');
  bindDatagram(closed).close();
  assert.throws(() => sendDatagram(join(directory, 'none'), Buffer.from('x')), {
    code: 'ENOENT',
    syscall: 'sendto',
  });
  assert.throws(() => sendDatagram(closed, Buffer.from('x')), { code: 'ECONNREFUSED' });
  assert.throws(() => bindDatagram(closed), { code: 'EADDRINUSE', syscall: 'bind' });
  assert.throws(() => sendDatagram('', Buffer.from('x')), { code: 'ENAMETOOLONG' });
});

test('a receiver that does not read makes the sender fail, never wait', () => {
  const path = join(directory, 'full');
  const receiver = bindDatagram(path);
  assert.throws(
    () => {
      for (let i = 0; i < 100_000; i += 1) sendDatagram(path, Buffer.alloc(1024));
    },
    { code: 'EAGAIN' },
  );
  receiver.close();
});

test('a datagram larger than the system takes is refused', () => {
  const path = join(directory, 'large');
  const receiver = bindDatagram(path);
  assert.throws(() => sendDatagram(path, Buffer.alloc(64 * 1024 * 1024)), { code: 'EMSGSIZE' });
  receiver.close();
});
