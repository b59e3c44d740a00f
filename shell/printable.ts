/**
 * Text from elsewhere (a user, a guest, a service) made harmless for a terminal. It owns which characters
 * may pass; it does not cut, wrap or colour.
 */

/**
 * C0 and C1 controls and DEL could move the cursor or change colours; line and paragraph separators break
 * lines; bidirectional controls (Unicode TR36 §3.1) make a line read as what it is not.
 */
// oxlint-disable-next-line no-control-regex -- control characters are exactly what is looked for
const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The text on one line, with every unsafe character as `\n`, `\t` or `\uXXXX`. */
export function printable(text: string): string {
  return text.replace(unsafe, (character) => {
    if (character === '\n') return String.raw`\n`;
    if (character === '\t') return String.raw`\t`;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Each line of a text made printable by itself, for help of several lines such as a hint. */
export function printableLines(text: string): readonly string[] {
  return text.split('\n').map(printable);
}
