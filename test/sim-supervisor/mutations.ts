/**
 * Deliberate defects of the supervisor, as patches of its text, each with what the simulation must say when it
 * finds it. A patch that does not fit any more (a file was rewritten) is to be renewed, not dropped.
 */

export type Mutation = {
  readonly name: string;
  /** In `runtime/supervisor/`. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly original: string;
  readonly mutated: string;
  /** How it is caught. */
  readonly caught: RegExp;
};

export const mutations: readonly Mutation[] = [
  {
    name: 'a failed VM is started anew without fencing',
    file: 'assembly-failure.ts',
    original: `    return;
  }
  fence(turn, assembly, assembly.incident?.id ?? null);
}`,
    mutated: `    return;
  }
  assembly.domain = 'off';
  moveAssembly(turn, assembly, 'waiting');
}`,
    caught: /which the hypervisor's last word does not call off/,
  },
  {
    name: 'a failed fencing counts as done',
    file: 'assembly-failure.ts',
    original: 'if (!outcome.ok) {',
    mutated: 'if (turn.state.limits.bootMs < 0) {',
    caught: /which the hypervisor's last word does not call off|runs although|no end after/,
  },
  {
    name: 'the window is one failure longer',
    file: 'escalation.ts',
    original: 'window.length < policy.failures',
    mutated: 'window.length <= policy.failures',
    caught: /no escalation at failure/,
  },
  {
    name: 'a failure exactly before the period still counts',
    file: 'escalation.ts',
    original: 'nowMs - time < periodMs',
    mutated: 'nowMs - time < 2 * periodMs',
    caught: /an escalation at failure/,
  },
  {
    name: 'a start that ends after the stop is kept',
    file: 'assembly.ts',
    original: `    if (assembly.intent === 'down') {
      fence(turn, assembly, null);
      return null;
    }
    awaitHello(turn, assembly);`,
    mutated: '    awaitHello(turn, assembly);',
    caught: /no end after|runs although|cannot move/,
  },
  {
    name: 'a held stop does not keep from starting',
    file: 'assembly-admission.ts',
    original: `  if (assembly.intent === 'down') return false;`,
    mutated: '',
    caught: /which the operator stopped/,
  },
  {
    name: 'an answer to a question from before the start is believed',
    file: 'step.ts',
    original: 'assembly.pending !== null || askedMs < assembly.settledMs',
    mutated: 'assembly.pending !== null',
    caught: /which the hypervisor's last word does not call off/,
  },
  {
    name: 'a silent guest hangs, whether it works or not',
    file: 'verdict.ts',
    original: `if (signs.suspicion.progress === 'none')`,
    mutated: `if (signs.silentMs > 0)`,
    caught: /a guest that works is said to hang/,
  },
  {
    name: 'the backoff never grows',
    file: 'escalation.ts',
    original: '2 ** Math.min(run.length - 2, 30)',
    mutated: '1',
    caught: /before its backoff is over/,
  },
  {
    name: 'the windows are not saved',
    file: 'record.ts',
    original: `turn.actions.push({ kind: 'save-window', key, timesMs });`,
    mutated: '',
    caught: /no escalation at failure/,
  },
  {
    name: 'a block is not saved',
    file: 'deployable.ts',
    original: `turn.actions.push({ kind: 'save-blocked', deployable: plan.name, reason: cause });`,
    mutated: '',
    caught: /whose deployable is given up/,
  },
  {
    name: 'the beginning of an earlier boot is taken over',
    file: 'since.ts',
    original: ' && known.boot === boot && isSame',
    mutated: ' && (known.boot !== boot || isSame)',
    caught: /is of another boot/,
  },
  {
    name: 'the end of a recovery says nothing of its incident',
    file: 'resource.ts',
    original: '      incident,\n      facts',
    mutated: '      facts',
    caught: /the end of a recovery, of no incident/,
  },
  {
    name: 'maintenance is ignored',
    file: 'maintenance.ts',
    original: 'return maintenanceOf(turn.state.maintenance, place, turn.now.wallMs);',
    mutated: 'return place.deployable === "" ? { untilMs: null } : null;',
    caught: /maintenance/,
  },
  {
    name: 'an assembly does not wait for those that it depends on',
    file: 'order.ts',
    original: `  if (dependsOn === undefined) return [];
  return dependsOn
    .map((dependency) => dependency.assembly)`,
    mutated: `  if (dependsOn === undefined) return [];
  return dependsOn
    .slice(1)
    .map((dependency) => dependency.assembly)`,
    caught: /before \S+ is up/,
  },
  {
    name: 'a stop does not wait for the dependants',
    file: 'order-holds.ts',
    original: 'if (runningDependants(turn.state, assembly).length === 0) return false;',
    mutated: 'if (turn.now.monotonicMs > 0) return false;',
    caught: /which depends on it, is/,
  },
  {
    name: 'the incident of what is active again stays open',
    file: 'resource.ts',
    original: `const tookMs = endIncident(turn, resource, 'recovered');`,
    mutated: `const tookMs = resource.incident === null ? null : 0;`,
    caught: /never ended|no end after/,
  },
];
