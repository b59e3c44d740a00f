/**
 * What cped measures of itself for Prometheus. It listens to what is written down (the journal, incidents) and to the
 * guest links; nothing in the supervisor knows of it. Counters begin at nought with the service, as Prometheus expects.
 */
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { eventKinds } from '../../model/event.ts';
import type { Incident, JournalEvent } from '../../model/event.ts';
import { createRegistry, labelWord } from '../../service/metrics-registry.ts';
import { version } from '../../service/version.ts';
import type { Incidents, Journal } from '../adapters/sqlite-memory.ts';
import type { Checks, GuestLinks } from '../ports.ts';
import { createFirstSigns } from './first-signs.ts';
import { createIncidentSteps } from './incident-ends.ts';
import { addStateGauges } from './states.ts';
import type { StateSources } from './states.ts';

/** About what was measured (docs/benchmarks.md): 0.1 s for an application, 0.25 s for a machine, 5 s for a hang. */
export const detectBucketsS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 5, 6, 10, 30, 120];
/** About what was measured: 1.2 s for an application, 13 s for a machine without KVM. */
export const recoverBucketsS = [0.25, 0.5, 1, 1.5, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800];

const rungs = ['resource', 'assembly', 'deployable'] as const;

export type CpedMetrics = {
  watchLinks(links: GuestLinks): GuestLinks;
  watchChecks<T extends Checks>(checks: T): T;
  /** From here on the states are told as well. */
  addStates(sources: StateSources): void;
  /** When the certificate ends; undefined while there is none. */
  addCertificate(endsMs: () => number | undefined): void;
  /** All of it in Prometheus' text format. */
  text(): Promise<string>;
  close(): void;
};

export function createCpedMetrics(options: {
  readonly memory: Pick<Journal & Incidents, 'subscribe' | 'subscribeIncidents' | 'newest'>;
  readonly monotonicMs: () => number;
}): CpedMetrics {
  const { memory, monotonicMs } = options;
  const registry = createRegistry('pcloud-cped', version);
  const registers = [registry];
  const ends = new Counter({
    name: 'pcloud_guest_link_ends_total',
    help: 'Guest links that went down: closed, agent restarted, or cut by us because the guest flooded it or sent nonsense',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of ['closed', 'restarted', 'flooded', 'refused']) ends.inc({ reason }, 0);
  const signs = createFirstSigns(monotonicMs, (reason) => ends.inc({ reason }));
  registry.registerMetric(
    new Gauge({
      name: 'pcloud_guest_links',
      help: 'Guest links that are kept open, by whether the agent speaks',
      labelNames: ['state'],
      registers: [],
      collect() {
        const { up, down } = signs.links();
        this.set({ state: 'up' }, up);
        this.set({ state: 'down' }, down);
      },
    }),
  );
  const onEvents = countEvents(registry);
  const onIncident = countIncidents(registry, memory.newest(1000, { open: true }), (incident) =>
    signs.detectMs(incident),
  );
  const unsubscribe = [memory.subscribe(onEvents), memory.subscribeIncidents(onIncident)];
  return {
    watchLinks: (links) => signs.watchLinks(links),
    watchChecks: (checks) => signs.watchChecks(checks),
    addStates: (sources) => addStateGauges(registry, sources),
    addCertificate(endsMs) {
      registry.registerMetric(
        new Gauge({
          name: 'pcloud_certificate_expiry_timestamp_seconds',
          help: 'When the certificate of the network side ends; absent without one',
          registers: [],
          collect() {
            const ms = endsMs();
            if (ms === undefined) this.remove();
            else this.set(ms / 1000);
          },
        }),
      );
    },
    text: async () => await registry.metrics(),
    close() {
      for (const end of unsubscribe) end();
      registry.clear();
    },
  };
}

function countEvents(registry: Registry): (events: readonly JournalEvent[]) => void {
  const registers = [registry];
  const kinds = new Counter({
    name: 'pcloud_journal_events_total',
    help: 'Events of the journal by kind: service-stalled, hypervisor-lost, assembly-suspect (heartbeats missing), ...',
    labelNames: ['kind'],
    registers,
  });
  for (const kind of eventKinds) kinds.inc({ kind }, 0);
  const fencings = new Counter({
    name: 'pcloud_fencings_total',
    help: 'Machines that were forced off, and attempts that failed',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['done', 'failed']) fencings.inc({ result }, 0);
  const escalations = new Counter({
    name: 'pcloud_escalations_total',
    help: 'Failures that were too many for a rung, by the rung that they left',
    labelNames: ['rung'],
    registers,
  });
  for (const rung of rungs) escalations.inc({ rung }, 0);
  return (events) => {
    for (const { kind, severity, resource, assembly } of events) {
      kinds.inc({ kind });
      if (kind === 'assembly-fenced') fencings.inc({ result: severity === 'info' ? 'done' : 'failed' });
      if (kind === 'escalation')
        escalations.inc({
          rung: resource !== null ? 'resource' : assembly !== null ? 'assembly' : 'deployable',
        });
    }
  };
}

function countIncidents(
  registry: Registry,
  open: readonly Incident[],
  detectMs: (incident: Incident) => number,
): (incident: Incident) => void {
  const registers = [registry];
  const steps = createIncidentSteps(open);
  const ended = new Counter({
    name: 'pcloud_incidents_total',
    help: 'Incidents that have ended, by rung, verdict and outcome',
    labelNames: ['rung', 'verdict', 'outcome'],
    registers,
  });
  const opened = new Counter({
    name: 'pcloud_incidents_opened_total',
    help: 'Incidents that have begun, by rung and verdict',
    labelNames: ['rung', 'verdict'],
    registers,
  });
  registry.registerMetric(
    new Gauge({
      name: 'pcloud_incidents_open',
      help: 'Incidents that have not ended, by rung',
      labelNames: ['rung'],
      registers: [],
      collect() {
        for (const rung of rungs) this.set({ rung }, steps.openCount(rung));
      },
    }),
  );
  const detect = new Histogram({
    name: 'pcloud_detect_seconds',
    help: 'From the first sign of a failure to its verdict: the last word of a guest that hangs, the end of a link, the first bad check, the word of a death',
    labelNames: ['rung'],
    buckets: detectBucketsS,
    registers,
  });
  const recover = new Histogram({
    name: 'pcloud_recover_seconds',
    help: 'From the verdict until it was up again, of incidents that ended as recovered',
    labelNames: ['rung'],
    buckets: recoverBucketsS,
    registers,
  });
  for (const rung of rungs) {
    detect.zero({ rung });
    recover.zero({ rung });
  }
  return (incident) => {
    const { rung, outcome } = incident;
    const verdict = labelWord(incident.verdict);
    const step = steps.step(incident);
    if (step.opened) {
      opened.inc({ rung, verdict });
      detect.observe({ rung }, detectMs(incident) / 1000);
    }
    if (!step.ended) return;
    ended.inc({ rung, verdict, outcome });
    // A wall clock that was set back must not count backwards.
    const tookMs = Math.max(0, (incident.endedAtMs ?? incident.noticedAtMs) - incident.noticedAtMs);
    if (outcome === 'recovered') recover.observe({ rung }, tookMs / 1000);
  };
}
