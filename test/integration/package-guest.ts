/**
 * A guest of our own for tests of the package under a real systemd: the tree with what the package depends on, as a
 * disk beside the JEOS's kernel, the .deb in it, booted in QEMU and told over the guest link what to run. Its network
 * is the machine's own; nothing of the host's libvirt is asked.
 */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { withGuest } from '../../builder/guest/guest-life.ts';
import type { GuestLife } from '../../builder/guest/guest-life.ts';
import { howItEnded, runToEnd } from '../../builder/guest/guest-steps.ts';
import type { Artifact } from '../../catalogue/image-directory.ts';
import { unpackTree } from './package-tree.ts';

const memoryMiB = 1024;
/** Of one program, in an emulated guest on a busy host. */
const limitMs = 300_000;

export type PackageGuest = {
  /** Runs a script by sh, which ends at the first failure, and returns what it printed, trimmed. */
  readonly run: (script: string) => Promise<string>;
};

/** @param tree a tar as `package-tree.ts` makes it @param deb put into the guest's /root */
export async function withPackageGuest(
  options: {
    readonly jeos: Artifact;
    readonly tree: string;
    readonly deb: string;
    readonly signal: AbortSignal;
  },
  work: (guest: PackageGuest) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp('/tmp/pcs-');
  try {
    const overlayPath = await diskOf(directory, options.tree, options.deb);
    const { kernel, machine } = options.jeos.manifest;
    if (kernel === null) throw new Error('the JEOS has no kernel beside its disk');
    await withGuest(
      {
        overlayPath,
        kernel: {
          path: path.join(options.jeos.directory, kernel.kernelFile),
          initrdPath: path.join(options.jeos.directory, kernel.initrdFile),
          cmdline: kernel.cmdline,
        },
        machine,
        accelerator: 'tcg',
        memoryMiB,
        agentSocketPath: path.join(directory, 'agent.sock'),
        consolePath: path.join(directory, 'console'),
        screenPath: path.join(directory, 'screen.png'),
        workDirectory: directory,
        log: () => undefined,
        signal: options.signal,
        now: () => performance.now(),
      },
      async (guest: GuestLife) => {
        await work({ run: async (script) => await runScript(guest, script) });
        await guest.powerOff();
      },
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runScript(guest: GuestLife, script: string): Promise<string> {
  const lines: string[] = [];
  const end = await runToEnd(guest, {
    title: script,
    argv: ['/bin/sh', '-ec', script],
    onLine: (line) => lines.push(line),
    timeoutMs: limitMs,
  });
  if (end.code !== 0) throw new Error(`${script}\nended ${howItEnded(end)}:\n${lines.slice(-80).join('\n')}`);
  return lines.join('\n').trim();
}

async function diskOf(directory: string, tree: string, deb: string): Promise<string> {
  const root = path.join(directory, 'root');
  await unpackTree(tree, root);
  await copyFile(deb, path.join(root, 'root', path.basename(deb)));
  // The disk is thrown away, and the host flushes none of it; what dpkg would wait for is nothing.
  await writeFile(path.join(root, 'etc/dpkg/dpkg.cfg.d/unsafe-io'), 'force-unsafe-io\n');
  const raw = path.join(directory, 'disk.raw');
  await execa('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'pcloud-root', '-d', root, raw, '4G'], {
    timeout: limitMs,
  });
  await rm(root, { recursive: true });
  const disk = path.join(directory, 'disk.qcow2');
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, disk], { timeout: limitMs });
  await rm(raw);
  return disk;
}
