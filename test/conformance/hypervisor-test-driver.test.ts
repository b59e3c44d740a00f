/**
 * Our libvirt adapter over libvirt's own test driver: real libvirt objects, events and errors, without a
 * daemon and without machines. What it cannot do: lose a connection, since it lives in this process.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { metadataUri } from '../../catalogue/domain-xml.ts';
import type { DomainSpec } from '../../model/domain-spec.ts';
import { libvirtHypervisor } from '../../runtime/adapters/libvirt-hypervisor.ts';
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import { open } from '#libvirt';
import { describeHypervisor } from './hypervisor.ts';
import { conformanceSpecs } from './specs.ts';

/** All connections of one process to it see the same domains. */
const uri = 'test:///default';

function renderXml(spec: DomainSpec): string {
  return `<domain type='test'>
    <name>${spec.domainName}</name><uuid>${spec.uuid}</uuid>
    <metadata><p:assembly xmlns:p='${metadataUri}' owner='${spec.owner}' name='${spec.assembly}'/></metadata>
    <memory unit='MiB'>${spec.memoryMiB}</memory><vcpu>${spec.vcpus}</vcpu><os><type>hvm</type></os>
  </domain>`;
}

describeHypervisor('libvirt adapter on test:///', false, async () => {
  const outside = await open(uri);
  const notices: string[] = [];
  return {
    hypervisor: libvirtHypervisor({
      uri,
      owner: 'conformance',
      clock: systemClock,
      renderXml,
      notice: (message) => notices.push(message),
    }),
    spec: conformanceSpecs('conformance', '/nonexistent'),
    network: 'default',
    killFromOutside: ({ uuid }) => outside.destroy(uuid),
    async addForeign(spec) {
      await outside.defineXML(renderXml({ ...spec, owner: 'somebody-else' }));
      await outside.create(spec.uuid);
    },
    async dispose() {
      await outside.close();
      assert.deepEqual(
        notices.filter((notice) => !notice.includes('keepalive')),
        [],
      );
    },
  };
});

test('an unreachable libvirt is told as down, and calls fail as unavailable', async () => {
  const events: unknown[] = [];
  const hypervisor = libvirtHypervisor({
    uri: 'qemu:///system?socket=/nonexistent/libvirt-sock',
    owner: 'conformance',
    clock: systemClock,
    renderXml,
    notice: () => {},
  });
  await hypervisor.open((event) => events.push(event));
  await assert.rejects(hypervisor.list(), { name: 'PcloudError', code: 'libvirt-unavailable' });
  await hypervisor.close();
  assert.equal(events.length, 1);
  assert.match(JSON.stringify(events[0]), /"state":"down".*Failed to connect socket/);
});
