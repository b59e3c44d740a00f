/**
 * pcloudsh as an operator uses it on a stack of a test's own: run as a program, judged by its exit code and
 * its words, and held to having changed nothing. What is typed and expected is the tests' own tables.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { execa } from 'execa';
import { builderClient } from '../../builder/client.ts';
import { cpedClient } from '../../runtime/client.ts';
import type { StackLayout } from '../../tools/stack/layout.ts';
import { privateLibvirtUri } from '../../tools/stack/libvirtd.ts';
import { clientEnvironment } from '../../tools/stack/stack.ts';

const program = path.resolve(import.meta.dirname, '../../shell/main.ts');
const limitMs = 60_000;

export type Told = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type BadRow = {
  readonly title: string;
  readonly words: readonly string[];
  readonly code: 1 | 2;
  readonly message: RegExp;
  readonly hint: RegExp;
};

/** Where pcloudsh looks for the services, and nothing else of ours. */
export type ShellEnvironment = Readonly<Record<string, string>>;

export async function pcloudsh(
  environment: ShellEnvironment,
  words: readonly string[],
  input = '',
): Promise<Told> {
  const result = await execa(process.execPath, [program, ...words], {
    env: { ...environment, TERM: 'dumb' },
    input,
    reject: false,
    timeout: limitMs,
    stripFinalNewline: false,
  });
  assert.equal(result.signal, undefined, `pcloudsh ${words.join(' ')} was ended by ${result.signal}`);
  return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** Runs what has to work for a row to mean anything. */
export async function mustWork(environment: ShellEnvironment, ...lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    const { code, stderr } = await pcloudsh(environment, line.split(' '));
    assert.equal(code, 0, `${line}: ${stderr}`);
  }
}

/** A person reads what went wrong and what to do; never a stack, a control character, or our word for a defect. */
export function assertRefused(row: BadRow, told: Told): void {
  assert.equal(told.code, row.code, told.stderr);
  const lines = told.stderr.split('\n');
  const message = lines.find((line) => line.startsWith('error: ')) ?? '';
  const hint = lines.slice(lines.indexOf(message) + 1).join('\n');
  assert.match(message, row.message);
  assert.match(hint, /^ {2}hint: /);
  assert.match(hint, row.hint);
  assertForPeople(told);
}

export function assertForPeople(told: Told): void {
  assert.doesNotMatch(told.stderr, /\n {4}at |\bnode:|Unexpected failure|\bundefined\b/);
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is looked for
  assert.doesNotMatch(`${told.stdout}${told.stderr}`, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
}

/**
 * All that an operator could see change: definitions, intents, images, builds, and libvirt's domains with
 * their state. Asked of the services directly, since it is asked after every row; `listsOf` is the same in
 * pcloudsh's words. Ages differ from moment to moment, so they are left out.
 */
export async function stateSeen(layout: StackLayout): Promise<string> {
  const cped = cpedClient(layout.cpedSocket);
  const builder = builderClient(layout.builderSocket);
  const seen: readonly unknown[] = await Promise.all([
    cped.assemblies(),
    cped.deployables(),
    builder.images(),
    builder.builds(),
    builder.media.list(),
    cped.imagesInUse(),
  ]);
  const domains = await execa('virsh', ['--quiet', '--connect', privateLibvirtUri(layout), 'list', '--all'], {
    timeout: 20_000,
  });
  return [...seen.map((one) => JSON.stringify(one, withoutAges, 1)), domains.stdout].join('\n');
}

/** The lists as pcloudsh prints them for scripts. */
export async function listsOf(layout: StackLayout): Promise<string> {
  const lists = ['assembly_list', 'deployable_list', 'deployable_status', 'jeos_list'];
  const told = await Promise.all(
    lists.map(async (list) => await pcloudsh(clientEnvironment(layout), [list, '--json'])),
  );
  for (const { code, stderr } of told) assert.equal(code, 0, stderr);
  return told.map(({ stdout }) => JSON.stringify(JSON.parse(stdout), withoutAges, 1)).join('\n');
}

function withoutAges(key: string, value: unknown): unknown {
  return key.endsWith('Ms') ? 0 : value;
}
