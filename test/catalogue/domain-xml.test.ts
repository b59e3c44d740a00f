/** Rendering of domain XML: goldens a variant, and the promise that no value leaves its element. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { domainXmlRenderer, metadataUri, parseOwnership } from '../../catalogue/domain-xml.ts';
import type { DomainSpec } from '../../model/domain-spec.ts';
import { PcloudError } from '../../model/errors.ts';

const template = readFileSync(new URL('../../templates/domain.xml.hbs', import.meta.url), 'utf8');
const render = domainXmlRenderer(template);

const spec: DomainSpec = {
  assembly: 'assy1',
  domainName: 'pcloud-assy1',
  uuid: '6f1c2a64-7a3e-4d59-9a2e-3f1f6f4b2a10',
  owner: 'pacemaker-cloud',
  accelerator: 'tcg',
  machine: 'pc',
  memoryMiB: 128,
  vcpus: 1,
  diskPath: '/var/lib/pacemaker-cloud/assemblies/assy1/disk.qcow2',
  dataDisks: [],
  interfaces: [],
  kernel: {
    kernelPath: '/var/lib/pacemaker-cloud/images/abc/vmlinuz',
    initrdPath: '/var/lib/pacemaker-cloud/images/abc/initrd.img',
    cmdline: 'root=/dev/vda rw console=tty0 console=ttyS0',
  },
  macAddress: '52:54:00:12:34:56',
  network: {
    kind: 'user',
    forwards: [
      { hostPort: 40022, guestPort: 22 },
      { hostPort: 40080, guestPort: 80 },
    ],
  },
  agentSocketPath: '/run/pacemaker-cloud/g/6f1c2a647a3e4d599a2e3f1f6f4b2a10.sock',
  consoleLogPath: '/var/lib/pacemaker-cloud/assemblies/assy1/console.log',
  watchdog: 'i6300esb',
};

const variants: Readonly<Record<string, DomainSpec>> = {
  'tcg-user-kernel': spec,
  'kvm-libvirt-disk': {
    ...spec,
    accelerator: 'kvm',
    kernel: null,
    network: { kind: 'libvirt', network: 'default' },
    watchdog: null,
  },
  'q35-user-no-forwards': { ...spec, machine: 'q35', kernel: null, network: { kind: 'user', forwards: [] } },
};

for (const [variant, variantSpec] of Object.entries(variants)) {
  test(`the domain XML of ${variant} is the golden one`, () => {
    const golden = new URL(`../golden/domain-${variant}.xml`, import.meta.url);
    const xml = render(variantSpec);
    if (process.env['UPDATE_GOLDEN'] === '1') {
      assert.equal(process.env['CI'], undefined, 'CI does not update goldens');
      writeFileSync(golden, xml);
    }
    assert.equal(xml, readFileSync(golden, 'utf8'), 'run with UPDATE_GOLDEN=1 when the change is meant');
  });
}

/** All markup of a document without its values: what a value that escapes its place would change. */
function skeleton(xml: string): string {
  return xml.replace(/'[^'<>]*'/g, "''").replace(/>[^<]*</g, '><');
}

const hostile = fc
  .string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
  .map((text) => text.replace(/[\p{Cc}\u2028\u2029\ufffe\uffff/]/gu, '') + `'"><&]]>--{{x}}`);

test('no value leaves the element or attribute that it stands in', () => {
  const expected = skeleton(render(spec));
  fc.assert(
    fc.property(hostile, hostile, hostile, (first, second, third) => {
      const xml = render({
        ...spec,
        owner: first,
        diskPath: `/images/${second}`,
        consoleLogPath: `/log/${third}`,
        kernel: { kernelPath: `/${first}`, initrdPath: `/${third}`, cmdline: second },
      });
      assert.equal(skeleton(xml), expected);
    }),
  );
});

test('what was written as owner is read back from the metadata element', () => {
  fc.assert(
    fc.property(hostile, (owner) => {
      const element = /<pcloud:assembly[^>]*\/>/.exec(render({ ...spec, owner }));
      assert.deepEqual(parseOwnership(element?.[0] ?? null), { owner, assembly: 'assy1' });
    }),
  );
});

test('metadata as libvirt gives it back, without prefix and namespace, is understood', () => {
  const element = `<assembly owner="o&amp;x'&quot;" name="a1"/>\n`;
  assert.deepEqual(parseOwnership(element), { owner: `o&x'"`, assembly: 'a1' });
});

