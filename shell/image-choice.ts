/**
 * The options by which an operator says how an image is to be made, where the usual way is not meant. Pure.
 */
import type { ImageChoice } from '../model/builder-api.ts';
import { PcloudError } from '../model/errors.ts';
import { quoteForMessage } from '../model/names.ts';
import { engineNames } from '../model/release.ts';

export const installOptions = [
  {
    name: 'engine',
    kind: 'text',
    value: 'NAME',
    values: engineNames,
    about: 'oz or virt-install, where the usual one is not meant',
  },
  {
    name: 'medium',
    kind: 'text',
    value: 'KIND',
    values: ['iso', 'tree'],
    about: 'iso or tree, where the catalogue has both',
  },
] as const;

export const noWaitOption = { name: 'no-wait', kind: 'flag', about: 'only queue the build' } as const;

/** @throws PcloudError `bad-option`. */
export function installChoice(options: {
  readonly engine: string | undefined;
  readonly medium: string | undefined;
}): Pick<ImageChoice, 'engine' | 'medium'> {
  const engine = oneOf('engine', options.engine, engineNames);
  const medium = oneOf('medium', options.medium, ['iso', 'tree'] as const);
  return { ...(engine === undefined ? {} : { engine }), ...(medium === undefined ? {} : { medium }) };
}

function oneOf<T extends string>(
  option: string,
  value: string | undefined,
  known: readonly T[],
): T | undefined {
  const found = known.find((one) => one === value);
  if (value === undefined || found !== undefined) return found;
  throw new PcloudError({
    code: 'bad-option',
    category: 'invalid',
    message: `--${option} cannot be ${quoteForMessage(value)}.`,
    hint: `It is one of ${known.join(', ')}; leave it out for the usual one.`,
    facts: { option },
  });
}
