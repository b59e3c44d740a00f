/**
 * The operator's command to take in a machine that we did not build: all of its options are judged first (pure),
 * then the disk is copied, then the assembly is defined with it. Afterwards it is an assembly like any other.
 */
import path from 'node:path';
import { findRelease } from '../../catalogue/releases.ts';
import type { Releases } from '../../catalogue/releases.ts';
import type { importAssemblyBody } from '../../model/cped-api.ts';
import { defaultEscalation, memoryMiBSchema, unnamedRelease, vcpusSchema } from '../../model/definition.ts';
import type { AssemblyDefinition, ImportedDisk } from '../../model/definition.ts';
import { checkName, quoteForMessage } from '../../model/names.ts';
import { familySchema } from '../../model/resource-template.ts';
import { keyTypeFor, parseHostKey, sshUserSchema } from '../../model/ssh.ts';
import type { Transport } from '../../model/ssh.ts';
import type { z } from 'zod';
import { freshIdentity, refuseExisting } from './assemblies.ts';
import { findAssembly } from './context.ts';
import type { DefinitionContext, StagedImport } from './context.ts';
import { badImport } from './import-refusals.ts';

export type ImportRequest = z.infer<typeof importAssemblyBody>;

/** What the options come to. */
export type ImportPlan = {
  readonly name: string;
  readonly disk: string;
  readonly format: 'qcow2' | 'raw' | null;
  readonly release: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly transport: Transport;
  readonly imported: ImportedDisk;
  readonly keyFile: string | null;
  readonly hostKey: string | null;
};

export type Imported = {
  readonly assembly: AssemblyDefinition;
  readonly copiedBytes: number;
  readonly durationMs: number;
  /** To be put into the guest, where the pair was made for it; null otherwise. */
  readonly publicKey: string | null;
};

/** A guest of today with nothing named. */
const defaultMemoryMiB = 1024;

/**
 * @param network of this service: ssh needs a forwarded port.
 * @throws PcloudError `bad-name`, `unknown-release`, `bad-import`.
 */
export function planImport(
  request: ImportRequest,
  releases: Releases,
  network: 'user' | 'libvirt',
): ImportPlan {
  const name = checkName('assembly', request.name);
  const release = request.release === undefined ? undefined : findRelease(releases, request.release);
  if (!path.isAbsolute(request.disk) || request.disk.includes('\0'))
    throw badImport(
      `The disk ${quoteForMessage(request.disk)} is not an absolute path.`,
      'Give the whole path.',
    );
  const format = oneOf('--format', request.format, ['qcow2', 'raw'] as const) ?? null;
  const transport = transportOf(request, network);
  const { keyFile = null } = request;
  if (keyFile !== null && !path.isAbsolute(keyFile))
    throw badImport(`The key ${quoteForMessage(keyFile)} is not an absolute path.`, 'Give the whole path.');
  return {
    name,
    disk: request.disk,
    format,
    release: release?.name ?? unnamedRelease,
    memoryMiB: numberIn(
      '--memory',
      memoryMiBSchema,
      request.memoryMiB ?? release?.memoryMiB ?? defaultMemoryMiB,
    ),
    vcpus: numberIn('--vcpus', vcpusSchema, request.vcpus ?? 1),
    transport,
    imported: importedOf(request, release, transport),
    keyFile,
    hostKey: hostKeyOf(request, transport),
  };
}

function transportOf(request: ImportRequest, network: 'user' | 'libvirt'): Transport {
  const kind = oneOf('--transport', request.transport, ['ssh', 'agent', 'none'] as const) ?? 'ssh';
  if (kind !== 'ssh') {
    for (const option of ['user', 'port', 'keyFile', 'hostKey', 'trustFirst'] as const)
      if (request[option] !== undefined)
        throw badImport(
          `With --transport ${kind} nobody logs in by ssh, so --${optionName[option]} means nothing.`,
          'Leave it out, or say --transport ssh.',
        );
    return { kind };
  }
  if (network === 'libvirt')
    throw badImport(
      'ssh reaches a guest by a forwarded port, and this service puts its guests on a libvirt network.',
      'Set PCLOUD_NETWORK=user for it, or import with --transport agent or none.',
    );
  const user = sshUserSchema.safeParse(request.user ?? 'root');
  if (!user.success)
    throw badImport(
      `${quoteForMessage(request.user ?? '')} cannot be a login name.`,
      'Small letters, digits, "_" and "-", at most 32.',
    );
  const port = request.port ?? 22;
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw badImport(`${port} is no port.`, 'Give one from 1 to 65535 with --port.');
  const trustFirst = request.trustFirst ?? false;
  if (trustFirst === (request.hostKey !== undefined))
    throw trustFirst
      ? badImport('--host-key and --trust-first say two things.', 'Give one of them; the key is better.')
      : badImport(
          'Without its ssh host key the guest cannot be told from an impostor.',
          "Give it with --host-key (a line of the guest's /etc/ssh/ssh_host_*_key.pub, or the file), or take the risk with --trust-first.",
        );
  return {
    kind: 'ssh',
    user: user.data,
    port,
    keyFile: request.keyFile === undefined ? 'own' : 'given',
    trustFirst,
  };
}

