/**
 * From a typed line to words: blanks separate, '…' is literal, "…" knows \" and \\, a backslash takes the
 * next character as it is, and # at the start of a word begins a comment. Deliberately no variables, globs,
 * pipes or line continuation: this is a command line, not a language.
 */
import { PcloudError } from '../model/errors.ts';

/** Longest line that is looked at, in characters: far above any command, far below what could hurt. */
export const maxLineLength = 65_536;

type Scan = {
  /** Finished words. */
  readonly words: string[];
  /** The word that the line ends in; undefined when it ends between words. */
  readonly partial: string | undefined;
  /** What was still open at the end of the line. */
  readonly open: 'nothing' | 'single-quote' | 'double-quote' | 'backslash' | 'comment';
};

/**
 * The words of a line; none for an empty line or a comment.
 * @throws PcloudError `bad-quoting` or `line-too-long` (both invalid).
 */
export function parseWords(line: string): readonly string[] {
  if (line.length > maxLineLength) {
    throw new PcloudError({
      code: 'line-too-long',
      category: 'invalid',
      message: `The line is too long: the limit is ${maxLineLength} characters.`,
      hint: 'Commands are a line each. Is this a script of commands?',
    });
  }
  const { words, partial, open } = scan(line);
  if (open === 'single-quote' || open === 'double-quote' || open === 'backslash') {
    throw new PcloudError({
      code: 'bad-quoting',
      category: 'invalid',
      message: `The line ends inside ${open === 'backslash' ? 'an escape (a lone backslash)' : `a quotation opened by ${open === 'single-quote' ? "'" : '"'}`}.`,
      hint: 'Close the quotation on the same line; write \\\\ for a backslash, \\\' or \\" for a quotation mark.',
    });
  }
  return partial === undefined ? words : [...words, partial];
}

/** For completion: the finished words before the cursor, and the word under way ('' after a blank). */
export function splitForCompletion(line: string): {
  readonly before: readonly string[];
  readonly current: string;
  readonly inComment: boolean;
} {
  const { words, partial, open } = scan(line.slice(0, maxLineLength));
  return { before: words, current: partial ?? '', inComment: open === 'comment' };
}

function scan(line: string): Scan {
  const words: string[] = [];
  let word: string | undefined;
  let quote: 'single-quote' | 'double-quote' | undefined;
  for (let index = 0; index < line.length; index += 1) {
    const character = line.charAt(index);
    const next = line.charAt(index + 1);
    if (quote === 'single-quote') {
      if (character === "'") quote = undefined;
      else word = `${word ?? ''}${character}`;
    } else if (quote === 'double-quote') {
      if (character === '"') quote = undefined;
      else if (character === '\\' && (next === '"' || next === '\\')) {
        word = `${word ?? ''}${next}`;
        index += 1;
      } else word = `${word ?? ''}${character}`;
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === '#' && word === undefined) {
      return { words, partial: undefined, open: 'comment' };
    } else if (character === "'" || character === '"') {
      quote = character === "'" ? 'single-quote' : 'double-quote';
      word ??= '';
    } else if (character === '\\') {
      if (next === '') return { words, partial: word ?? '', open: 'backslash' };
      word = `${word ?? ''}${next}`;
      index += 1;
    } else word = `${word ?? ''}${character}`;
  }
  return { words, partial: word, open: quote ?? 'nothing' };
}