for (const [what, metadata] of [
  ['no metadata', null],
  ['another element', `<thing owner="o" name="a1"/>`],
  ['no owner', `<assembly name="a1"/>`],
  ['a name that is no name', `<assembly owner="o" name="../a1"/>`],
  ['text around the element', `x <assembly owner="o" name="a1"/>`],
  ['something endless', `<assembly owner="${'o'.repeat(2000)}" name="a1"/>`],
] as const) {
  test(`a domain with ${what} is nobody's`, () => {
    assert.equal(parseOwnership(metadata), null);
  });
}

test('further networks have their cards behind the first one’s, in their order', () => {
  const interfaces = [
    { kind: 'bridge', name: 'br0', mac: '52:54:00:00:00:02' },
    { kind: 'network', name: 'lan', mac: '52:54:00:00:00:03' },
  ] as const;
  const cards = (machine: string) =>
    [...render({ ...spec, machine, interfaces }).matchAll(/<interface [^]*?<\/interface>/g)].map(([card]) => [
      /<interface type='(\w+)'/.exec(card)?.[1],
      /<source (\w+='[^']*')/.exec(card)?.[1],
      /<mac address='([^']*)'/.exec(card)?.[1],
      /slot='0x1f' (.*)\/>/.exec(card)?.[1],
    ]);
  assert.deepEqual(cards('pc'), [
    ['bridge', "bridge='br0'", '52:54:00:00:00:02', "function='0x0' multifunction='on'"],
    ['network', "network='lan'", '52:54:00:00:00:03', "function='0x1'"],
  ]);
  // There the slot is the chipset's.
  assert.deepEqual(
    cards('q35').map((card) => card[3]),
    [undefined, undefined],
  );
});

test('a data disk is a raw virtio disk behind the first, known by its serial number', () => {
  const dataDisks = [
    { serial: 'data', path: '/a/data-data.raw' },
    { serial: 'log', path: '/a/data-log.raw' },
  ];
  const xml = render({ ...spec, dataDisks });
  assert.deepEqual(
    [...xml.matchAll(/<disk [^]*?<\/disk>/g)].map(([disk]) => [
      /driver name='qemu' type='(\w+)'/.exec(disk)?.[1],
      /<source file='([^']*)'/.exec(disk)?.[1],
      /<target dev='(\w+)' bus='virtio'/.exec(disk)?.[1],
      /<serial>(.*)<\/serial>/.exec(disk)?.[1],
    ]),
    [
      ['qcow2', spec.diskPath, 'vda', undefined],
      ['raw', '/a/data-data.raw', 'vdb', 'data'],
      ['raw', '/a/data-log.raw', 'vdc', 'log'],
    ],
  );
});

const refused: Readonly<Record<string, Partial<DomainSpec>>> = {
  'agentSocketPath over 107 bytes': { agentSocketPath: `/${'s'.repeat(107)}` },
  'a bridge with a line break': { interfaces: [{ kind: 'bridge', name: 'br\n0', mac: '52:54:00:00:00:02' }] },
  'a hardware address of a group': {
    interfaces: [{ kind: 'bridge', name: 'br0', mac: '01:54:00:00:00:02' }],
  },
  'a serial number with an angle': { dataDisks: [{ serial: 'a<b', path: '/a' }] },
  'a serial number over 20 characters': { dataDisks: [{ serial: 's'.repeat(21), path: '/a' }] },
  'diskPath with a line break': { diskPath: '/images/a\nb' },
  'diskPath that is relative': { diskPath: 'images/a' },
  'owner with a NUL': { owner: 'a\0b' },
  'owner with half a surrogate pair': { owner: 'a\ud800' },
  'machine with a comma': { machine: 'pc,accel=kvm' },
  'macAddress with a comma': { macAddress: '52:54:00:12:34:56,x=y' },
  'macAddress of a group': { macAddress: '53:54:00:12:34:56' },
  'network port out of range': { network: { kind: 'user', forwards: [{ hostPort: 70_000, guestPort: 80 }] } },
  'uuid that is none': { uuid: 'x' },
};

for (const [what, change] of Object.entries(refused)) {
  test(`a ${what} is refused by name`, () => {
    assert.throws(
      () => render({ ...spec, ...change }),
      (error) =>
        error instanceof PcloudError &&
        error.code === 'bad-domain-spec' &&
        error.message.includes(what.split(' ')[0] ?? ''),
    );
  });
}

test('a path of exactly 107 bytes is accepted', () => {
  assert.match(render({ ...spec, agentSocketPath: `/${'s'.repeat(106)}` }), /s{106}/);
});

test('the metadata namespace is the one that stands in existing domains', () => {
  assert.equal(metadataUri, 'https://pacemaker-cloud.org/domain/1');
});
