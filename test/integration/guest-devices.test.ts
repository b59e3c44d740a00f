/**
 * The devices by which a debian12 guest tells that it crashed or hangs, and what its agent makes of them: real
 * guests with the domain XML of production, on a private libvirtd. Each machine is paused or crashed with its
 * screen still there, an orderly end does not bite, and the parameters of a resource come out of a real systemd
 * as they went in.
 */
import assert from 'node:assert/strict';
import { readFileSync, watch } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { domainXmlRenderer } from '../../catalogue/domain-xml.ts';
import type { Artifact } from '../../catalogue/image-directory.ts';
import type { DomainSpec } from '../../model/domain-spec.ts';
import { agentCan } from '../../model/guest-protocol.ts';
import type { GuestMessage } from '../../model/guest-protocol.ts';
import { createGuestLinks } from '../../runtime/adapters/guest-link.ts';
import { libvirtHypervisor } from '../../runtime/adapters/libvirt-hypervisor.ts';
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import type {
  DomainReport,
  GuestLinkEvent,
  GuestLinks,
  Hypervisor,
  HypervisorEvent,
} from '../../runtime/ports.ts';
import { conformanceSpecs } from '../conformance/specs.ts';
import { eventLog } from '../guest/event-log.ts';
import type { EventLog } from '../guest/event-log.ts';
import { debianJeos } from './guest-jeos.ts';
import { startPrivateLibvirtd } from './private-libvirtd.ts';
import type { PrivateLibvirtd } from './private-libvirtd.ts';

const owner = 'guest-devices';
const bootLimitMs = 90_000;
/** What the agent gives the watchdog, and room for a guest that is late. */
const watchdogMs = 30_000;
const slackMs = 20_000;

type Message<K extends GuestMessage['kind']> = Extract<GuestMessage, { kind: K }>;