const optionName = {
  user: 'user',
  port: 'port',
  keyFile: 'key',
  hostKey: 'host-key',
  trustFirst: 'trust-first',
} as const;

function hostKeyOf({ hostKey }: ImportRequest, transport: Transport): string | null {
  if (hostKey === undefined || transport.kind !== 'ssh') return null;
  const key = parseHostKey(hostKey);
  if (key !== undefined) return key.line;
  throw badImport(
    `${quoteForMessage(hostKey)} is no ssh host key.`,
    "Give one line of the guest's /etc/ssh/ssh_host_*_key.pub: the type and the key, such as `ssh-ed25519 AAAA…`.",
  );
}

function importedOf(
  request: ImportRequest,
  release: ReturnType<typeof findRelease> | undefined,
  transport: Transport,
): ImportedDisk {
  const family = oneOf('--family', request.family, familySchema.options) ?? release?.family ?? null;
  const init = oneOf('--init', request.init, ['systemd', 'sysv'] as const) ?? release?.init ?? null;
  const machine = oneOf('--machine', request.machine, ['pc', 'q35'] as const) ?? release?.machine ?? 'pc';
  if (transport.kind !== 'none' && (family === null || init === null))
    throw badImport(
      'What is in the disk is not known, so no resource template could be applied to it.',
      'Say --release (release_list shows them), or --family debian|fedora|rhel and --init systemd|sysv.',
    );
  return { family, init, machine };
}

function oneOf<const T extends string>(
  option: string,
  value: string | undefined,
  known: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const found = known.find((name) => name === value);
  if (found !== undefined) return found;
  throw badImport(`${option} ${quoteForMessage(value)} is not known.`, `It is one of ${known.join(', ')}.`);
}

function numberIn(option: string, schema: z.ZodType<number>, value: number): number {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw badImport(
    `${option} ${value} is out of range.`,
    option === '--memory' ? 'From 64 to 1048576 MiB.' : 'From 1 to 64.',
  );
}

/**
 * Copies the disk and defines the assembly; nothing is left behind when it fails.
 * @throws PcloudError as `planImport`, `assembly-exists`, and what `AssemblyFiles.importDisk` throws.
 */
export async function importAssembly(
  context: DefinitionContext,
  request: ImportRequest,
  network: 'user' | 'libvirt',
): Promise<Imported> {
  const plan = planImport(request, context.knowledge.releases, network);
  refuseExisting(context, plan.name);
  const keyType = keyTypeFor(context.knowledge.releases.get(plan.release)?.ssh);
  // Minutes, perhaps: not within `exclusive`, where a clone would wait for it.
  const staged = await context.files.importDisk({ ...plan, rsaOnly: keyType === 'rsa' });
  return await context.exclusive(async () => await define(context, plan, staged));
}

async function define(context: DefinitionContext, plan: ImportPlan, staged: StagedImport): Promise<Imported> {
  let placed = false;
  try {
    refuseExisting(context, plan.name);
    await context.files.placeImport(staged, plan.name);
    placed = true;
    context.store.transaction(() => {
      refuseExisting(context, plan.name);
      const { name, release, memoryMiB, vcpus, transport, imported } = plan;
      const assembly: AssemblyDefinition = {
        name,
        release,
        architecture: 'x86_64',
        ...freshIdentity(context),
        memoryMiB,
        vcpus,
        ports: [],
        disks: [],
        networks: [],
        imageDigest: null,
        escalation: defaultEscalation.assembly,
        transport,
        imported,
        resources: [],
        dependsOn: [],
      };
      context.store.insertAssembly(assembly, null, context.nowMs());
      if (plan.hostKey !== null) context.files.pinHostKey(name, plan.hostKey);
    });
    await context.files.claimDisk(plan.name);
  } catch (error) {
    if (!placed) await context.files.removeStaged(staged);
    else if (context.store.assembly(plan.name) === undefined) await context.files.removeFiles(plan.name);
    throw error;
  }
  const { transport } = plan;
  const own = transport.kind === 'ssh' && transport.keyFile === 'own';
  return {
    assembly: findAssembly(context, plan.name),
    copiedBytes: staged.copiedBytes,
    durationMs: staged.durationMs,
    publicKey: own ? await context.files.publicKey(plan.name) : null,
  };
}
