/**
 * What a step of the supervisor costs with 1,000 assemblies × 3 resources in 100 deployables, all up: the pure step
 * alone, in this process, fed with what such a fleet says in its everyday life. The loop's IO is not in it.
 */
import type { DeployablePlan, ResourcePlan } from '../../runtime/control.ts';
import { defaultLimits } from '../../runtime/supervisor/limits.ts';
import type { Action, Observation } from '../../runtime/supervisor/protocol.ts';
import { initialState } from '../../runtime/supervisor/state.ts';
import { step } from '../../runtime/supervisor/step.ts';
import type { Bench, Figure } from '../bench.ts';
import type { Row } from '../statistics.ts';

const deployables = 100;
const assembliesEach = 10;
const resourceNames = ['web', 'db', 'cache'] as const;
const hour = { failures: 3, periodMs: 3_600_000 };
/** The loop's. */
const tickMs = 200;
/** Virtual time that one sample plays: each guest beats once a second, each resource is monitored every ten. */
const sampleMs = 10_000;

export type Mix = { readonly steps: number; readonly elapsedMs: number };

export type Fleet = {
  /** Plays so much everyday life and returns how many observations that took, and how long. */
  readonly play: (durationMs: number) => Mix;
};

function resourcePlan(name: string): ResourcePlan {
  return {
    name,
    class: 'systemd',
    service: name,
    parameters: {},
    escalation: hour,
    monitorIntervalMs: 10_000,
    monitorTimeoutMs: 20_000,
    startTimeoutMs: 60_000,
    stopTimeoutMs: 60_000,
  };
}

function plans(): readonly DeployablePlan[] {
  return Array.from({ length: deployables }, (_, index) => ({
    name: `dep${index}`,
    intent: 'up',
    monitoring: 'am',
    escalation: hour,
    assemblies: Array.from({ length: assembliesEach }, (_assembly, member) => ({
      name: `assy${index}-${member}`,
      escalation: hour,
      resources: resourceNames.map(resourcePlan),
    })),
  }));
}

/** Brings all of it up (adopted, as after a restart of the service), and answers what the supervisor asks. */
export function createFleet(): Fleet {
  const state = initialState(defaultLimits('kvm'), {
    windows: new Map(),
    openIncidents: [],
    firstIncident: 1,
    firstOperationId: 1,
  });
  const names = plans().flatMap(({ assemblies }) => assemblies.map(({ name }) => name));
  let nowMs = 1_000_000;
  let steps = 0;
  let asked: Observation[] = [];
  const feed = (observation: Observation): void => {
    steps += 1;
    const { actions } = step(state, observation, { monotonicMs: nowMs, wallMs: 1e12 + nowMs });
    for (const action of actions) {
      const answer = answerOf(action);
      if (answer !== null) asked.push(answer);
    }
  };
  const answerAll = (): void => {
    while (asked.length > 0) {
      const answers = asked;
      asked = [];
      for (const answer of answers) feed(answer);
    }
  };
  const say = (assembly: string, message: Extract<Observation, { kind: 'message' }>['message']): void =>
    feed({ kind: 'message', assembly, message });

  feed({ kind: 'connection', state: 'up', reason: 'bench' });
  for (const plan of plans()) feed({ kind: 'apply', plan });
  feed({
    kind: 'inventory',
    askedMs: nowMs,
    reports: names.map((name) => ({ assembly: name, uuid: name, state: 'running', reason: 'booted' })),
  });
  for (const [index, name] of names.entries()) {
    // Spread over the second and over the monitors' interval, as a fleet's are.
    nowMs += index % 10 === 0 ? 100 : 0;
    const hello = { protocol: 1, agentVersion: '1', bootId: 'boot-1', init: 'systemd' } as const;
    say(name, { kind: 'hello', ...hello, deathSource: 'proc-connector' });
    say(name, { kind: 'state-end' });
    answerAll();
  }
  // The long start is over; nobody has been silent since.
  for (const name of names) say(name, { kind: 'heartbeat', sequence: 1, uptimeMs: 1 });

  return {
    play(durationMs) {
      steps = 0;
      const startedMs = performance.now();
      const endMs = nowMs + durationMs;
      let from = 0;
      while (nowMs < endMs) {
        nowMs += tickMs;
        const until = from + (names.length * tickMs) / 1000;
        for (let index = from; index < until; index += 1)
          say(names[index % names.length] ?? '', { kind: 'heartbeat', sequence: 2, uptimeMs: 2 });
        from = until % names.length;
        feed({ kind: 'tick' });
        answerAll();
      }
      const isActive = [...state.deployables.values()].every(({ name }) => name === 'active');
      if (!isActive)
        throw new Error('the fleet of the benchmark is not up: what it measures is not everyday life');
      return { steps, elapsedMs: performance.now() - startedMs };
    },
  };
}

/** All is well. */
function answerOf(action: Action): Observation | null {
  if (action.kind !== 'send' || action.message.kind !== 'operation') return null;
  const { id, name, operation } = action.message;
  const result = { id, name, operation, code: 0, timedOut: false, durationMs: 10 };
  return { kind: 'message', assembly: action.assembly, message: { kind: 'result', ...result } };
}

function measure(bench: Bench): readonly Row[] {
  const fleet = createFleet();
  fleet.play(sampleMs);
  const perThousand: number[] = [];
  const ofTicks: number[] = [];
  for (let index = 0; index < bench.samples(20); index += 1) {
    const { steps, elapsedMs } = fleet.play(sampleMs);
    perThousand.push((elapsedMs / steps) * 1000);
    ofTicks.push((elapsedMs / sampleMs) * 100);
  }
  return [
    {
      figure: 'supervisor: 1,000 steps with 1,000 assemblies × 3 resources',
      unit: 'ms',
      target: { atMost: 5 },
      samples: perThousand,
      note: '5 ms are 200,000 steps a second on one core',
    },
    {
      figure: '… of a core for their everyday life',
      unit: '%',
      target: null,
      samples: ofTicks,
      note: 'heartbeats, monitors and ticks; the steps alone, without the loop’s IO',
    },
  ];
}

export const supervisorSteps: Figure = {
  name: 'supervisor-steps',
  how: 'The pure step in one process: 1,000 adopted assemblies with 3 active resources each in 100 deployables. A sample plays ten seconds of theirs: every heartbeat (one a second each), every monitor and its result (one in ten seconds each), a tick each 200 ms; and counts the observations.',
  measure: (bench) => Promise.resolve(measure(bench)),
};
