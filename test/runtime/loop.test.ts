/**
 * The loop around the step, on the simulated host: what goes wrong beside the supervisor (its journal, its
 * own standstill, an action that cannot be begun) must not cost anybody their recovery.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeployablePlan } from '../../runtime/control.ts';
import { createLoop, type Loop } from '../../runtime/loop.ts';
import type { Launcher, Memory } from '../../runtime/ports.ts';
import { defaultLimits } from '../../runtime/supervisor/limits.ts';
import { createLogger } from '../../service/logger.ts';
import { createVirtualClock, type VirtualClock } from '../../runtime/simulation/clock.ts';
import { simulatedGuests, type SimulatedGuests } from '../../runtime/simulation/guest.ts';
import { simulatedHypervisor, type SimulatedHypervisor } from '../../runtime/simulation/hypervisor.ts';
import { simulatedLauncher, simulatedSpec } from '../../runtime/simulation/launcher.ts';
import { simulatedMemory } from '../../runtime/simulation/memory.ts';

const plan: DeployablePlan = {
  name: 'dep1',
  intent: 'up',
  monitoring: 'am',
  escalation: 'never',
  assemblies: [
    {
      name: 'assy1',
      escalation: 'never',
      resources: [
        {
          name: 'web',
          class: 'systemd',
          service: 'web',
          parameters: {},
          escalation: 'never',
          monitorIntervalMs: 10_000,
          monitorTimeoutMs: 5000,
          startTimeoutMs: 5000,
          stopTimeoutMs: 5000,
        },
      ],
    },
  ],
};

type Host = {
  readonly time: VirtualClock;
  readonly hypervisor: SimulatedHypervisor;
  readonly guests: SimulatedGuests;
  readonly loop: Loop;
  readonly told: string[];
};

/** A host with one assembly; parts of memory and launcher can be replaced by what fails. */
async function host(
  replace: {
    readonly memory?: Partial<Memory>;
    readonly launcher?: Partial<Launcher>;
    readonly soon?: (work: () => void) => void;
  } = {},
): Promise<Host> {
  const time = createVirtualClock(0);
  const hypervisor = simulatedHypervisor(time.clock, 'test');
  const guests = simulatedGuests({ clock: time.clock, heartbeatMs: 1000 });
  hypervisor.onPower((assembly, power) => (power === 'on' ? guests.boot(assembly) : guests.lose(assembly)));
  const told: string[] = [];
  const memory = simulatedMemory(({ text }) => told.push(text));
  const loop = createLoop({
    hypervisor,
    links: guests.connectHost(),
    clock: time.clock,
    log: createLogger({ service: 'test', level: 'silent' }),
    limits: defaultLimits('kvm'),
    firstIncident: 1,
    launcher: { ...simulatedLauncher('test'), ...replace.launcher },
    checks: { run: () => Promise.resolve({ verdict: 'well', detail: 'HTTP 200' }) },
    second: { ask: () => Promise.resolve('none') },
    memory: { ...memory, ...replace.memory },
    soon: replace.soon ?? ((work) => work()),
    onDefect: (error) => {
      throw error;
    },
  });
  const started = loop.start();
  await time.advance(50);
  await started;
  return { time, hypervisor, guests, loop, told };
}

/** More than the tests' own promises need to be told to one another. */
const settle = async (): Promise<void> => await new Promise((resolve) => void setImmediate(resolve));

const stateOf = (loop: Loop): string | undefined => loop.control.deployable('dep1')?.state;

test('a journal that cannot be written does not keep a killed application from being started again', async () => {
  const full = (): never => {
    throw new Error('database or disk is full');
  };
  const { time, guests, loop } = await host({
    memory: { append: full, saveIncident: full, saveWindow: full },
  });
  loop.control.apply(plan);
  await time.advance(20_000);
  assert.equal(stateOf(loop), 'active');
  guests.killResource('assy1', 'web');
  await time.advance(5000);
  assert.ok(guests.isRunning('assy1', 'web'));
  assert.equal(stateOf(loop), 'active');
});

test('what a full disk refused is written when there is space again, in its order', async () => {
  let isFull = true;
  const written: string[] = [];
  const { time, guests, loop } = await host({
    memory: {
      append(events) {
        if (isFull) throw new Error('database or disk is full');
        written.push(...events.map(({ text }) => text));
        return events.map((event, index) => ({ ...event, seq: index + 1 }));
      },
    },
  });
  loop.control.apply(plan);
  await time.advance(20_000);
  guests.killResource('assy1', 'web');
  await time.advance(5000);
  assert.deepEqual(written, []);
  isFull = false;
  await time.advance(5000);
  assert.match(written[0] ?? '', /is STARTING/);
  assert.ok(written.some((text) => /FAILED/.test(text)) && /ACTIVE again/.test(written.at(-1) ?? ''));
});

test('a start that became due while we stood still is not lost', async () => {
  const { time, hypervisor, loop } = await host();
  loop.control.apply(plan);
  await time.advance(20_000);
  hypervisor.kill('assy1');
  await time.advance(10_000);
  assert.equal(stateOf(loop), 'active');
  // The second failure waits 1 s before its start; we stand still across that moment.
  hypervisor.kill('assy1');
  await time.advance(500);
  assert.equal(loop.control.assembly('assy1')?.state, 'waiting');
  await time.jump(30_000);
  await time.advance(20_000);
  assert.equal(stateOf(loop), 'active');
  assert.equal(hypervisor.startsOf('assy1'), 3);
});

