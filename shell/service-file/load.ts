/**
 * A service file from the disk or from standard input, and the files that its secrets come from. What is wrong with
 * it is told with file, line and column; no secret is ever in a message.
 */
import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { PcloudError } from '../../model/errors.ts';
import { secretValueSchema } from '../../model/definition.ts';
import { quoteForMessage } from '../../model/names.ts';
import { maxServiceFileBytes } from '../../model/service-file/schema.ts';
import type { FileFault, WantedService } from '../../model/service-file/wanted.ts';
import { fileErrorTextOf } from '../../service/error-code.ts';
import type { ShellContext } from '../context.ts';
import { printable } from '../printable.ts';
import { placed, readServiceText } from './read.ts';
import type { PlacedFault } from './read.ts';

export type LoadedService = {
  readonly service: WantedService;
  /** The error for mistakes that show only against the service; prints each with its place. */
  readonly wrong: (faults: readonly FileFault[]) => PcloudError;
  /** Where relative paths in it start. */
  readonly directory: string;
};

/** A secret is a line; more than this is another file. */
const maxSecretFileBytes = 4096;

/**
 * @param file a path, or `-` for standard input.
 * @throws PcloudError `service-file-unreadable`, `service-file-wrong`.
 */
export async function loadService(file: string, context: ShellContext): Promise<LoadedService> {
  const isInput = file === '-';
  const text = isInput ? await readInput(context) : await readText(file);
  const shown = isInput ? 'standard input' : file;
  const complain = (faults: readonly PlacedFault[]): PcloudError => {
    context.screen.complain(
      faults.map(({ line, column, message }) => printable(`${shown}:${line}:${column}: ${message}`)),
    );
    return new PcloudError({
      code: 'service-file-wrong',
      category: 'invalid',
      message: `${shown} cannot be applied: ${faults.length === 1 ? 'one mistake is' : `${faults.length} mistakes are`} named above. Nothing was changed.`,
      hint: 'docs/service-files.md says what may stand in it; an editor that knows docs/schema/deployable.schema.json completes it.',
      facts: { file: shown },
    });
  };
  const reading = readServiceText(text);
  if (!reading.ok) throw complain(reading.faults);
  return {
    service: reading.service,
    wrong: (faults) => complain(faults.map((fault) => placed(fault, reading.placeOf))),
    directory: isInput ? process.cwd() : path.dirname(path.resolve(file)),
  };
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > maxServiceFileBytes) throw tooLarge(file);
    return await readFile(file, 'utf8');
  } catch (error) {
    throw error instanceof PcloudError ? error : unreadable(file, error);
  }
}

async function readInput(context: ShellContext): Promise<string> {
  if (context.showsEvents)
    throw new PcloudError({
      code: 'usage',
      category: 'invalid',
      message: 'The prompt reads standard input itself: a file cannot come from there.',
      hint: 'Name the file, or run `pcloudsh deployable_apply -f -` from another shell.',
    });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin.iterator({ destroyOnReturn: false })) {
    const piece = Buffer.from(chunk as Uint8Array);
    bytes += piece.length;
    if (bytes > maxServiceFileBytes) throw tooLarge('standard input');
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLarge(file: string): PcloudError {
  return new PcloudError({
    code: 'service-file-unreadable',
    category: 'invalid',
    message: `${file} is larger than ${maxServiceFileBytes} bytes, so it is no description of a service.`,
  });
}

function unreadable(file: string, error: unknown): PcloudError {
  return new PcloudError({
    code: 'service-file-unreadable',
    category: 'invalid',
    message: `${quoteForMessage(file)} cannot be read: ${fileErrorTextOf(error)}.`,
    hint: 'Give the path of a YAML file, or - for standard input.',
  });
}

/**
 * The secrets of a file by name; null: the service draws it.
 * @throws PcloudError `service-file-wrong`.
 */
export async function readSecrets(loaded: LoadedService): Promise<ReadonlyMap<string, string | null>> {
  const values = new Map<string, string | null>();
  const faults: FileFault[] = [];
  for (const [name, source] of loaded.service.secrets) {
    if ('generate' in source) {
      values.set(name, null);
      continue;
    }
    const read = await readSecretFile(path.resolve(loaded.directory, source.fromFile));
    if ('value' in read) values.set(name, read.value);
    else faults.push({ path: ['secrets', name, 'fromFile'], message: read.fault });
  }
  if (faults.length > 0) throw loaded.wrong(faults);
  return values;
}

/** Its first line; more than one is a mistake, but for the end of the line. */
export async function readSecretFile(
  file: string,
): Promise<{ readonly value: string } | { readonly fault: string }> {
  let text: string;
  try {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(maxSecretFileBytes),
        0,
        maxSecretFileBytes,
        0,
      );
      text = buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { fault: `${quoteForMessage(file)} cannot be read: ${fileErrorTextOf(error)}` };
  }
  const value = text.replace(/\r?\n$/, '');
  return secretValueSchema.safeParse(value).success
    ? { value }
    : {
        fault: `${quoteForMessage(file)} holds no secret: one line of 1 to 128 characters, without control characters`,
      };
}
