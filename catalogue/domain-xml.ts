/**
 * From a `DomainSpec` to libvirt's domain XML, and from a domain's metadata back to the assembly that it
 * belongs to. Pure: the template (`templates/domain.xml.hbs`) comes in as text. What the values mean is
 * the template's; what they may be is checked here; talking to libvirt is the runtime's.
 */
import Handlebars from 'handlebars';
import { z } from 'zod';
import { maxDataDisks } from '../model/data-disk.ts';
import { watchdogModels } from '../model/domain-spec.ts';
import type { DomainDisk, DomainInterface, DomainSpec, PortForward } from '../model/domain-spec.ts';
import { PcloudError } from '../model/errors.ts';
import { nameSchema } from '../model/names.ts';
import { macSchema, maxNetworks, networkKinds } from '../model/network-attachment.ts';

/** XML namespace of our metadata element, `<pcloud:assembly owner=… name=…/>`. */
export const metadataUri = 'https://pacemaker-cloud.org/domain/1';

/** sun_path of sockaddr_un is 108 bytes and ends in NUL (unix(7)). */
export const maxSocketPathBytes = 107;

/** Longest metadata element that is looked at; ours has some 150 characters. */
const maxMetadataLength = 1000;

/**
 * Not in XML 1.0 at all (§2.2), or changed by every parser that reads an attribute (line breaks, tabs),
 * so that a path would come out as another one.
 */
const unsafeInXml = /[\p{Cc}\u2028\u2029\ufffe\uffff]/u;

const safeText = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .refine((text) => !unsafeInXml.test(text) && text.isWellFormed(), 'holds a control character');

const absolutePath = safeText(4095).startsWith('/');
const port = z.int().min(1).max(65_535);

const specSchema = z.object({
  assembly: nameSchema,
  domainName: safeText(100).refine((name) => !name.includes('/'), 'holds a slash'),
  uuid: z.uuid(),
  owner: safeText(200),
  accelerator: z.enum(['kvm', 'tcg']),
  machine: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/),
  memoryMiB: z.int().min(16).max(4_194_304),
  vcpus: z.int().min(1).max(512),
  diskPath: absolutePath,
  dataDisks: z
    .array(z.object({ serial: z.string().regex(/^[A-Za-z0-9._-]{1,20}$/), path: absolutePath }))
    .max(maxDataDisks),
  kernel: z
    .object({ kernelPath: absolutePath, initrdPath: absolutePath, cmdline: safeText(2047) })
    .nullable(),
  macAddress: macSchema,
  network: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('user'),
      forwards: z.array(z.object({ hostPort: port, guestPort: port })).max(64),
    }),
    z.object({ kind: z.literal('libvirt'), network: safeText(200) }),
  ]),
  interfaces: z
    .array(z.object({ kind: z.enum(networkKinds), name: safeText(200), mac: macSchema }))
    .max(maxNetworks),
  agentSocketPath: absolutePath.refine(
    (path) => Buffer.byteLength(path) <= maxSocketPathBytes,
    `is longer than ${maxSocketPathBytes} bytes, the limit of a Unix socket`,
  ),
  consoleLogPath: absolutePath,
  watchdog: z.enum(watchdogModels).nullable(),
});

/**
 * The renderer of a template's text. It throws PcloudError `bad-domain-spec` (category invalid) for a value
 * that cannot stand in a domain's XML, naming the value.
 * @throws Error when the template itself does not parse.
 */
export function domainXmlRenderer(templateSource: string): (spec: DomainSpec) => string {
  const template = Handlebars.compile<TemplateValues>(templateSource, { strict: true, noEscape: false });
  return (spec) => template(valuesOf(checkSpec(spec)));
}

type TemplateValues = Omit<DomainSpec, 'network' | 'accelerator' | 'dataDisks' | 'interfaces'> & {
  readonly dataDisks: readonly (DomainDisk & { readonly target: string })[];
  readonly interfaces: readonly InterfaceValues[];
  readonly metadataUri: string;
  readonly domainType: 'kvm' | 'qemu';
  readonly tcg: boolean;
  readonly libvirtNetwork: string | null;
  readonly netdev: string | null;
  readonly netDevice: string | null;
};