test('sixty deaths a minute apart are sixty failures, each counted once, and never two VMs on one disk', async () => {
  const { time, hypervisor, loop, told } = await host();
  loop.control.apply(plan);
  await time.advance(20_000);
  for (let second = 0; second < 60; second += 1) {
    hypervisor.kill('assy1');
    await time.advance(61_000);
  }
  const failures = told.filter((text) => text.includes('assembly [assy1]') && text.includes('FAILED'));
  assert.equal(failures.length, 60, failures.join('\n'));
  assert.deepEqual(hypervisor.violations(), []);
});

test('an assembly whose record is gone costs nobody else anything', async () => {
  const { time, loop } = await host({
    launcher: {
      identity: () => {
        throw new Error('there is no such assembly');
      },
    },
  });
  loop.control.apply(plan);
  await time.advance(20_000);
  assert.equal(stateOf(loop), 'active');
});

test('a host key that cannot be written down does not keep an assembly from coming online', async () => {
  const { time, loop } = await host({
    launcher: {
      rememberHostKey: () => {
        throw new Error('database or disk is full');
      },
    },
  });
  loop.control.apply(plan);
  await time.advance(20_000);
  assert.equal(stateOf(loop), 'active');
});

test('a copy of a domain that somebody made says nothing about the original', async () => {
  const { time, hypervisor, loop, told } = await host();
  loop.control.apply(plan);
  await time.advance(20_000);
  const spec = simulatedSpec('assy1', 'test');
  // virt-clone copies the metadata, and with it our owner and the assembly's name.
  const copy = { ...spec, uuid: '99999999-0000-4000-8000-000000000001', domainName: 'pcloud-assy1-clone' };
  // The simulated guest is the original's.
  hypervisor.onPower(() => undefined);
  hypervisor.addForeign({ ...copy, diskPath: '/simulated/copy' });
  await time.advance(1000);
  const fenced = hypervisor.fence(copy.uuid);
  await time.advance(1000);
  await fenced;
  await time.advance(30_000);
  assert.equal(told.filter((text) => text.includes('FAILED')).length, 0, told.join('\n'));
  assert.equal(stateOf(loop), 'active');
});

test('a start that was given up while its disk was being made does not switch the VM on later', async () => {
  let ready: () => void = () => undefined;
  const { time, hypervisor, loop } = await host({
    launcher: {
      prepare: async (assembly) => {
        await new Promise<void>((resolve) => {
          ready = resolve;
        });
        return simulatedSpec(assembly, 'test');
      },
    },
  });
  loop.control.apply(plan);
  await time.advance(1000);
  loop.control.stop('dep1');
  await time.advance(200_000);
  assert.equal(stateOf(loop), 'stopped');
  ready();
  await settle();
  await time.advance(10_000);
  assert.equal(hypervisor.startsOf('assy1'), 0);
});

test('a record that cannot be read is no evidence against a silent guest, and ends nothing', async () => {
  let broken = false;
  const { time, guests, loop, told } = await host({
    launcher: {
      uuidOf: (assembly) => {
        if (broken) throw new Error('disk I/O error');
        return simulatedSpec(assembly, 'test').uuid;
      },
    },
  });
  loop.control.apply(plan);
  await time.advance(20_000);
  broken = true;
  guests.hang('assy1');
  await time.advance(30_000);
  guests.unhang('assy1');
  await time.advance(5000);
  assert.equal(told.filter((text) => text.includes('FAILED')).length, 0, told.join('\n'));
  assert.equal(stateOf(loop), 'active');
});

test('what is decided in one turn of the event loop is written with one sync, and last when the service stops', async () => {
  const later: (() => void)[] = [];
  const synced: string[][] = [];
  let now: string[] | null = null;
  const { time, loop } = await host({
    soon: (work) => later.push(work),
    memory: {
      together(work) {
        now = [];
        synced.push(now);
        work();
        now = null;
      },
      append(events) {
        assert.ok(now !== null, 'written alone');
        now.push(...events.map(({ kind }) => kind));
        return events.map((event, index) => ({ ...event, seq: index + 1 }));
      },
    },
  });
  loop.control.apply(plan);
  loop.control.stop('dep1');
  assert.deepEqual(synced, []);
  for (const work of later.splice(0)) work();
  assert.deepEqual(synced, [['deployable-starting', 'deployable-stopping']]);
  loop.control.apply(plan);
  const stopping = loop.stop();
  assert.deepEqual(synced[1], ['deployable-starting']);
  await time.advance(1000);
  await stopping;
  assert.equal(synced.length, 2);
});

test('a guest whose word came while we were busy is not suspected by the tick that was late', async () => {
  // As Node does after a long block: timers first, what has come in on sockets afterwards.
  const later: (() => void)[] = [];
  let deferred = false;
  const { time, guests, loop, told } = await host({
    soon: (work) => (deferred ? void later.push(work) : work()),
  });
  loop.control.apply(plan);
  await time.advance(20_000);
  deferred = true;
  guests.hang('assy1');
  await time.advance(3100);
  guests.unhang('assy1');
  for (const work of later.splice(0)) work();
  deferred = false;
  await time.advance(2000);
  assert.deepEqual(
    told.filter((text) => text.includes('SUSPECT')),
    [],
  );
});
