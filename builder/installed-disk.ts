/**
 * Reads files out of a disk that an installer partitioned, without mounting it: the partitions by sfdisk(8), the
 * files by debugfs(8) at a partition's offset. Its file systems are ext2 to ext4, as our kickstarts ask for.
 */
import { execa } from 'execa';
import { z } from 'zod';
import { toolMissing } from './archive.ts';

const limitMs = 60_000;
const maxFileBytes = 4 * 1024 * 1024;

const tableSchema = z.object({
  partitiontable: z.object({
    sectorsize: z.int().min(512).max(65_536).default(512),
    partitions: z.array(z.object({ start: z.int().nonnegative() })).max(128),
  }),
});

/**
 * Byte offsets of the partitions; that of the whole disk where there is no partition table.
 * @throws PcloudError `tool-missing`.
 */
export async function partitionOffsets(rawDisk: string): Promise<readonly number[]> {
  const result = await execa('sfdisk', ['--json', rawDisk], { timeout: limitMs, reject: false });
  if (result.code === 'ENOENT') throw toolMissing('sfdisk', 'fdisk');
  if (result.exitCode !== 0) return [0];
  const table = tableSchema.safeParse(JSON.parse(result.stdout));
  if (!table.success) return [0];
  const { sectorsize, partitions } = table.data.partitiontable;
  return partitions.map(({ start }) => start * sectorsize);
}

/** debugfs ends with exit code 0 whatever became of its commands. */
const absent = /File not found|Filesystem not open|Bad magic number|is not a regular file/;

/**
 * The file's content from the first partition that has it; undefined where none has.
 * @param file absolute, without spaces or quotes: debugfs splits its commands into words.
 */
export async function readFromDisk(rawDisk: string, file: string): Promise<string | undefined> {
  if (!/^(?:\/[A-Za-z0-9._-]+)+$/.test(file)) throw new RangeError(`not a plain path: ${file}`);
  for (const offset of await partitionOffsets(rawDisk)) {
    const device = `${rawDisk}?offset=${offset}`;
    const result = await execa('debugfs', ['-R', `cat ${file}`, device], {
      timeout: limitMs,
      reject: false,
      maxBuffer: maxFileBytes,
      stripFinalNewline: false,
    });
    if (result.code === 'ENOENT') throw toolMissing('debugfs', 'e2fsprogs');
    if (result.exitCode === 0 && !absent.test(result.stderr)) return result.stdout;
  }
  return undefined;
}
