/**
 * How pcloudsh was called: its own arguments, before any command is looked at. Pure, and light to load, since
 * `--version` must answer at once.
 */

export type Invocation =
  | { readonly kind: 'version' }
  | { readonly kind: 'help' }
  /** For the completion of bash and zsh: what the last of these words may become. */
  | { readonly kind: 'complete'; readonly words: readonly string[] }
  /** A script; `-` is standard input. */
  | { readonly kind: 'script'; readonly file: string; readonly keepsGoing: boolean }
  | { readonly kind: 'command'; readonly words: readonly string[] }
  /** Nothing was asked: a prompt on a terminal, else commands from standard input. */
  | { readonly kind: 'shell' }
  | { readonly kind: 'wrong'; readonly complaint: string };

export const invocationUsage: readonly string[] = [
  'Usage: pcloudsh                 open the shell (commands from standard input when it is no terminal)',
  '       pcloudsh COMMAND ARGS…   run one command',
  '       pcloudsh -f FILE         run the commands in FILE, stopping at the first error',
  '       pcloudsh -f FILE --keep-going   run them all (-f - is standard input)',
  '       pcloudsh --version | --help',
];

export function readInvocation(argv: readonly string[]): Invocation {
  const [first, ...rest] = argv;
  if (first === undefined) return { kind: 'shell' };
  if (first === '--version' || first === '-V') return alone({ kind: 'version' }, first, rest);
  if (first === '--help' || first === '-h') return alone({ kind: 'help' }, first, rest);
  if (first === '--complete') return { kind: 'complete', words: rest };
  if (first === '-f' || first === '--file') {
    const [file, ...surplus] = rest;
    if (file === undefined) return { kind: 'wrong', complaint: `${first} needs the name of a file.` };
    const keepsGoing = surplus[0] === '--keep-going';
    return alone(
      { kind: 'script', file, keepsGoing },
      `${first} FILE but --keep-going`,
      keepsGoing ? surplus.slice(1) : surplus,
    );
  }
  if (first.startsWith('-') && first !== '--')
    return { kind: 'wrong', complaint: `There is no option ${JSON.stringify(first.slice(0, 80))}.` };
  const words = first === '--' ? rest : argv;
  return words.length === 0 ? { kind: 'shell' } : { kind: 'command', words };
}

function alone(invocation: Invocation, option: string, rest: readonly string[]): Invocation {
  return rest.length === 0 ? invocation : { kind: 'wrong', complaint: `Nothing may follow ${option}.` };
}