describe('guest devices', { concurrency: 1 }, () => {
  const domains = eventLog<HypervisorEvent>();
  const heard = new Map<string, EventLog<GuestLinkEvent>>();
  let libvirtd: PrivateLibvirtd;
  let hypervisor: Hypervisor;
  let links: GuestLinks;
  let jeos: Artifact;
  let runs = 0;

  before(async () => {
    jeos = await debianJeos();
    libvirtd = await startPrivateLibvirtd();
    const renderXml = domainXmlRenderer(
      readFileSync(new URL('../../templates/domain.xml.hbs', import.meta.url), 'utf8'),
    );
    hypervisor = libvirtHypervisor({
      uri: libvirtd.uri,
      owner,
      clock: systemClock,
      renderXml,
      notice: () => undefined,
    });
    await hypervisor.open((event) => domains.add(event));
    links = createGuestLinks({ clock: systemClock, heartbeatMs: 1000 });
    links.listen((event) => heard.get(event.assembly)?.add(event));
  });
  after(async () => {
    await links.closeAll();
    await hypervisor.close();
    await libvirtd.stop();
  });

  async function specOf(name: string): Promise<DomainSpec> {
    const { kernel } = jeos.manifest;
    assert.ok(kernel !== null);
    const bare = conformanceSpecs(owner, libvirtd.directory)(name);
    const backing = ['-b', jeos.diskPath, '-F', 'qcow2'];
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, bare.diskPath]);
    return {
      ...bare,
      memoryMiB: jeos.manifest.memoryMiB,
      kernel: {
        kernelPath: path.join(jeos.directory, kernel.kernelFile),
        initrdPath: path.join(jeos.directory, kernel.initrdFile),
        cmdline: kernel.cmdline,
      },
      watchdog: 'i6300esb',
    };
  }

  /** Boots it; resolves with the hello that its agent answers. */
  async function boot(
    name: string,
  ): Promise<{ readonly spec: DomainSpec; readonly hello: Message<'hello'> }> {
    const spec = await specOf(name);
    heard.set(name, eventLog());
    await hypervisor.start(spec);
    links.open(name, spec.agentSocketPath);
    return { spec, hello: await next(name, 'hello', () => true, bootLimitMs) };
  }

  async function next<K extends GuestMessage['kind']>(
    name: string,
    kind: K,
    fits: (message: Message<K>) => boolean = () => true,
    limitMs = 30_000,
  ): Promise<Message<K>> {
    const event = await heard
      .get(name)
      ?.next(
        (e) => e.kind === 'message' && e.message.kind === kind && fits(e.message as never),
        kind,
        limitMs,
      );
    assert.ok(event?.kind === 'message');
    return event.message as never;
  }

  /** Runs a line of shell in the guest; nothing is answered where it ends the agent. */
  function begin(name: string, script: string): number {
    const id = (runs += 1);
    const run = {
      kind: 'run',
      id,
      timeoutMs: 30_000,
      arguments: ['/bin/sh', '-c', script],
      environment: {},
    } as const;
    assert.ok(links.send(name, run), `the link of ${name} is up`);
    return id;
  }

  async function run(name: string, script: string): Promise<string> {
    const id = begin(name, script);
    const result = await next(name, 'run-result', (message) => message.id === id);
    const said = heard.get(name)?.all() ?? [];
    const text = said.map((e) =>
      e.kind === 'message' && e.message.kind === 'output' && e.message.id === id ? e.message.text : '',
    );
    assert.equal(result.code, 0, `${script}: ${text.join('')}`);
    return text.join('');
  }

  async function report(
    spec: DomainSpec,
    state: DomainReport['state'],
    limitMs: number,
    reason?: string,
  ): Promise<DomainReport> {
    const fits = (e: HypervisorEvent) =>
      e.kind === 'domain' &&
      e.report.assembly === spec.assembly &&
      e.report.state === state &&
      // libvirt starts a machine paused: an older report of that is not the one.
      (reason === undefined || e.report.reason === reason);
    const event = await domains.next(fits, `${spec.assembly} ${state}`, limitMs);
    assert.ok(event.kind === 'domain');
    return event.report;
  }

  function consoleSays(spec: DomainSpec, words: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const watcher = watch(spec.consoleLogPath, look);
      const timer = setTimeout(() => {
        watcher.close();
        reject(new Error(`the console of ${spec.assembly} does not say: ${words}`));
      }, 30_000);
      function look(): void {
        if (!readFileSync(spec.consoleLogPath, 'latin1').includes(words)) return;
        clearTimeout(timer);
        watcher.close();
        resolve();
      }
      // Watched first: what was said before this look is seen by it.
      look();
    });
  }

  async function stateOf(spec: DomainSpec): Promise<string | undefined> {
    return (await hypervisor.list()).find(({ uuid }) => uuid === spec.uuid)?.state;
  }

  async function assertScreenIsThere(spec: DomainSpec): Promise<void> {
    const picture = await hypervisor.screenshot(spec.uuid, 5000);
    assert.ok(picture !== null && picture.length > 1000);
  }

  test('a guest that panics is crashed by its own word, and its screen is kept', async () => {
    const { spec, hello } = await boot('panics');
    assert.ok(agentCan(hello, 'watchdog'), `can: ${hello.can}`);
    begin('panics', 'echo c >/proc/sysrq-trigger');
    assert.equal((await report(spec, 'crashed', 10_000)).reason, 'panicked');
    await assertScreenIsThere(spec);
    assert.match(
      readFileSync(spec.consoleLogPath, 'latin1'),
      /Kernel panic - not syncing: sysrq triggered crash/,
    );
    await hypervisor.fence(spec.uuid);
  });

  test('the guest’s address comes with the hello, or after it when DHCP has answered', async () => {
    const { spec, hello } = await boot('address');
    const told =
      hello.address ?? (await next('address', 'hello', ({ address }) => address !== undefined)).address;
    assert.equal(told, '10.0.2.15', 'the first address that QEMU’s user network gives');
    await hypervisor.fence(spec.uuid);
  });

  test('a systemd unit has its parameters as they were given, also after a change without a reload', async () => {
    const { spec } = await boot('parameters');
    const unit = '[Service]\\nExecStart=/bin/sh -c "env -0 >/run/got; exec sleep 600"\\n';
    await run('parameters', `printf '${unit}' >/run/systemd/system/web.service`);
    for (const text of [`a "b" \\c \`d\` $e \${f} 'g' #h ;i %j =k é \\n`, ' \\" trailing\\ ']) {
      const watch = { kind: 'watch', name: 'web', class: 'systemd', service: 'web' } as const;
      links.send('parameters', { ...watch, parameters: { TEXT: text, EMPTY: '' } });
      for (const operation of ['stop', 'start'] as const) {
        const id = (runs += 1);
        links.send('parameters', { kind: 'operation', id, name: 'web', operation, timeoutMs: 30_000 });
        const result = await next('parameters', 'result', (message) => message.id === id);
        assert.equal(result.code, 0, result.output);
      }
      const got = await run(
        'parameters',
        'until grep -qz ^TEXT= /run/got; do sleep 0.05; done; tr "\\0" "\\n" </run/got; rm /run/got',
      );
      assert.ok(got.split('\n').includes(`TEXT=${text}`), got);
      assert.ok(got.split('\n').includes('EMPTY='), got);
    }
    await hypervisor.fence(spec.uuid);
  });

  test('a guest whose agent stands still is paused; an orderly end, a new agent and no guest at all are left alone', async (t) => {
    // No operating system: its watchdog is never opened.
    const bare = { ...conformanceSpecs(owner, libvirtd.directory)('bare'), watchdog: 'i6300esb' } as const;
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', bare.diskPath, '8M']);
    await hypervisor.start(bare);
    const orderly = await boot('orderly');
    const hangs = await boot('hangs');
    assert.ok(agentCan(orderly.hello, 'watchdog') && agentCan(hangs.hello, 'watchdog'));

    begin('orderly', 'kill -9 $PPID');
    // An `update`, such as of an address that DHCP gave just now, is still the old agent's: it would take what is begun
    // next with it.
    const again = await next('orderly', 'hello', ({ cause }) => cause !== 'update', 60_000);
    assert.ok(agentCan(again, 'watchdog'), 'the next agent has it again');
    // The port stays open without the agent, so the guest says on its console that the agent has ended.
    // By a unit of its own: what the agent runs may end with it. The agent says hello early in the boot, and a unit
    // with the usual dependencies would first await the rest of it.
    const farewell = 'systemctl stop pcloud-agent.service && echo the agent has ended >/dev/console';
    begin(
      'orderly',
      `systemd-run --quiet --no-block --property=DefaultDependencies=no /bin/sh -c '${farewell}'`,
    );
    await consoleSays(orderly.spec, 'the agent has ended');
    const endedMs = performance.now();

    begin('hangs', 'kill -STOP $PPID');
    const stoppedMs = performance.now();
    await report(hangs.spec, 'paused', watchdogMs + slackMs, 'watchdog');
    t.diagnostic(
      `paused ${((performance.now() - stoppedMs) / 1000).toFixed(1)} s after the agent stood still`,
    );
    await assertScreenIsThere(hangs.spec);
    // That nothing happens can only be seen by waiting as long as it would take.
    await delay(Math.max(0, endedMs + watchdogMs + 5000 - performance.now()));
    assert.equal(await stateOf(orderly.spec), 'running');
    assert.equal(await stateOf(bare), 'running');
    for (const { uuid } of [bare, orderly.spec, hangs.spec]) await hypervisor.fence(uuid);
  });
});
