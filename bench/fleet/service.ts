/**
 * pcloud-cped as it is, with one thing outside replaced: libvirt is its own test driver, whose machines live in
 * this process. They die on an order of the benchmark, because nobody else can reach them. Started by `fleet.ts`.
 */
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import { createGuestLinks } from '../../runtime/adapters/guest-link.ts';
import { libvirtHypervisor } from '../../runtime/adapters/libvirt-hypervisor.ts';
import { readConfig } from '../../runtime/config.ts';
import { startCped } from '../../runtime/cped.ts';
import type { Hypervisor } from '../../runtime/ports.ts';
import { defaultLimits } from '../../runtime/supervisor/limits.ts';
import { createLogger } from '../../service/logger.ts';
import { domainXml } from './files.ts';

/** From the fleet: these domains are switched off, all at once. */
export type ServiceOrder = { readonly kind: 'destroy'; readonly uuids: readonly string[] };
/** To the fleet. `atMs` is wall time, before the first and after the last is off. */
export type ServiceReport =
  | { readonly kind: 'destroyed'; readonly fromMs: number; readonly toMs: number }
  | { readonly kind: 'started'; readonly assembly: string };

function tellFleet(report: ServiceReport): void {
  process.send?.(report);
}

const config = readConfig(process.env);
const log = createLogger({ service: 'pcloud-cped', level: config.logLevel });
const clock = systemClock;
const libvirt = libvirtHypervisor({
  uri: config.libvirtUri,
  owner: config.owner,
  clock,
  renderXml: (spec) => domainXml({ name: spec.assembly, uuid: spec.uuid, owner: spec.owner }),
  notice: (message) => log.warn(message),
});
const hypervisor: Hypervisor = {
  ...libvirt,
  async start(spec) {
    await libvirt.start(spec);
    tellFleet({ kind: 'started', assembly: spec.assembly });
  },
};
await startCped({
  config,
  log,
  outside: {
    clock,
    hypervisor,
    links: createGuestLinks({
      clock,
      heartbeatMs: defaultLimits('kvm').heartbeatMs,
      notice: (message) => log.warn(message),
    }),
    accelerator: {
      accelerator: 'kvm',
      reason: 'a benchmark: machines of the test driver need no accelerator',
    },
  },
  onDefect: (error) => {
    log.fatal({ err: error }, 'a defect');
    process.exit(1);
  },
});
process.on('message', ({ uuids }: ServiceOrder) => {
  const fromMs = clock.wallMs();
  // Not `fence`, which would wait to see each of them off while the supervisor starts it again.
  void Promise.all(uuids.map((uuid) => libvirt.shutdown(uuid))).then(() =>
    tellFleet({ kind: 'destroyed', fromMs, toMs: clock.wallMs() }),
  );
});
process.on('disconnect', () => process.exit(0));
