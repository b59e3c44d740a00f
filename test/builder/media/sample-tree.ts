/** A small install tree: a .treeinfo, and kernel and initrd with the checksums that it lists. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256Of } from './world.ts';

export type SampleTree = Readonly<
  Record<'.treeinfo' | 'images/pxeboot/vmlinuz' | 'images/pxeboot/initrd.img', string>
>;

export function sampleTree(
  options: { readonly version?: string; readonly architecture?: string } = {},
): SampleTree {
  const { version = '14', architecture = 'x86_64' } = options;
  const kernel = `kernel of ${version}`;
  const initrd = `initrd of ${version}`;
  return {
    '.treeinfo': `[general]
family = Fedora
version = ${version}
arch = ${architecture}

[images-${architecture}]
kernel = images/pxeboot/vmlinuz
initrd = images/pxeboot/initrd.img

[checksums]
images/pxeboot/vmlinuz = sha256:${sha256Of(kernel)}
images/pxeboot/initrd.img = sha256:${sha256Of(initrd)}
`,
    'images/pxeboot/vmlinuz': kernel,
    'images/pxeboot/initrd.img': initrd,
  };
}

export async function writeTree(directory: string, tree: SampleTree): Promise<void> {
  for (const [name, text] of Object.entries(tree)) {
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
