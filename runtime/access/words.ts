/** Reads the words behind `pcloud-cped token …` and `pcloud-cped tls-self-signed …`. Pure. */
import { PcloudError } from '../../model/errors.ts';

export type Words = {
  readonly positionals: readonly string[];
  readonly options: ReadonlyMap<string, string>;
};

/**
 * @param allowed the options there are, each with a value
 * @throws PcloudError `usage`.
 */
export function readWords(words: readonly string[], allowed: readonly string[], usage: string): Words {
  const positionals: string[] = [];
  const options = new Map<string, string>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('--')) {
      positionals.push(word);
      continue;
    }
    const name = word.slice(2);
    const value = words[(at += 1)];
    if (!allowed.includes(name))
      throw badUsage(`there is no option ${JSON.stringify(word.slice(0, 80))}`, usage);
    if (value === undefined) throw badUsage(`${word} needs a value`, usage);
    if (options.has(name)) throw badUsage(`${word} is given twice`, usage);
    options.set(name, value);
  }
  return { positionals, options };
}

export function badUsage(why: string, usage: string): PcloudError {
  return new PcloudError({
    code: 'usage',
    category: 'invalid',
    message: `That is not understood: ${why}.`,
    hint: usage.trimEnd(),
  });
}
