/**
 * Colours and line drawing, or the lack of them. It owns the decision and the escape codes; what is coloured
 * is the renderers'.
 */

export type Style = {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly green: (text: string) => string;
  /** Branches of a tree, each three columns wide. */
  readonly tree: {
    readonly tee: string;
    readonly corner: string;
    readonly bar: string;
    readonly gap: string;
  };
  /** A filled and an empty cell of a progress bar. */
  readonly bar: { readonly full: string; readonly empty: string };
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Colour only on a terminal that is not dumb, and unless NO_COLOR is set to anything (no-color.org). */
export function wantsColour(isTty: boolean, environment: Environment): boolean {
  const noColour = environment['NO_COLOR'];
  return isTty && (noColour === undefined || noColour === '') && environment['TERM'] !== 'dumb';
}

/** Line drawing characters only where the locale says UTF-8 (POSIX: LC_ALL, LC_CTYPE, LANG in this order). */
export function wantsUnicode(environment: Environment): boolean {
  const locale = [environment['LC_ALL'], environment['LC_CTYPE'], environment['LANG']].find(
    (value) => value !== undefined && value !== '',
  );
  return /utf-?8/i.test(locale ?? '');
}

export function createStyle(options: { readonly colour: boolean; readonly unicode: boolean }): Style {
  // SGR codes, ECMA-48 §8.3.117.
  const paint =
    (code: number) =>
    (text: string): string =>
      options.colour && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text;
  return {
    bold: paint(1),
    dim: paint(2),
    red: paint(31),
    yellow: paint(33),
    green: paint(32),
    tree: options.unicode
      ? { tee: '├─ ', corner: '└─ ', bar: '│  ', gap: '   ' }
      : { tee: '|- ', corner: '`- ', bar: '|  ', gap: '   ' },
    bar: options.unicode ? { full: '█', empty: '░' } : { full: '#', empty: '.' },
  };
}

/** No colours, ASCII: for files, pipes and tests. */
export const plainStyle: Style = createStyle({ colour: false, unicode: false });
