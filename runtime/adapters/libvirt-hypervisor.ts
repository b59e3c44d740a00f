/**
 * The hypervisor port on libvirt: puts the parts together and answers every event by reading the domain's
 * state anew, because events are edges and can be late. The connection is `libvirt-link.ts`, what is done
 * to a domain `libvirt-domain-calls.ts`, statistics and screenshots `libvirt-observer.ts`, and what was
 * reported `libvirt-ledger.ts`.
 */
import { metadataUri } from '../../catalogue/domain-xml.ts';
import type { DomainSpec } from '../../model/domain-spec.ts';
import type { Clock, Hypervisor, HypervisorEvent } from '../ports.ts';
import {
  fenceOwnDomain,
  findDomain,
  limited,
  powerOffDomain,
  resumeDomain,
  startDomain,
  undefineDomain,
} from './libvirt-domain-calls.ts';
import type { DomainCallContext } from './libvirt-domain-calls.ts';
import { defaultLibvirtLimits, libvirtFailure } from './libvirt-failure.ts';
import type { LibvirtLimits } from './libvirt-failure.ts';
import { domainLedger } from './libvirt-ledger.ts';
import { libvirtLink } from './libvirt-link.ts';
import { libvirtObserver } from './libvirt-observer.ts';
import { bridgeProblem } from './host-bridges.ts';
import { libvirtNetworkProblem } from './libvirt-networks.ts';
import { coalesced } from './libvirt-reread.ts';
import { settlingLists } from './libvirt-settle.ts';

export type LibvirtHypervisorOptions = {
  /** Such as `qemu:///system`, or with `?socket=…` a private daemon's. */
  readonly uri: string;
  /** Only domains whose metadata names this owner exist for us. */
  readonly owner: string;
  readonly clock: Clock;
  /** `domainXmlRenderer` of the template; another one for another driver. */
  readonly renderXml: (spec: DomainSpec) => string;
  /** Trouble that was dealt with, one sentence, for the log. */
  readonly notice: (message: string) => void;
  readonly limits?: Partial<LibvirtLimits>;
};

/** The hypervisor on libvirt; nothing is connected before `open`. All failures are PcloudError. */
export function libvirtHypervisor(options: LibvirtHypervisorOptions): Hypervisor {
  const limits: LibvirtLimits = { ...defaultLibvirtLimits, ...options.limits };
  const { uri, owner, clock, notice } = options;
  let emit: (event: HypervisorEvent) => void = () => {};
  const observer = libvirtObserver(uri, clock, limits, notice);
  const ledger = domainLedger(owner, (report) => emit({ kind: 'domain', report }));
  const link = libvirtLink(uri, clock, limits, {
    up(records) {
      emit({ kind: 'connection', state: 'up', reason: `connected to ${uri}` });
      ledger.reportAll(records);
      settling.begin();
    },
    down(reason) {
      settling.cancel();
      observer.reset();
      emit({ kind: 'connection', state: 'down', reason });
    },
    domainChanged: coalesced(reread),
    notice,
  });
  const settling = settlingLists(clock, () => void relist());
  const context = (): DomainCallContext => ({ connection: link.connection(), owner, clock, limits, notice });

  /** A failure needs no second try: either the connection is lost, and a list follows, or the reconcile asks. */
  async function reread(uuid: string): Promise<void> {
    try {
      const asked = context();
      const record = await findDomain(asked, uuid);
      if (link.connection() !== asked.connection) return;
      if (record === null) ledger.absent(uuid);
      else ledger.report(record);
    } catch (error) {
      notice(`Domain ${uuid} changed, and ${libvirtFailure('be asked about it', error).message}`);
    }
  }

  async function relist(): Promise<void> {
    try {
      const { connection } = context();
      const mark = ledger.mark();
      const all = connection.listAllDomains(0, metadataUri);
      const records = await limited({ clock }, 'list its domains', limits.readMs, all);
      if (link.connection() === connection) ledger.reportChanges(records, mark);
    } catch (error) {
      notice(`A list after the connect failed: ${libvirtFailure('list its domains', error).message}`);
    }
  }

  return {
    async open(listener) {
      emit = listener;
      await link.start();
    },
    async close() {
      emit = () => {};
      settling.cancel();
      observer.reset();
      await link.stop();
    },
    async list() {
      const mark = ledger.mark();
      const all = link.connection().listAllDomains(0, metadataUri);
      return ledger.listed(await limited({ clock }, 'list its domains', limits.readMs, all), mark);
    },
    // Rendering comes first: a spec that cannot be rendered is reported even while libvirt is away.
    async start(spec) {
      const xml = options.renderXml(spec);
      await startDomain(context(), spec, xml);
    },
    resume: async (uuid) => resumeDomain(context(), uuid),
    shutdown: async (uuid) => powerOffDomain(context(), uuid),
    fence: async (uuid) => fenceOwnDomain(context(), uuid),
    undefine: async (uuid) => undefineDomain(context(), uuid),
    networkProblem: async ({ kind, name }) =>
      kind === 'bridge' ? await bridgeProblem(name) : await libvirtNetworkProblem(context(), name),
    progress: (uuid) => observer.progress(uuid),
    screenshot: (uuid, timeoutMs) => observer.screenshot(uuid, timeoutMs),
  };
}
