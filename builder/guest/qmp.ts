/**
 * QEMU's monitor protocol (docs/interop/qmp-spec of QEMU) on the standard streams of a QEMU of ours: commands
 * with a limit, and the few events that a build acts on. What they mean is `guest-machine.ts`.
 */
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { emptyRest, splitLines } from '../../model/line-splitter.ts';

/** An answer of QEMU's is a few KiB. */
const maxAnswerBytes = 1024 * 1024;

const answerSchema = z.union([
  z.object({ QMP: z.unknown() }),
  z.object({ event: z.string().max(100), data: z.record(z.string(), z.unknown()).optional() }),
  z.object({ id: z.int(), return: z.unknown() }),
  z.object({ id: z.int(), error: z.object({ desc: z.string() }) }),
]);

export type QmpEvent = { readonly name: string; readonly data: Readonly<Record<string, unknown>> };

export type Qmp = {
  /** @throws Error with QEMU's words, or when no answer came within the limit or QEMU ended. */
  execute(command: string, parameters: object, limitMs: number): Promise<unknown>;
};

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void };

export function createQmp(input: Writable, output: Readable, onEvent: (event: QmpEvent) => void): Qmp {
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let rest = emptyRest;

  function take(line: string): void {
    const answer = answerSchema.safeParse(parseJson(line));
    if (!answer.success || 'QMP' in answer.data) return;
    if ('event' in answer.data) {
      onEvent({ name: answer.data.event, data: answer.data.data ?? {} });
      return;
    }
    const asked = waiting.get(answer.data.id);
    waiting.delete(answer.data.id);
    if ('error' in answer.data) asked?.reject(new Error(answer.data.error.desc.slice(0, 500)));
    else asked?.resolve(answer.data.return);
  }

  function giveUp(): void {
    for (const { reject } of waiting.values()) reject(new Error('QEMU has ended'));
    waiting.clear();
  }

  output.on('data', (chunk: Buffer) => {
    const split = splitLines(rest, chunk, maxAnswerBytes);
    rest = split.rest;
    for (const line of split.lines) take(line);
    if (split.tooLong) output.destroy();
  });
  output.on('close', giveUp);
  // EPIPE: QEMU has ended, and its exit tells why.
  input.on('error', giveUp);

  const execute: Qmp['execute'] = async (command, parameters, limitMs) => {
    const id = nextId++;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        timer = setTimeout(() => reject(new Error(`QEMU did not answer within ${limitMs} ms`)), limitMs);
        input.write(`${JSON.stringify({ execute: command, arguments: parameters, id })}\n`);
      });
    } finally {
      clearTimeout(timer);
      waiting.delete(id);
    }
  };
  return { execute };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null; // not an answer of QEMU's
  }
}
