/**
 * The commands for install media: media_add, media_list, media_verify, media_remove.
 */
import path from 'node:path';
import { PcloudError } from '../../model/errors.ts';
import { agreesToLoss, yesOption } from '../agree.ts';
import type { Command } from '../command.ts';
import { defineCommand, jsonOption } from '../command.ts';
import { followMedia } from '../follow-media.ts';
import { printJson, printList, viewOf } from '../output.ts';
import { printable } from '../printable.ts';
import { renderMedia, renderVerdicts } from '../render-media.ts';
import { renderWarning } from '../render-message.ts';

const release = {
  name: 'RELEASE',
  kind: 'release',
  presence: 'required',
  about: 'a release that is installed from media, such as F14 (media_list)',
} as const;

const mediaAdd = defineCommand({
  name: 'media_add',
  topic: 'install media',
  summary: 'give the medium that a release is installed from',
  help: [
    'The release is then installed from it, and no longer from the public archive. SOURCE is an ISO image on this host, which is used where it is and not copied; or an install tree, a directory with a .treeinfo in it; or the http or https address of an ISO, which is downloaded; or that of an install tree, which ends with a slash. RHEL 6 is for subscribers: give the ISO that you have.',
    'The medium is checked before it is used, and whenever it has changed. A download that is interrupted goes on where it stopped, also after a restart of the builder.',
  ],
  example: 'media_add RHEL6 /srv/iso/rhel-server-6.10-x86_64-dvd.iso',
  arguments: [
    release,
    {
      name: 'SOURCE',
      kind: 'text',
      presence: 'required',
      about: 'path or address of an ISO or an install tree',
    },
  ],
  options: [
    {
      name: 'sha256',
      kind: 'text',
      value: 'HEX',
      about: 'what its checksum has to be: of the ISO, or of a tree’s .treeinfo',
    },
    { name: 'no-wait', kind: 'flag', about: 'only begin; media_list shows how it goes' },
  ],
  exitCodes: [['1', 'it could not be downloaded, or it is not what it should be']],
  afterCtrlC: 'adding the medium goes on: media_list shows it, media_remove RELEASE ends it',
  async run({ RELEASE, SOURCE }, context, options) {
    const builder = await context.services.builder();
    const task = await builder.addMedium(RELEASE, sourceFrom(SOURCE), options.sha256);
    if (options['no-wait']) {
      context.screen.print([`began to add the medium for ${RELEASE}; media_list shows how it goes`]);
      return;
    }
    const title = `medium for ${RELEASE}`;
    const whatGoesOn = `Stopped waiting; adding the medium for ${RELEASE} goes on. media_list shows it, media_remove ${RELEASE} ends it.`;
    const outcome = await followMedia(task, { title, whatGoesOn }, context);
    if (outcome.kind !== 'added') throw otherOutcome();
    const { medium, warnings } = outcome;
    context.screen.print([
      printable(
        `${medium.release} ${medium.architecture} is installed from ${medium.title ?? medium.location}`,
      ),
      printable(`  ${medium.location}`),
      `  sha256 ${medium.sha256 ?? 'unknown'}`,
    ]);
    for (const warning of warnings)
      context.screen.complain(renderWarning(warning, undefined, context.screen.style));
  },
});

/** The builder has another working directory than we have. */
function sourceFrom(word: string): string {
  return word === '' || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(word) ? word : path.resolve(word);
}

const mediaList = defineCommand({
  name: 'media_list',
  topic: 'install media',
  summary: 'list what each release is installed from',
  help: [
    'Each with its state: ready; remote (fetched piece by piece while a machine installs); absent (downloaded when a build first needs it); adding; damaged.',
  ],
  example: 'media_list',
  arguments: [],
  options: [jsonOption],
  async run(_, context, options) {
    const builder = await context.services.builder();
    const media = await builder.media();
    printList(context, {
      json: options.json,
      key: 'media',
      items: media,
      render: renderMedia,
      whenEmpty: 'No release of the catalogue is installed from media.',
    });
    if (options.json) return;
    for (const { release: name, problem, hint } of media)
      if (problem !== null && hint !== null)
        context.screen.complain(renderWarning(`${name}: ${problem}`, hint, context.screen.style));
  },
});

const mediaVerify = defineCommand({
  name: 'media_verify',
  topic: 'install media',
  summary: 'read media anew and compare them with their checksums',
  help: [
    'Without RELEASE, all that is on this host. With it, what a build of the release would use, also a tree in an archive. A download that is not what it should be is deleted; files of yours are left as they are.',
  ],
  example: 'media_verify F14',
  arguments: [{ ...release, presence: 'optional' }],
  options: [jsonOption],
  exitCodes: [['1', 'a medium is not what it should be']],
  afterCtrlC: 'the builder goes on reading: media_verify again waits for its verdict',
  async run({ RELEASE }, context, options) {
    const builder = await context.services.builder();
    const task = await builder.verifyMedia(RELEASE);
    const title = RELEASE === undefined ? 'media' : `medium for ${RELEASE}`;
    const whatGoesOn =
      'Stopped waiting; the builder goes on reading. media_verify again waits for its verdict.';
    const outcome = await followMedia(task, { title, whatGoesOn, quiet: options.json }, context);
    if (outcome.kind !== 'verified') throw otherOutcome();
    const { verdicts } = outcome;
    if (options.json) printJson(context, { verdicts });
    else if (verdicts.length === 0)
      context.screen.print(['No medium is on this host yet; there is nothing to verify.']);
    else context.screen.print(renderVerdicts(verdicts, viewOf(context)));
    const bad = verdicts.filter(({ verdict }) => verdict === 'bad');
    for (const { release: name, detail, hint } of bad)
      context.screen.complain(renderWarning(`${name}: ${detail}`, hint ?? undefined, context.screen.style));
    return bad.length === 0 ? 0 : 1;
  },
});

const mediaRemove = defineCommand({
  name: 'media_remove',
  topic: 'install media',
  summary: 'forget the medium that was given for a release',
  help: [
    'The release is then installed from the public archive again. A download under way is stopped, and one that is done is deleted; files of yours are left as they are. Where no medium was given, what was downloaded from the archive is deleted. It asks first; a script says --yes.',
  ],
  example: 'media_remove RHEL6 --yes',
  arguments: [release],
  options: [yesOption],
  exitCodes: [['1', 'not removed: nobody said yes, or the message says why']],
  async run({ RELEASE }, context, { yes }) {
    const loss = {
      yes,
      call: `media_remove ${RELEASE}`,
      question: `Forget the medium for ${RELEASE} and delete what was downloaded? Files of yours stay.`,
    };
    if (!(await agreesToLoss(loss, context))) return 1;
    const builder = await context.services.builder();
    context.screen.print((await builder.removeMedium(RELEASE)).map(printable));
    return 0;
  },
});

function otherOutcome(): PcloudError {
  return new PcloudError({
    code: 'bad-answer',
    category: 'internal',
    message: 'The builder ended this work as if it had been another.',
    hint: 'Is the service of another version than this program? Restart the service after an upgrade.',
  });
}

export const mediaCommands: readonly Command[] = [mediaAdd, mediaList, mediaVerify, mediaRemove];
