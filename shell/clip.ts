/**
 * Lines cut to the width of a terminal, colours apart. Pure. It counts characters; on a terminal that shows
 * some of them two columns wide, the screen's own cutting does the rest.
 */

// oxlint-disable-next-line no-control-regex -- the escape codes that `style.ts` makes
const colourCode = /\u001b\[\d*m/y;
const colourEnd = '\u001b[0m';

/** The line's first `columns` characters, ending with an ellipsis and without colour where it was cut. */
export function clip(line: string, columns: number): string {
  let shown = 0;
  let kept = '';
  let isColoured = false;
  for (let at = 0; at < line.length;) {
    colourCode.lastIndex = at;
    const code = colourCode.exec(line)?.[0];
    if (code !== undefined) {
      kept += code;
      isColoured = code !== colourEnd;
      at += code.length;
      continue;
    }
    const character = String.fromCodePoint(line.codePointAt(at) ?? 0);
    if (shown === columns - 1 && hasMore(line, at + character.length))
      return `${kept}…${isColoured ? colourEnd : ''}`;
    kept += character;
    shown += 1;
    at += character.length;
  }
  return kept;
}

/** Whether anything but colour follows. */
function hasMore(line: string, at: number): boolean {
  colourCode.lastIndex = at;
  const code = colourCode.exec(line)?.[0];
  return code === undefined ? at < line.length : hasMore(line, at + code.length);
}