type InterfaceValues = Pick<DomainInterface, 'kind' | 'mac'> & {
  readonly bridge: string | null;
  readonly network: string | null;
  /** Null: wherever libvirt puts it. */
  readonly pciFunction: string | null;
  readonly isFirst: boolean;
};

function checkSpec(spec: DomainSpec): DomainSpec {
  const checked = specSchema.safeParse(spec);
  if (checked.success) return spec;
  const issue = checked.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new PcloudError({
    code: 'bad-domain-spec',
    category: 'invalid',
    message: `The virtual machine of assembly ${JSON.stringify(spec.assembly)} cannot be described to libvirt: ${field} ${issue?.message ?? 'is wrong'}.`,
    hint:
      field === 'agentSocketPath'
        ? 'Choose a shorter runtime directory (PCLOUD_RUNTIME_DIR).'
        : 'Check the paths and names that the service was started with.',
    facts: { field },
    cause: checked.error,
  });
}

function valuesOf(spec: DomainSpec): TemplateValues {
  const user = spec.network.kind === 'user' ? spec.network : null;
  return {
    ...spec,
    // vda is the first disk's.
    dataDisks: spec.dataDisks.map((disk, index) => ({ ...disk, target: `vd${'bcdefghi'[index]}` })),
    interfaces: spec.interfaces.map(({ kind, name, mac }, index) => ({
      kind,
      mac,
      bridge: kind === 'bridge' ? name : null,
      network: kind === 'network' ? name : null,
      // On a q35 that slot is the chipset's; guests for it name their cards by place, not by order.
      pciFunction: spec.machine.includes('q35') ? null : `0x${index}`,
      isFirst: index === 0,
    })),
    metadataUri,
    domainType: spec.accelerator === 'kvm' ? 'kvm' : 'qemu',
    tcg: spec.accelerator === 'tcg',
    libvirtNetwork: spec.network.kind === 'libvirt' ? spec.network.network : null,
    netdev: user === null ? null : netdevArgument(user.forwards),
    netDevice:
      user === null
        ? null
        : `virtio-net-pci,netdev=un0,mac=${spec.macAddress},bus=${rootBus(spec.machine)},addr=0x1e`,
  };
}

/** Forwards listen on the loopback address alone: no port of a guest is open to the network by our doing. */
function netdevArgument(forwards: readonly PortForward[]): string {
  const rules = forwards.map(({ hostPort, guestPort }) => `,hostfwd=tcp:127.0.0.1:${hostPort}-:${guestPort}`);
  return `user,id=un0${rules.join('')}`;
}

function rootBus(machine: string): string {
  return machine.includes('q35') ? 'pcie.0' : 'pci.0';
}

const ownershipSchema = z.object({ owner: z.string().min(1).max(200), name: nameSchema });

export type DomainOwnership = { readonly owner: string; readonly assembly: string };

/**
 * Whose domain it is, from the metadata element as libvirt gives it back; null when there is none, or when
 * it is not one of ours (anybody may write into it).
 */
export function parseOwnership(metadata: string | null): DomainOwnership | null {
  if (metadata === null || metadata.length > maxMetadataLength) return null;
  const element = /^\s*<(?:[\w.-]+:)?assembly((?:\s+[\w.:-]+=(?:"[^"<]*"|'[^'<]*'))*)\s*\/?>/.exec(metadata);
  if (element === null) return null;
  const attributes = new Map<string, string>();
  for (const [, key, quoted] of (element[1] ?? '').matchAll(/([\w.:-]+)=("[^"]*"|'[^']*')/g)) {
    if (key !== undefined && quoted !== undefined) attributes.set(key, unescapeXml(quoted.slice(1, -1)));
  }
  const parsed = ownershipSchema.safeParse(Object.fromEntries(attributes));
  return parsed.success ? { owner: parsed.data.owner, assembly: parsed.data.name } : null;
}

const namedEntities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi, (whole, hex, decimal, named) => {
    if (typeof named === 'string') return namedEntities[named] ?? whole;
    const code = typeof hex === 'string' ? Number.parseInt(hex, 16) : Number.parseInt(String(decimal), 10);
    return code <= 0x10_ffff ? String.fromCodePoint(code) : whole;
  });
}
