/**
 * The prompt: reads lines, runs them one after the other, and shows events above the line being typed. While
 * a command runs the terminal is in its ordinary mode, so that Ctrl-C is a signal and ssh has it to itself.
 */
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { PcloudError } from '../model/errors.ts';
import { createQuestion } from './confirm.ts';
import type { Question } from './confirm.ts';
import { commandTable } from './command-table.ts';
import { complete, namesFromServices } from './completion.ts';
import type { NameSource } from './completion.ts';
import type { ShellContext } from './context.ts';
import { followJournal } from './event-feed.ts';
import { filesLike } from './file-names.ts';
import { historyLimit, loadHistory, rememberLine } from './history.ts';
import type { Services } from './ports.ts';
import { createPromptOutput } from './prompt-output.ts';
import type { PromptOutput } from './prompt-output.ts';
import { renderEvent, renderWarning } from './render-message.ts';
import { renderNotice } from './render-services.ts';
import { runLine } from './run-line.ts';
import type { TerminalScreen } from './screen.ts';

export const prompt = 'pcloudsh# ';

/** For whoever has never typed a line here. */
const greeting = 'help lists the commands, Tab completes, Ctrl-C stops waiting, Ctrl-D leaves.';

export type ReplOptions = {
  readonly input: ReadStream;
  readonly output: WriteStream;
  /** A terminal that cannot move its cursor. */
  readonly dumb: boolean;
  readonly screen: TerminalScreen;
  readonly historyFile: string;
  readonly services: Services;
  readonly contextFor: (parts: Pick<ShellContext, 'signal' | 'quit' | 'confirm'>) => ShellContext;
};

/** Runs until the operator leaves; resolves with 0. */
export async function runRepl(options: ReplOptions): Promise<number> {
  const { screen } = options;
  const history = await historyOf(options);
  const promptOutput = createPromptOutput(options.output, options.dumb);
  if (history.lines.length === 0) screen.print([greeting]);
  const names = namesFromServices(options.services);
  const readline = createInterface({
    input: options.input,
    output: promptOutput.stream,
    terminal: true,
    prompt,
    history: [...history.lines],
    historySize: historyLimit,
    removeHistoryDuplicates: true,
    completer: (line, callback) => {
      void offer(line, names, callback);
    },
  });
  const leave = new AbortController();
  // An impatient Ctrl-C, while the terminal changes its mode, must not end the shell; and the terminal may have thrown
  // away with it what it had not shown yet (termios(3): INTR flushes the queues), so the prompt is drawn anew.
  const redraw = (): void => screen.print([]);
  process.on('SIGINT', redraw);
  const feed = watchEvents(options, leave.signal);
  try {
    await readAndRun(options, readline, promptOutput, history.remember);
  } finally {
    screen.setBottomLine(undefined);
    leave.abort();
    readline.close();
    await feed;
    process.off('SIGINT', redraw);
  }
  return 0;
}

type OfferCallback = (error: null, result: [string[], string]) => void;

async function offer(line: string, names: NameSource, callback: OfferCallback): Promise<void> {
  const { candidates, current } = await complete(line, commandTable, names, filesLike);
  const [only] = candidates.length === 1 ? candidates : [];
  // A blank after the only candidate: the next word can be typed at once. After a directory its files come first.
  const offers = only === undefined || only.endsWith('/') ? [...candidates] : [`${only} `];
  callback(null, [offers, current]);
}

type History = { readonly lines: readonly string[]; readonly remember: (line: string) => Promise<void> };

/** A history that cannot be kept is said once, and no reason not to work. */
async function historyOf(options: ReplOptions): Promise<History> {
  const { screen, historyFile } = options;
  let told = false;
  const complain = (error: unknown): void => {
    if (!told) screen.complain(renderWarning(`No history: ${String(error)}`, undefined, screen.style));
    told = true;
  };
  const lines = await loadHistory(historyFile).catch((error: unknown) => {
    complain(error);
    return [];
  });
  return {
    lines,
    remember: async (line) => {
      // As in other shells, a line that begins with a blank is not remembered.
      if (line.trim() !== '' && !line.startsWith(' ')) await rememberLine(historyFile, line).catch(complain);
    },
  };
}

async function readAndRun(
  options: ReplOptions,
  readline: Interface,
  promptOutput: PromptOutput,
  remember: (line: string) => Promise<void>,
): Promise<void> {
  const { input, output, screen } = options;
  const waiting: string[] = [];
  let wake = (): void => undefined;
  let open = true;
  let busy = false;
  const question = createQuestion(readline, output);
  readline.on('line', (line) => {
    if (question.answer(line)) return;
    waiting.push(line);
    // Set here and not when it is taken: what follows in the same chunk of input must not be echoed.
    promptOutput.mute();
    screen.setBottomLine(undefined);
    wake();
  });
  readline.on('close', () => {
    open = false;
    wake();
  });
  readline.on('SIGINT', () => promptOutput.abandonLine(readline));
  const redrawPasted = (chunk: Buffer | string): void => {
    // readline echoes text that comes at once (a paste) as it is, also in the middle of the line.
    const isPaste = chunk.length > 1 && chunk[0] !== '\u001b' && chunk[0] !== 0x1b;
    if (isPaste && !options.dumb) setImmediate(() => screen.print([]));
  };
  input.on('data', redrawPasted);
  for (;;) {
    const line = waiting.shift();
    if (line === undefined) {
      if (!open) break;
      promptOutput.unmute();
      if (busy) input.setRawMode(true);
      busy = false;
      readline.prompt(true);
      screen.setBottomLine(promptOutput.bottomLine(readline));
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (waiting.length === 0 && !open) output.write('\n');
      continue;
    }
    // A line that came together with the one before was not echoed.
    if (busy) output.write(`${prompt}${line}\n`);
    busy = true;
    if (open) readline.pause();
    if (open) input.setRawMode(false);
    await remember(line);
    if (await runInterruptibly(line, options, question.ask)) break;
  }
  input.off('data', redrawPasted);
}

/** Runs a line; Ctrl-C ends its waiting, and further ones change nothing. True when the operator wants to leave. */
async function runInterruptibly(line: string, options: ReplOptions, ask: Question['ask']): Promise<boolean> {
  const interrupt = new AbortController();
  let leaving = false;
  const onSignal = (): void => {
    if (interrupt.signal.aborted) return;
    options.output.write('\n');
    interrupt.abort();
  };
  process.on('SIGINT', onSignal);
  try {
    await runLine(
      line,
      options.contextFor({
        signal: interrupt.signal,
        confirm: async (question) => await ask(question, interrupt.signal),
        quit: () => {
          leaving = true;
        },
      }),
    );
  } finally {
    process.off('SIGINT', onSignal);
  }
  return leaving;
}

/** Prints every event of the journal from now on, and when the service goes and comes back. */
async function watchEvents(options: ReplOptions, signal: AbortSignal): Promise<void> {
  const { screen } = options;
  try {
    await followJournal({
      cped: await options.services.cped(),
      afterSeq: undefined,
      startedAtMs: Date.now(),
      signal,
      onNotice: (notice) => {
        if (notice.kind === 'event') screen.print([renderEvent(notice.event, Date.now(), screen.style)]);
        else screen.print(renderNotice(notice, screen.style));
      },
    });
  } catch (error) {
    const message = error instanceof PcloudError || error instanceof Error ? error.message : String(error);
    screen.complain(renderWarning(`Events are no longer shown: ${message}`, undefined, screen.style));
  }
}
