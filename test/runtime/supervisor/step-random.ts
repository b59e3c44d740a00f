/** Randomness that can be run again, and the plans among which the random operator of `step-world.ts` moves. */
import type { DeployablePlan } from '../../../runtime/control.ts';

/** mulberry32: a tiny seeded generator, so that a failing seed can be run again. */
export function randomFrom(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const thrice = { failures: 3, periodMs: 600_000 };

/** Three assemblies, one named like another's beginning, with two resources each. */
export const plan: DeployablePlan = {
  name: 'dep1',
  intent: 'up',
  monitoring: 'am',
  escalation: thrice,
  assemblies: ['assy1', 'assy10', 'assy2'].map((name) => ({
    name,
    escalation: thrice,
    resources: ['web', 'db'].map((resource) => ({
      name: resource,
      class: 'systemd',
      service: resource,
      parameters: {},
      escalation: thrice,
      monitorIntervalMs: 10_000,
      monitorTimeoutMs: 5000,
      startTimeoutMs: 5000,
      stopTimeoutMs: 5000,
    })),
  })),
};

/** The full plan, or one with an assembly or resources left out, or with another service under an old name. */
export function changedPlan(random: () => number): DeployablePlan {
  const assemblies = plan.assemblies
    .filter(() => random() < 0.8)
    .map((assembly) => ({
      ...assembly,
      resources: assembly.resources
        .filter(() => random() < 0.8)
        .map((resource) => (random() < 0.1 ? { ...resource, service: `${resource.name}-ng` } : resource)),
    }));
  // A deployable without any assembly is refused before it comes here.
  return assemblies.length === 0 ? plan : { ...plan, assemblies };
}
