/** The commands on the secrets of a deployable: deployable_secret_set, deployable_secret_remove. None is ever shown. */
import { PcloudError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import type { Command } from '../command.ts';
import { printNote } from '../output.ts';
import { readSecretFile } from '../service-file/load.ts';
import { deployableArgument } from './arguments.ts';

const secretArgument = {
  name: 'SECRET',
  kind: 'secret',
  presence: 'required',
  about: 'name of the secret; a parameter is given it as @secret:NAME',
} as const;

const secretSet = defineCommand({
  name: 'deployable_secret_set',
  topic: 'order and parameters',
  summary: 'set a secret of a deployable, from a file or drawn',
  help: [
    'Without --from-file the service draws one, unless there is one of that name. A value is never shown again, and never typed: it would stay in the history.',
    'The file holds one line of at most 128 characters.',
  ],
  example: 'deployable_secret_set dep1 database-password',
  arguments: [deployableArgument, secretArgument],
  options: [{ name: 'from-file', kind: 'text', value: 'FILE', about: 'take it from this file' }],
  async run({ DEPLOYABLE, SECRET }, context, options) {
    let value: string | null = null;
    const file = options['from-file'];
    if (file !== undefined) {
      const read = await readSecretFile(file);
      if ('fault' in read)
        throw new PcloudError({ code: 'bad-secret', category: 'invalid', message: `${read.fault}.` });
      ({ value } = read);
    }
    const cped = await context.services.cped();
    const { changed, note } = await cped.setSecret(DEPLOYABLE, SECRET, value, false);
    context.screen.print([
      changed
        ? `secret ${SECRET} of deployable ${DEPLOYABLE} is set`
        : `secret ${SECRET} of deployable ${DEPLOYABLE} stays as it is`,
    ]);
    printNote(note, context);
  },
});

const secretRemove = defineCommand({
  name: 'deployable_secret_remove',
  topic: 'order and parameters',
  summary: 'forget a secret of a deployable',
  help: ['Refused while a resource of the deployable is given it.'],
  example: 'deployable_secret_remove dep1 database-password',
  arguments: [deployableArgument, secretArgument],
  async run({ DEPLOYABLE, SECRET }, context) {
    const cped = await context.services.cped();
    await cped.removeSecret(DEPLOYABLE, SECRET);
    context.screen.print([`secret ${SECRET} of deployable ${DEPLOYABLE} is forgotten`]);
  },
});

export const secretCommands: readonly Command[] = [secretSet, secretRemove];
