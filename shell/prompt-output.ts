/**
 * What stands between readline and the terminal: it can be muted while a command has the screen, and it knows
 * how to take the prompt with the line being typed away and to put it back, cursor included.
 */
import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import type { Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import type { BottomLine } from './screen.ts';

export type PromptOutput = {
  /** What readline writes to. */
  readonly stream: Writable;
  mute(): void;
  unmute(): void;
  /** Leaves the typed line where it stands, marked, and begins an empty one below. */
  abandonLine(readline: Interface): void;
  bottomLine(readline: Interface): BottomLine;
};

/** `dumb`: a terminal without cursor movement; the line is then written again below instead. */
export function createPromptOutput(output: WriteStream, dumb: boolean): PromptOutput {
  let muted = false;
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, callback) {
      if (!muted) output.write(chunk);
      callback();
    },
  });
  // readline asks its output for the width, and wants to know when it changes.
  Object.defineProperties(stream, {
    columns: { get: () => output.columns },
    rows: { get: () => output.rows },
    isTTY: { value: true },
  });
  output.on('resize', () => stream.emit('resize'));
  return {
    stream,
    mute: () => {
      muted = true;
    },
    unmute: () => {
      muted = false;
    },
    abandonLine: (readline) => {
      readline.write(null, { ctrl: true, name: 'e' });
      output.write('^C\n');
      muted = true;
      readline.write(null, { ctrl: true, name: 'u' });
      muted = false;
      showPrompt(readline);
    },
    bottomLine: (readline) => (dumb ? dumbBottomLine(readline, output) : movingBottomLine(readline, output)),
  };
}

function movingBottomLine(readline: Interface, output: WriteStream): BottomLine {
  return {
    hide() {
      // A long line is wrapped: the prompt is that many rows above the cursor.
      moveCursor(output, 0, -readline.getCursorPos().rows);
      cursorTo(output, 0);
      clearScreenDown(output);
    },
    show: () => showPrompt(readline),
  };
}

/** readline's own redraw goes up by the rows that it remembers; here the cursor is at the top already. */
function showPrompt(readline: Interface): void {
  Object.assign(readline, { prevRows: 0 });
  readline.prompt(true);
}

function dumbBottomLine(readline: Interface, output: WriteStream): BottomLine {
  return {
    hide: () => output.write('\n'),
    show: () => output.write(`${readline.getPrompt()}${readline.line}`),
  };
}
