/**
 * The constant scripts that run inside a build's guest (`templates/guest/assemble/`), as arguments of its shell.
 * They are sent over the guest link, so each has to fit into one line of it; values come as further arguments and
 * never as part of the text.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from './package-managers.ts';

export const guestScriptNames = [
  'network',
  'prepare-apt',
  'disable-services',
  'seal-apt',
  'seal-rpm',
  'seal',
  'seal-last',
] as const;
export type GuestScriptName = (typeof guestScriptNames)[number];

export type GuestScripts = Readonly<Record<GuestScriptName, string>>;

/** Where they stand below the templates' directory; part of what a recipe counts as guest files. */
export const guestScriptsDirectory = 'guest/assemble';

/** The text without comments and indentation: what the guest need not be told. */
export function bareScript(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}

export async function loadGuestScripts(templatesDirectory: string): Promise<GuestScripts> {
  const texts = await Promise.all(
    guestScriptNames.map(async (name) => {
      const file = path.join(templatesDirectory, guestScriptsDirectory, `${name}.sh`);
      return [name, bareScript(await readFile(file, 'utf8'))] as const;
    }),
  );
  return Object.fromEntries(texts) as GuestScripts;
}

/** The script as a command; its `$1`, `$2` and so on are the values. */
export function scriptCommand(
  scripts: GuestScripts,
  name: GuestScriptName,
  values: readonly string[] = [],
): Command {
  return ['/bin/sh', '-c', scripts[name], name, ...values];
}
