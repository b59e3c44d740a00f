/**
 * Networks of a real libvirt and bridges of a real host, in a network namespace of the test's own: which of them a machine can
 * be attached to, and that a machine is.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execa } from 'execa';
import { domainXmlRenderer } from '../../catalogue/domain-xml.ts';
import { libvirtHypervisor } from '../../runtime/adapters/libvirt-hypervisor.ts';
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import type { Hypervisor } from '../../runtime/ports.ts';
import { conformanceSpecs } from '../conformance/specs.ts';
import { networkNamespace } from './network-namespace.ts';
import type { NetworkNamespace } from './network-namespace.ts';
import { startPrivateLibvirtd } from './private-libvirtd.ts';
import type { PrivateLibvirtd } from './private-libvirtd.ts';

const isRoot = process.getuid?.() === 0;
const template = new URL('../../templates/domain.xml.hbs', import.meta.url);

/** One that is a bridge of the host: libvirt needs neither a firewall nor a dnsmasq for it. */
const lan = "<network><name>lan</name><forward mode='bridge'/><bridge name='pcllan'/></network>";

describe('networks of a real libvirt', { skip: isRoot ? false : 'a network namespace needs root' }, () => {
  let namespace: NetworkNamespace;
  let libvirtd: PrivateLibvirtd;
  let hypervisor: Hypervisor;
  const virsh = async (...words: readonly string[]): Promise<string> =>
    (await execa('virsh', ['--quiet', '--connect', libvirtd.uri, ...words], { timeout: 20_000 })).stdout;

  before(async () => {
    namespace = await networkNamespace();
    for (const bridge of ['pclbr', 'pcllan'])
      await namespace.run('ip', 'link', 'add', bridge, 'type', 'bridge');
    libvirtd = await startPrivateLibvirtd('system', namespace.within);
    const renderXml = domainXmlRenderer(readFileSync(template, 'utf8'));
    const notice = (): void => undefined;
    hypervisor = libvirtHypervisor({
      uri: libvirtd.uri,
      owner: 'test',
      clock: systemClock,
      renderXml,
      notice,
    });
    await hypervisor.open(() => undefined);
  });
  after(async () => {
    await hypervisor.close();
    await libvirtd.stop();
    await namespace.close();
  });

  test('a network that is not there, one that is not started and one that is are told apart', async () => {
    const problemOf = () => hypervisor.networkProblem({ kind: 'network', name: 'lan' });
    assert.equal((await problemOf())?.message, 'libvirt has no network lan');
    const file = path.join(libvirtd.directory, 'lan.xml');
    await writeFile(file, lan);
    await virsh('net-define', file);
    const inactive = await problemOf();
    assert.equal(inactive?.message, 'the libvirt network lan is not active');
    assert.match(inactive.hint, /virsh net-start lan/);
    await virsh('net-start', 'lan');
    assert.equal(await problemOf(), null);
  });

  test('a bridge that is not there is told apart from an interface that is none', async () => {
    const bridge = async (name: string) => await hypervisor.networkProblem({ kind: 'bridge', name });
    assert.equal((await bridge('nowhere'))?.message, 'this host has no bridge nowhere');
    assert.equal((await bridge('lo'))?.message, 'lo is an interface of this host, but no bridge');
  });

  test('a machine is attached to all of them by its own addresses, behind its first card', async () => {
    const spec = {
      ...conformanceSpecs('test', libvirtd.directory)('attached'),
      interfaces: [
        { kind: 'bridge', name: 'pclbr', mac: '52:54:00:00:00:02' },
        { kind: 'network', name: 'lan', mac: '52:54:00:00:00:03' },
      ],
    } as const;
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', spec.diskPath, '8M']);
    await hypervisor.start(spec);
    const cards = (await virsh('domiflist', spec.domainName))
      .split('\n')
      .map((line) => line.trim().split(/ +/));
    assert.deepEqual(
      cards.map(([, , source, model, mac]) => [source, model, mac]),
      [
        ['pclbr', 'virtio', '52:54:00:00:00:02'],
        ['lan', 'virtio', '52:54:00:00:00:03'],
      ],
    );
    const ports = JSON.parse(await namespace.run('ip', '-json', 'link')) as readonly {
      readonly ifname: string;
      readonly master?: string;
    }[];
    assert.deepEqual(
      cards.map(([tap]) => ports.find(({ ifname }) => ifname === tap)?.master),
      ['pclbr', 'pcllan'],
    );
    // As the guest finds them: the first card before the others, which old guests would ask for an address instead.
    const pci = await virsh('qemu-monitor-command', spec.domainName, '--hmp', 'info pci');
    const found = [...pci.matchAll(/Bus +0, device +(\d+), function (\d):\r?\n +Ethernet/g)].map(
      ([, device, place]) => `${device}.${place}`,
    );
    assert.deepEqual(found, ['30.0', '31.0', '31.1']);
    await hypervisor.fence(spec.uuid);
  });
});
