/**
 * Completion in real shells: bash with its COMPREPLY looked at, zsh with a line completed by its editor, both against
 * real servers on Unix sockets.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { commandTable } from '../../shell/command-table.ts';
import { renderBashCompletion, renderZshCompletion } from '../../shell/completion-scripts.ts';
import { builderRoutes, cpedRoutes } from './canned.ts';
import { fakeServices } from './fake-services.ts';
import type { FakeServices } from './fake-services.ts';
import { assertIsCurrent } from './golden-page.ts';
import { runShell, shellEnvironment, shellProgram } from './run-shell.ts';

const completions = path.resolve(import.meta.dirname, '../../completions');

/** Services, and a directory of programs in which pcloudsh is the one of this checkout. */
async function house(
  t: TestContext,
): Promise<FakeServices & { readonly environment: Record<string, string> }> {
  const made = await fakeServices({ cped: cpedRoutes, builder: builderRoutes });
  t.after(async () => await made.close());
  const programs = path.join(made.runtimeDirectory, 'programs');
  await mkdir(programs);
  await program(path.join(programs, 'pcloudsh'), `exec ${process.execPath} ${shellProgram} "$@"`);
  // The limit is a person's patience; a test on a busy machine has more of it.
  await program(path.join(programs, 'timeout'), 'shift; exec "$@"');
  const environment = shellEnvironment(made.runtimeDirectory);
  return { ...made, environment: { ...environment, PATH: `${programs}:${environment['PATH'] ?? ''}` } };
}

async function program(file: string, text: string): Promise<void> {
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
}

/** What bash would offer for these words, the last of which is being typed. */
async function bashOffers(environment: Record<string, string>, words: readonly string[]): Promise<string[]> {
  const script =
    'source "$1"; shift; COMP_WORDS=(pcloudsh "$@"); COMP_CWORD=$#; _pcloudsh; printf "%s\\n" "${COMPREPLY[@]}"';
  const { stdout } = await execa(
    'bash',
    ['--norc', '--noprofile', '-c', script, 'bash', path.join(completions, 'pcloudsh.bash'), ...words],
    { env: environment, extendEnv: false, timeout: 20_000 },
  );
  return stdout.split('\n').filter((line) => line !== '');
}

test('the files of completions/ are those that the command table gives', async () => {
  await assertIsCurrent('completions/pcloudsh.bash', renderBashCompletion(commandTable));
  await assertIsCurrent('completions/_pcloudsh', renderZshCompletion(commandTable));
});

test('bash completes every command of the table, and every option of each', async (t) => {
  const { environment } = await house(t);
  const offered = await bashOffers(environment, ['']);
  for (const { name, aliases } of commandTable)
    for (const one of [name, ...(aliases ?? [])]) assert.ok(offered.includes(one), one);
  const script = `source "$1"; shift; for command; do
    COMP_WORDS=(pcloudsh "$command" -); COMP_CWORD=2; _pcloudsh; echo "$command" "\${COMPREPLY[@]}"
  done`;
  const file = path.join(completions, 'pcloudsh.bash');
  const names = commandTable.map(({ name }) => name);
  const { stdout } = await execa('bash', ['--norc', '-c', script, 'bash', file, ...names], {
    env: environment,
    extendEnv: false,
  });
  assert.deepEqual(
    stdout.split('\n'),
    commandTable.map(({ name, options }) => [name, ...options.map((one) => `--${one.name}`)].join(' ')),
  );
});

test('bash completes names that it asks of the services', async (t) => {
  const made = await house(t);
  assert.deepEqual(await bashOffers(made.environment, ['assembly_delete', '']), ['assy1', 'assy2']);
  assert.deepEqual(await bashOffers(made.environment, ['deployable_status', 'd']), ['dep1']);
  assert.deepEqual(await bashOffers(made.environment, ['maintenance_set', 'assy1/']), ['assy1/httpdone']);
  await Promise.all([made.cped.stop(), made.builder.stop()]);
  assert.deepEqual(await bashOffers(made.environment, ['assembly_delete', '']), []);
  await Promise.all([made.cped.start(), made.builder.start()]);
});

test('bash asks for words without their quotes, and expands nothing in them', async (t) => {
  const { environment, runtimeDirectory } = await house(t);
  for (const [words, wanted] of [
    [['"assembly_dele'], ['assembly_delete']],
    [
      ['assembly_delete', '"as'],
      ['assy1', 'assy2'],
    ],
    [
      ['assembly_delete', "'as"],
      ['assy1', 'assy2'],
    ],
    [['"assembly_delete"', 'assy\\1'], ['assy1']],
    [['assembly_delete', `as"sy"'1'`], ['assy1']],
    [['jeos_create', '"debian12"', `'x86`], ['x86_64']],
    [['deployable_status', '"--js'], ['--json']],
    [['assembly_delete', '"$(touch bad)as'], []],
    [['assembly_delete', '`touch bad`'], []],
  ] as const)
    assert.deepEqual(await bashOffers(environment, words), wanted, words.join(' '));
  assert.ok(!existsSync(path.join(runtimeDirectory, 'bad')) && !existsSync('bad'));
});

