/**
 * Our libvirt adapter over real libvirtd and real QEMU (TCG), on a private libvirtd: the conformance suite
 * as the user has it, and what only the real one can show: a QEMU that stands still, a daemon that dies,
 * XML that libvirt's own schema accepts. The machines have a disk without an operating system.
 */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { execa } from 'execa';
import { open, Define } from '#libvirt';
import type { Connection } from '#libvirt';
import { domainXmlRenderer } from '../../catalogue/domain-xml.ts';
import type { DomainSpec } from '../../model/domain-spec.ts';
import { libvirtHypervisor } from '../../runtime/adapters/libvirt-hypervisor.ts';
import { findQemuProcesses } from '../../runtime/adapters/libvirt-process.ts';
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import type { Hypervisor } from '../../runtime/ports.ts';
import { describeHypervisor, eventLog, isConnection, isReport } from '../conformance/hypervisor.ts';
import type { HypervisorRig } from '../conformance/hypervisor.ts';
import { conformanceSpecs } from '../conformance/specs.ts';
import { startPrivateLibvirtd } from './private-libvirtd.ts';
import type { PrivateLibvirtd, PrivateLibvirtdMode } from './private-libvirtd.ts';

const renderXml = domainXmlRenderer(
  readFileSync(new URL('../../templates/domain.xml.hbs', import.meta.url), 'utf8'),
);
const owner = 'conformance';
const isRoot = process.getuid?.() === 0;

async function createDisk(spec: DomainSpec): Promise<void> {
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', spec.diskPath, '8M']);
  chmodSync(spec.diskPath, 0o666); // the session's QEMU runs as another user
}

function hypervisorOf(libvirtd: PrivateLibvirtd): Hypervisor {
  const notice = (message: string) => process.env['DEBUG'] !== undefined && console.error(message);
  return libvirtHypervisor({ uri: libvirtd.uri, owner, clock: systemClock, renderXml, notice });
}

async function qemuPid(spec: DomainSpec): Promise<number> {
  const [qemu, ...others] = await findQemuProcesses(spec.uuid, spec.domainName);
  assert.ok(qemu !== undefined && others.length === 0, `${spec.domainName} has one QEMU`);
  return qemu.pid;
}

/** libvirt chooses quotes and entities of its own. */
function unescapeXml(xml: string): string {
  const entities = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'", '&amp;': '&' };
  return Object.entries(entities).reduce(
    (text, [entity, character]) => text.replaceAll(entity, character),
    xml,
  );
}

/** Disks are made ahead, because a rig's specs are made synchronously. */
const machines = ['first', 'foreign', 'lives', 'dies', 'never-defined'];

async function makeRig(mode: PrivateLibvirtdMode): Promise<HypervisorRig> {
  const libvirtd = await startPrivateLibvirtd(mode);
  const spec = conformanceSpecs(owner, libvirtd.directory);
  for (const machine of machines) await createDisk(spec(machine));
  return {
    hypervisor: hypervisorOf(libvirtd),
    spec,
    killFromOutside: async (killed) => void process.kill(await qemuPid(killed), 'SIGKILL'),
    async addForeign(foreign) {
      const outside = await open(libvirtd.uri);
      await outside.defineXML(renderXml({ ...foreign, owner: 'somebody-else' }));
      await outside.create(foreign.uuid);
      await outside.close();
    },
    async interrupt(meanwhile) {
      await libvirtd.kill();
      await meanwhile();
      await libvirtd.start();
    },
    dispose: () => libvirtd.stop(),
  };
}

describeHypervisor(`libvirt adapter on QEMU, ${isRoot ? 'system' : 'session'} mode`, true, () =>
  makeRig(isRoot ? 'system' : 'session'),
);
if (isRoot)
  describeHypervisor('libvirt adapter on QEMU, session mode of another user', true, () => makeRig('session'));

