/**
 * A registry of Prometheus metrics of a service's own, with what every process has (CPU, memory, the event loop's lag),
 * and the route that gives them. What else is measured is the services'.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { routesWith } from './route.ts';

/** Starts the process's own figures; `stop` ends what they are taken with. */
export function createRegistry(service: string, version: string): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // Gauges that are called like counters; promtool complains, and nobody misses them.
  for (const name of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${name}_total`);
  new Gauge({
    name: 'pcloud_service_info',
    help: 'Always 1; which service this is, in which version',
    labelNames: ['service', 'version'],
    registers: [registry],
  }).set({ service, version }, 1);
  return registry;
}

/** What the route needs: all that is measured, in Prometheus' text format. */
export type Exposition = { readonly metrics: () => Promise<string> };

const route = routesWith<Exposition>();

export const metricsRoutes = [
  route.bytes(
    {
      method: 'GET',
      path: '/metrics',
      access: 'read',
      summary: 'What is measured, for Prometheus (docs/monitoring.md)',
      contentTypes: [Registry.PROMETHEUS_CONTENT_TYPE],
      description: "Prometheus' text format, version 0.0.4.",
    },
    async ({ metrics }, { reply }) =>
      await reply.type(Registry.PROMETHEUS_CONTENT_TYPE).send(await metrics()),
  ),
];

/** A word as the value of a label: what others chose must not make a series each. */
export function labelWord(word: string | null): string {
  if (word === null) return 'none';
  return /^[a-z][a-z-]{0,29}$/.test(word) ? word : 'other';
}