test('bash completes in its line editor what is begun in quotes', async (t) => {
  const { environment, runtimeDirectory } = await house(t);
  const rc = path.join(runtimeDirectory, 'bashrc');
  await writeFile(
    rc,
    `source ${path.join(completions, 'pcloudsh.bash')}
bind -x '"\\C-g": printf "<<%s>>\\n" "$READLINE_LINE"'
PS1='ready '
`,
  );
  const shell = execa(
    'script',
    ['--quiet', '--command', `exec bash --noprofile --rcfile ${rc} -i`, '/dev/null'],
    {
      env: { ...environment, TERM: 'dumb', SHELL: '/bin/sh' },
      extendEnv: false,
      stdin: 'pipe',
      reject: false,
      timeout: 30_000,
    },
  );
  let shown = '';
  let hear = (): void => undefined;
  shell.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    hear();
  });
  /** What the pattern finds in what is shown from now on. */
  const found = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const match = pattern.exec(shown);
      if (match !== null) {
        shown = shown.slice(match.index + match[0].length);
        return match[1] ?? '';
      }
      await new Promise<void>((resolve) => {
        hear = resolve;
      });
    }
  };
  await found(/ready /);
  for (const [typed, wanted] of [
    ['pcloudsh deployable_status "d', 'pcloudsh deployable_status "dep1" '],
    ["pcloudsh maintenance_set 'assy1/", "pcloudsh maintenance_set 'assy1/httpdone' "],
    ['pcloudsh "assembly_delete" assy', 'pcloudsh "assembly_delete" assy'],
    ['pcloudsh jeos_create "debian12" "x', 'pcloudsh jeos_create "debian12" "x86_64" '],
  ]) {
    shell.stdin.write(`\u0015${typed}\t\u0007`);
    assert.equal(await found(/<<(.*)>>/), wanted);
  }
  shell.stdin.write('\u0015exit\n');
  await shell;
});

test('zsh completes commands, options and names in its line editor', async (t) => {
  if (!existsSync('/usr/bin/zsh') && !existsSync('/bin/zsh')) return t.skip('zsh is not installed');
  const { environment, runtimeDirectory } = await house(t);
  const answer = path.join(runtimeDirectory, 'answer');
  await writeFile(
    path.join(runtimeDirectory, '.zshrc'),
    `fpath=(${completions} $fpath)
autoload -Uz compinit
compinit -u -D
zle-line-init() {
  BUFFER=$TYPED; CURSOR=$#BUFFER
  zle complete-word
  print -r -- "$BUFFER" > ${answer}
  BUFFER=exit; zle accept-line
}
zle -N zle-line-init
`,
  );
  for (const [typed, wanted] of [
    ['pcloudsh assembly_li', 'pcloudsh assembly_list'],
    ['pcloudsh deployable_status --js', 'pcloudsh deployable_status --json'],
    ['pcloudsh deployable_status d', 'pcloudsh deployable_status dep1'],
    ['pcloudsh maintenance_set assy1/', 'pcloudsh maintenance_set assy1/httpdone'],
    ['pcloudsh deployable_status "d', 'pcloudsh deployable_status "dep1"'],
    ["pcloudsh 'maintenance_set' 'assy1/", "pcloudsh 'maintenance_set' 'assy1/httpdone'"],
    ['pcloudsh "deployable_status" --js', 'pcloudsh "deployable_status" --json'],
    ['pcloudsh deployable_status d\\e', 'pcloudsh deployable_status dep1'],
  ] as const) {
    await execa('script', ['--quiet', '--command', 'exec zsh -d -i', '/dev/null'], {
      env: { ...environment, ZDOTDIR: runtimeDirectory, TYPED: typed, TERM: 'xterm', SHELL: '/bin/sh' },
      extendEnv: false,
      stdin: 'pipe',
      reject: false,
      timeout: 20_000,
    });
    assert.equal((await readFile(answer, 'utf8')).trimEnd(), wanted);
  }
  return undefined;
});

test('the question of the completion is answered quietly, also for what makes no sense', async (t) => {
  const { runtimeDirectory } = await house(t);
  for (const words of [[], ['nothing_like_it', ''], ['assembly_delete', '--', ''], ['\u0000', '💥']]) {
    const told = await runShell(runtimeDirectory, [
      '--complete',
      ...words.map((word) => word.replaceAll('\0', '?')),
    ]);
    assert.equal(told.code, 0);
    assert.equal(told.stderr, '');
  }
});
