/** A service manager's end of NOTIFY_SOCKET: what a service says to it, in order. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { bindDatagram } from '../../native/unix-datagram/index.js';

const limitMs = 30_000;

export type NotifySocket = {
  readonly heard: readonly string[];
  /**
   * Resolves once the word was heard.
   * @param after how much of what was heard is of no interest any more.
   */
  until(word: string, after?: number): Promise<void>;
  close(): void;
};

export function notifySocketAt(socketPath: string): NotifySocket {
  const receiver = bindDatagram(socketPath);
  const heard: string[] = [];
  return {
    heard,
    async until(word, after = 0) {
      const deadline = performance.now() + limitMs;
      while (!heard.slice(after).some((text) => text.includes(word))) {
        assert.ok(performance.now() < deadline, `never heard ${word}, only ${heard.join(', ')}`);
        // The addon never waits; a notification is no more than this late.
        const datagram = receiver.receive();
        if (datagram === null) await delay(20);
        else heard.push(datagram.toString());
      }
    },
    close: () => receiver.close(),
  };
}
