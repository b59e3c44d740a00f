/** Small damage to a text, as a hostile or broken writer would do it; each character stands for a byte. */
import type { Random } from './random.ts';

/** What means something in lines or in JSON, and what has broken parsers before. */
const meaningful = [
  ' ',
  '=',
  '%',
  '\n',
  '\r',
  '\0',
  '%00',
  '%zz',
  '%25',
  '%C3',
  '%FF',
  '..',
  '/',
  '-',
  '__proto__=1',
  ' constructor=x',
  'a.0=',
  'p.',
  'e.',
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '\\u0000',
  '\\ud800',
  'null',
  '1e999',
  '-0',
  '\x7f',
  '\xff',
  '99999999999999999999',
  '2147483648',
  '9007199254740993',
];

/** The text with one to four pieces of damage; never longer than `maxLength`. */
export function mutated(random: Random, text: string, maxLength: number): string {
  let damaged = text;
  for (let count = 1 + random.below(4); count > 0; count -= 1) damaged = damage(random, damaged);
  return damaged.length > maxLength ? damaged.slice(0, maxLength) : damaged;
}

function damage(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  switch (random.below(7)) {
    case 0: // another byte
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    case 1: // cut off
      return text.slice(0, at);
    case 2: // something of meaning in between
      return text.slice(0, at) + random.pick(meaningful) + text.slice(at);
    case 3: // a piece gone
      return text.slice(0, at) + text.slice(at + 1 + random.below(8));
    case 4: // a piece twice
      return text.slice(0, at) + text.slice(Math.max(0, at - random.below(64)));
    case 5: // a number at its limits
      return text.replace(
        /\d+/,
        random.pick(['0', '-1', '2147483647', '2147483648', '9007199254740992', '1e3', '٣']),
      );
    default: // very much of one thing
      return text.slice(0, at) + random.pick(meaningful).repeat(1 + random.below(200)) + text.slice(at);
  }
}