describe('real QEMU and libvirtd', { concurrency: 1 }, () => {
  const log = eventLog();
  let libvirtd: PrivateLibvirtd;
  let hypervisor: Hypervisor;
  let outside: Connection;
  let spec: DomainSpec;

  before(async () => {
    libvirtd = await startPrivateLibvirtd();
    spec = conformanceSpecs(owner, libvirtd.directory)('real');
    await createDisk(spec);
    outside = await open(libvirtd.uri);
    hypervisor = hypervisorOf(libvirtd);
    await hypervisor.open(log.listener);
  });
  after(async () => {
    await hypervisor.close();
    await outside.close();
    await libvirtd.stop();
  });

  async function startAnew(): Promise<void> {
    await hypervisor.fence(spec.uuid);
    const from = log.mark();
    await hypervisor.start(spec);
    await log.wait('running', from, isReport(spec.assembly, 'running'));
  }

  const variants: Readonly<Record<string, Partial<DomainSpec>>> = {
    'tcg, user network': { network: { kind: 'user', forwards: [{ hostPort: 40_022, guestPort: 22 }] } },
    'tcg, libvirt network': { network: { kind: 'libvirt', network: 'default' } },
    q35: { machine: 'q35' },
    kernel: { kernel: { kernelPath: '/boot/k', initrdPath: '/boot/i', cmdline: `root='/dev/vda' & <x>` } },
    kvm: { accelerator: 'kvm' },
    'hostile strings': { owner: `o'"<&>`, diskPath: `/tmp/'"<&>,x=y` },
  };
  for (const [variant, change] of Object.entries(variants)) {
    test(`libvirt's schema accepts the XML of ${variant}, and keeps its values`, async (t) => {
      const varied = { ...spec, ...change };
      try {
        await outside.defineXML(renderXml(varied), Define.validate);
      } catch (error) {
        // Where KVM is missing libvirt refuses the machine, after its schema has accepted the text.
        if (variant === 'kvm' && String(error).includes('does not support virt type'))
          return t.diagnostic(String(error));
        throw error;
      }
      const xml = await outside.getXMLDesc(varied.uuid);
      await outside.undefine(varied.uuid);
      assert.ok(unescapeXml(xml).includes(varied.diskPath), xml);
    });
  }

  test('a q35 machine with the user network really starts', async () => {
    await hypervisor.start({ ...spec, machine: 'q35' });
    await hypervisor.fence(spec.uuid);
  });

  test('a QEMU that does not answer is fenced by its pid, long before libvirt gives up', async (t) => {
    await startAnew();
    process.kill(await qemuPid(spec), 'SIGSTOP');
    await assert.rejects(hypervisor.progress(spec.uuid), { code: 'qemu-stopped' });
    const asked = performance.now();
    assert.equal(await hypervisor.screenshot(spec.uuid, 1000), null);
    const evidenceMs = performance.now() - asked;
    const begin = performance.now();
    await hypervisor.fence(spec.uuid);
    const tookMs = performance.now() - begin;
    assert.equal((await outside.getState(spec.uuid)).state, 'shutoff');
    t.diagnostic(`no screenshot after ${evidenceMs.toFixed(0)} ms, off after ${tookMs.toFixed(0)} ms`);
    assert.ok(evidenceMs < 500, `to see that there is no screenshot took ${evidenceMs} ms`);
    assert.ok(
      tookMs < 1500,
      `fencing took ${tookMs} ms; libvirt alone takes 10 s, its pid's turn comes after 2`,
    );
    await startAnew();
    await hypervisor.progress(spec.uuid);
  });

  test('the second QEMU on a disk is refused by the image lock', async () => {
    await startAnew();
    const twin = { ...conformanceSpecs(owner, libvirtd.directory)('twin'), diskPath: spec.diskPath };
    await assert.rejects(hypervisor.start(twin), { code: 'libvirt-failed', message: /lock/ });
    assert.equal((await hypervisor.list()).find(({ uuid }) => uuid === twin.uuid)?.state, 'off');
    await hypervisor.undefine(twin.uuid);
  });

  test('a machine whose disk is missing does not start, and the error names the file', async () => {
    const diskless = { ...conformanceSpecs(owner, libvirtd.directory)('diskless') };
    await assert.rejects(hypervisor.start(diskless), { code: 'libvirt-failed', message: /diskless\.qcow2/ });
    await hypervisor.undefine(diskless.uuid);
  });

  test('a domain of ours under another name of libvirt keeps its name from being taken', async () => {
    const thief = { ...conformanceSpecs(owner, libvirtd.directory)('thief'), domainName: spec.domainName };
    await assert.rejects(hypervisor.start(thief), { code: 'libvirt-failed', message: /already exists/ });
  });

  /** The real fault behind it: libvirtd loses the death of a QEMU to which it is still reconnecting. */
  test('libvirtd killed again and again: the machine is untouched, and its death at once thereafter is told', async () => {
    for (let round = 0; round < 4; round += 1) {
      await startAnew();
      const pid = await qemuPid(spec);
      const from = log.mark();
      await libvirtd.kill();
      await log.wait('loss', from, isConnection('down'));
      await libvirtd.start();
      await log.wait('return', from, isConnection('up'));
      await log.wait(
        'machine',
        log.events.findLastIndex(isConnection('up')),
        isReport(spec.assembly, 'running'),
      );
      assert.equal(await qemuPid(spec), pid);
      const alive = log.mark();
      process.kill(pid, 'SIGKILL');
      await log.wait('death', alive, isReport(spec.assembly, 'off'));
    }
  });
});
