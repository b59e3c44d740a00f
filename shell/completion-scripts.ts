/**
 * Completion for bash and zsh, made from the command table: commands and options stand in the files, names are asked
 * of the services by `pcloudsh --complete WORD…`. Pure; a test compares `completions/` with it.
 */
import type { Command } from './command.ts';

const origin =
  '# Made from the command table: UPDATE_GOLDENS=1 node --test test/shell/completion-scripts.test.ts';

/** What the program itself takes before any command. */
const programOptions = ['--file', '--help', '--version'];

/** Longest that Tab waits for names, in seconds; the program itself gives the services half a second. */
const limitS = 2;

/** `completions/pcloudsh.bash`. */
export function renderBashCompletion(commands: readonly Command[]): string {
  const first = [...commands.flatMap(namesOf), ...programOptions].sort();
  const withOptions = commands.filter(({ options }) => options.length > 0);
  return `# Completion of pcloudsh for bash.
${origin}

# Sets plain to the word without its quotes, the last of which may still be open. Nothing in it is expanded.
_pcloudsh_plain() {
    local word=$1 quote='' next i
    plain=''
    for ((i = 0; i < \${#word}; i++)); do
        next=\${word:i:1}
        if [[ -n $quote && $next == "$quote" ]]; then
            quote=''
        elif [[ -z $quote && $next == [\\'\\"] ]]; then
            quote=$next
        elif [[ $next == \\\\ && $quote != \\' && (-z $quote || \${word:i+1:1} == [\\"\\\\\\$\\\`]) ]]; then
            ((i += 1))
            plain+=\${word:i:1}
        else
            plain+=$next
        fi
    done
}

_pcloudsh() {
    local current options='' plain word
    local -a words=()
    for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
        _pcloudsh_plain "$word"
        words+=("$plain")
    done
    current=$plain
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W '${first.join(' ')}' -- "$current")
        return
    fi
    case \${words[0]} in
        -f | --file)
            compopt -o default
            return
            ;;
${withOptions
  .map(
    (command) => `        ${namesOf(command).join(' | ')})
            options='${optionsOf(command).join(' ')}'
            ;;
`,
  )
  .join('')}    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        return
    fi
    case \${words[0]} in
        ${commands.filter(takesText).flatMap(namesOf).join(' | ')})
            compopt -o default
            ;;
    esac
    mapfile -t COMPREPLY < <(timeout ${limitS} "\${COMP_WORDS[0]}" --complete "\${words[@]}" 2>/dev/null </dev/null)
}

complete -F _pcloudsh pcloudsh
`;
}

/** `completions/_pcloudsh`. */
export function renderZshCompletion(commands: readonly Command[]): string {
  const described = commands.flatMap((command) =>
    namesOf(command).map((name) => `        ${quoted(`${name}:${command.summary}`)}`),
  );
  const withOptions = commands.filter(({ options }) => options.length > 0);
  return `#compdef pcloudsh
# Completion of pcloudsh for zsh.
${origin}

_pcloudsh() {
    local -a commands options names
    # Words stand here as they were typed, quotes and all.
    local name=\${(Q)words[2]}
    commands=(
${described.join('\n')}
    )
    if (( CURRENT == 2 )); then
        if [[ $PREFIX == -* ]]; then
            compadd -- ${programOptions.join(' ')}
        else
            _describe -t commands 'command of pcloudsh' commands
        fi
        return
    fi
    case $name in
        (-f|--file)
            _files
            return
            ;;
${withOptions
  .map(
    (command) => `        (${namesOf(command).join('|')})
            options=(
${command.options.map(({ name, about }) => `                ${quoted(`--${name}:${about}`)}`).join('\n')}
            )
            ;;
`,
  )
  .join('')}    esac
    if [[ $PREFIX == -* ]]; then
        _describe -o -t options 'option' options
        return
    fi
    names=(\${(f)"$(timeout ${limitS} $words[1] --complete "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)"})
    compadd -a names && return
    case $name in
        (${commands.filter(takesText).flatMap(namesOf).join('|')})
            _files
            ;;
    esac
}

_pcloudsh "$@"
`;
}

function namesOf(command: Command): readonly string[] {
  return [command.name, ...(command.aliases ?? [])];
}

function optionsOf(command: Command): readonly string[] {
  return command.options.map(({ name }) => `--${name}`);
}

/** Whether a word of it may be the name of a file. */
function takesText(command: Command): boolean {
  return [...command.arguments, ...command.options].some(({ kind }) => kind === 'text');
}

/** A word in single quotes, as every shell reads it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
