/**
 * The command that takes in a machine that we did not build: assembly_import.
 */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { PcloudError } from '../../model/errors.ts';
import { quoteForMessage } from '../../model/names.ts';
import { parseHostKey } from '../../model/ssh.ts';
import { defineCommand } from '../command.ts';
import type { Command } from '../command.ts';
import { stoppedWaiting } from '../context.ts';
import type { ShellContext } from '../context.ts';
import { formatBytes } from '../duration.ts';
import type { ImportedView, ImportOrder } from '../ports.ts';
import { printable } from '../printable.ts';
import { renderWarning } from '../render-message.ts';

const options = [
  { name: 'release', kind: 'text', value: 'RELEASE', about: 'what is in the disk (release_list)' },
  {
    name: 'family',
    kind: 'text',
    value: 'FAMILY',
    values: ['debian', 'fedora', 'rhel'],
    about: 'without a release: debian, fedora or rhel',
  },
  {
    name: 'init',
    kind: 'text',
    value: 'INIT',
    values: ['systemd', 'sysv'],
    about: 'without a release: systemd or sysv',
  },
  {
    name: 'machine',
    kind: 'text',
    value: 'TYPE',
    values: ['pc', 'q35'],
    about: 'pc or q35; the release’s, else pc',
  },
  { name: 'memory', kind: 'count', value: 'MIB', about: 'memory; the release’s, else 1024' },
  { name: 'vcpus', kind: 'count', value: 'N', about: 'processors; else 1' },
  {
    name: 'transport',
    kind: 'text',
    value: 'WAY',
    values: ['ssh', 'agent', 'none'],
    about: 'how its guest is spoken to: ssh (usual), agent, none',
  },
  {
    name: 'user',
    kind: 'text',
    value: 'USER',
    about: 'who logs in by ssh; else root. Others need sudo without a password',
  },
  { name: 'port', kind: 'count', value: 'N', about: 'where sshd listens in the guest; else 22' },
  {
    name: 'key',
    kind: 'text',
    value: 'FILE',
    about: 'private key, without a passphrase; it is copied. None: one is made',
  },
  {
    name: 'host-key',
    kind: 'text',
    value: 'KEY',
    about: 'the guest’s ssh host key: its public line, or a file with it',
  },
  { name: 'trust-first', kind: 'flag', about: 'take whatever host key the first connection shows' },
  {
    name: 'format',
    kind: 'text',
    value: 'FORMAT',
    values: ['qcow2', 'raw'],
    about: 'qcow2 or raw; a raw disk has to be called so',
  },
] as const;

const assemblyImport = defineCommand({
  name: 'assembly_import',
  topic: 'assemblies',
  summary: 'take in a machine by its disk, which we did not build',
  help: [
    'The disk is copied (its blocks are shared where the file system can); the original is only read, and must not be in use. A qcow2 disk has to be whole: no backing file, no data file, not encrypted. The assembly is then started, watched, restarted and deleted like any other; it cannot be cloned.',
    'By ssh, the services in the guest are watched, started and stopped with the system’s own tools, and a death is noticed within about two seconds. Without --key a key pair is made, and its public half is printed: put that into the guest’s authorized_keys. The guest is recognised by its host key, which you give, or which is taken at the first connection if you say --trust-first: whoever answers then is trusted from then on. With --transport agent the disk has our agent in it; with none the machine alone is watched.',
    'Resource templates need to know what is in the disk: name the release, which also tells ssh what an old sshd understands, or family and init.',
  ],
  example: 'assembly_import shop1 /srv/shop.qcow2 --release RHEL6 --key shop.key --host-key shop.pub',
  arguments: [
    { name: 'NAME', kind: 'assembly', presence: 'required', about: 'name of the new assembly', isNew: true },
    {
      name: 'DISK',
      kind: 'text',
      presence: 'required',
      about: 'path of its disk on the host of the service',
    },
  ],
  options,
  afterCtrlC: 'copying the disk goes on: assembly_list shows NAME when it is done',
  async run({ NAME, DISK }, context, given) {
    const order: ImportOrder = {
      name: NAME,
      disk: path.resolve(DISK),
      keyFile: given.key === undefined ? undefined : path.resolve(given.key),
      hostKey: given['host-key'] === undefined ? undefined : await hostKeyFrom(given['host-key']),
      trustFirst: given['trust-first'],
      memoryMiB: given.memory,
      release: given.release,
      family: given.family,
      init: given.init,
      machine: given.machine,
      vcpus: given.vcpus,
      transport: given.transport,
      user: given.user,
      port: given.port,
      format: given.format,
    };
    const cped = await context.services.cped();
    context.screen.live(`copying ${printable(order.disk)}`);
    try {
      report(order, await cped.importAssembly(order, context.signal), context);
    } catch (error) {
      if (!context.signal.aborted) throw error;
      throw stoppedWaiting(
        `Stopped waiting; copying the disk of ${NAME} goes on. assembly_list shows it when it is done.`,
      );
    } finally {
      context.screen.live(undefined);
    }
  },
});

function report(order: ImportOrder, imported: ImportedView, context: ShellContext): void {
  const seconds = (imported.durationMs / 1000).toFixed(1);
  context.screen.print([
    `assembly ${order.name} imported: ${formatBytes(imported.copiedBytes)} copied in ${seconds} s`,
    ...(imported.publicKey === null
      ? []
      : ['put this line into the authorized_keys of its user in the guest:', printable(imported.publicKey)]),
  ]);
  if (order.trustFirst)
    context.screen.complain(
      renderWarning(
        `Whoever answers first by ssh is taken for the guest of ${order.name}.`,
        'Compare the host key afterwards; the log of pcloud-cped has it.',
        context.screen.style,
      ),
    );
}

const maxHostKeyFileBytes = 64 * 1024;

/** The key itself, or the path of a file that holds it; what it is worth is judged by the service. */
async function hostKeyFrom(word: string): Promise<string> {
  if (parseHostKey(word) !== undefined) return word;
  try {
    const { size } = await stat(word);
    if (size > maxHostKeyFileBytes) throw new Error(`it has ${size} bytes`);
    return (await readFile(word, 'utf8')).trim();
  } catch (error) {
    throw new PcloudError({
      code: 'bad-host-key',
      category: 'invalid',
      message: `${quoteForMessage(word)} is neither an ssh host key nor a file that can be read.`,
      hint: "Give a line of the guest's /etc/ssh/ssh_host_*_key.pub in quotes, or the path of such a file.",
      cause: error,
    });
  }
}

export const importCommands: readonly Command[] = [assemblyImport];
