/**
 * What every hypervisor behind the port must do, as one suite for the simulator, libvirt's test driver and
 * real QEMU. A rig makes one and knows how to hurt it. What only one of them can do is tested beside it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DomainSpec } from '../../model/domain-spec.ts';
import { PcloudError } from '../../model/errors.ts';
import type { DomainReport, DomainState, Hypervisor, HypervisorEvent } from '../../runtime/ports.ts';

export type HypervisorRig = {
  readonly hypervisor: Hypervisor;
  /** A machine that this hypervisor can really start; the same one for the same name. */
  readonly spec: (assembly: string) => DomainSpec;
  /** Ends the machine behind the hypervisor's back. */
  readonly killFromOutside: (spec: DomainSpec) => Promise<void>;
  /** A running domain that belongs to somebody else, with the UUID of this spec. */
  readonly addForeign: (spec: DomainSpec) => Promise<void>;
  /** Breaks the connection, runs `meanwhile`, and lets it come back. Without it, that test is not made. */
  readonly interrupt?: (meanwhile: () => Promise<void>) => Promise<void>;
  /** A network that is there; without it, that is not asked for. */
  readonly network?: string;
  readonly dispose: () => Promise<void>;
};

/** Above all limits of a healthy hypervisor on a loaded machine. */
const waitLimitMs = 30_000;

/** All events since the start of the suite, and the next one that fits. */
export type EventLog = {
  readonly listener: (event: HypervisorEvent) => void;
  /** The first event after `from` that fits; rejects after `waitLimitMs`, saying what came instead. */
  readonly wait: (
    what: string,
    from: number,
    fits: (event: HypervisorEvent) => boolean,
  ) => Promise<HypervisorEvent>;
  /** A place in the log, for `wait`. */
  readonly mark: () => number;
  readonly events: readonly HypervisorEvent[];
};

export function eventLog(): EventLog {
  const events: HypervisorEvent[] = [];
  const waiting = new Set<() => void>();
  return {
    events,
    mark: () => events.length,
    listener(event) {
      events.push(event);
      for (const look of waiting) look();
    },
    wait(what, from, fits) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = events.slice(from).find(fits);
          if (found === undefined) return;
          waiting.delete(look);
          clearTimeout(timer);
          resolve(found);
        };
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`no ${what} within ${waitLimitMs} ms, but ${JSON.stringify(events.slice(from))}`));
        }, waitLimitMs);
        waiting.add(look);
        look();
      });
    },
  };
}

export const isReport = (assembly: string, state: DomainState) => (event: HypervisorEvent) =>
  event.kind === 'domain' && event.report.assembly === assembly && event.report.state === state;

export const isConnection = (state: 'up' | 'down') => (event: HypervisorEvent) =>
  event.kind === 'connection' && event.state === state;

const hasCode = (code: string) => (error: unknown) => error instanceof PcloudError && error.code === code;

/** @param losesConnection whether there is a daemon between us and the driver that can go away */
export function describeHypervisor(
  name: string,
  losesConnection: boolean,
  makeRig: () => Promise<HypervisorRig>,
): void {
  describe(name, { concurrency: 1 }, () => {
    let rig: HypervisorRig;
    const log = eventLog();
    const find = async (spec: DomainSpec): Promise<DomainReport | undefined> =>
      (await rig.hypervisor.list()).find(({ uuid }) => uuid === spec.uuid);

    before(async () => {
      rig = await makeRig();
      await rig.hypervisor.open(log.listener);
    });
    after(async () => {
      await rig.hypervisor.close();
      await rig.dispose();
    });

    test('says that it is connected before it says anything else', () => {
      assert.deepEqual(log.events.map(({ kind }) => kind).slice(0, 1), ['connection']);
      assert.ok(isConnection('up')(log.events[0] ?? assert.fail('no event')));
    });

    test('lists nothing that it was not asked to run', async () => {
      assert.deepEqual(await rig.hypervisor.list(), []);
    });

    test('a network that is there is in no machine’s way, and one that is not is named', async () => {
      if (rig.network !== undefined)
        assert.equal(await rig.hypervisor.networkProblem({ kind: 'network', name: rig.network }), null);
      for (const kind of ['network', 'bridge'] as const) {
        const problem = await rig.hypervisor.networkProblem({ kind, name: 'nowhere' });
        assert.match(problem?.message ?? '', /nowhere/);
        assert.ok((problem?.hint.length ?? 0) > 0);
      }
    });

    test('a machine that is started is reported as running, and listed so', async () => {
      const spec = rig.spec('first');
      const from = log.mark();
      await rig.hypervisor.start(spec);
      const event = await log.wait('running', from, isReport('first', 'running'));
      assert.equal(event.kind === 'domain' && event.report.uuid, spec.uuid);
      assert.equal((await find(spec))?.state, 'running');
    });

    test('starting what runs is refused and leaves it running', async () => {
      await assert.rejects(rig.hypervisor.start(rig.spec('first')), hasCode('domain-not-off'));
      assert.equal((await find(rig.spec('first')))?.state, 'running');
    });

    test('undefining what runs is refused and leaves it running', async () => {
      await assert.rejects(rig.hypervisor.undefine(rig.spec('first').uuid), hasCode('domain-not-off'));
      assert.equal((await find(rig.spec('first')))?.state, 'running');
    });

    test('progress of a running machine never goes back', async () => {
      const { uuid } = rig.spec('first');
      const earlier = await rig.hypervisor.progress(uuid);
      const later = await rig.hypervisor.progress(uuid);
      assert.ok(earlier.cpuTimeMs >= 0 && later.cpuTimeMs >= earlier.cpuTimeMs);
      assert.ok(earlier.blockOperations >= 0 && later.blockOperations >= earlier.blockOperations);
    });

    test('a running machine has a picture of its screen', async () => {
      const picture = await rig.hypervisor.screenshot(rig.spec('first').uuid, 5000);
      const head = picture?.subarray(0, 4).toString('latin1') ?? '';
      assert.match(head, /^(\u0089PNG|P6)/);
    });

    test('a machine killed from outside is reported as off, once it is', async () => {
      const spec = rig.spec('first');
      const from = log.mark();
      await rig.killFromOutside(spec);
      await log.wait('off', from, isReport('first', 'off'));
      assert.equal((await find(spec))?.state, 'off');
    });

    test('progress of a machine that is off is refused', async () => {
      await assert.rejects(rig.hypervisor.progress(rig.spec('first').uuid), hasCode('domain-off'));
    });

    test('resuming a machine that is off is refused', async () => {
      await assert.rejects(rig.hypervisor.resume(rig.spec('first').uuid), hasCode('domain-off'));
    });

    test('asking a machine that is off to power off is refused', async () => {
      await assert.rejects(rig.hypervisor.shutdown(rig.spec('first').uuid), hasCode('domain-off'));
    });

    test('a machine that was killed starts again', async () => {
      const from = log.mark();
      await rig.hypervisor.start(rig.spec('first'));
      await log.wait('running', from, isReport('first', 'running'));
    });

    test('resuming a machine that runs changes nothing', async () => {
      await rig.hypervisor.resume(rig.spec('first').uuid);
      assert.equal((await find(rig.spec('first')))?.state, 'running');
    });

    test('a fenced machine is off when fencing resolves, and is reported so', async () => {
      const spec = rig.spec('first');
      const from = log.mark();
      await rig.hypervisor.fence(spec.uuid);
      assert.equal((await find(spec))?.state, 'off');
      await log.wait('off', from, isReport('first', 'off'));
    });

    test('fencing what is off, or does not exist, succeeds', async () => {
      await rig.hypervisor.fence(rig.spec('first').uuid);
      await rig.hypervisor.fence(rig.spec('never-defined').uuid);
    });

    test('of two starts at once exactly one succeeds', async () => {
      const spec = rig.spec('first');
      const results = await Promise.allSettled([rig.hypervisor.start(spec), rig.hypervisor.start(spec)]);
      assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      for (const result of results)
        if (result.status === 'rejected') assert.ok(hasCode('domain-not-off')(result.reason));
      await rig.hypervisor.fence(spec.uuid);
    });

    test('an undefined machine is reported as absent and listed no more', async () => {
      const spec = rig.spec('first');
      const from = log.mark();
      await rig.hypervisor.undefine(spec.uuid);
      await log.wait('absent', from, isReport('first', 'absent'));
      assert.equal(await find(spec), undefined);
      await rig.hypervisor.undefine(spec.uuid);
    });

    test('a domain of somebody else is never listed, reported or touched', async () => {
      const spec = rig.spec('foreign');
      const from = log.mark();
      await rig.addForeign(spec);
      assert.equal(await find(spec), undefined);
      await assert.rejects(rig.hypervisor.fence(spec.uuid), hasCode('foreign-domain'));
      await assert.rejects(rig.hypervisor.undefine(spec.uuid), hasCode('foreign-domain'));
      await assert.rejects(rig.hypervisor.shutdown(spec.uuid), hasCode('foreign-domain'));
      await assert.rejects(rig.hypervisor.resume(spec.uuid), hasCode('foreign-domain'));
      await assert.rejects(rig.hypervisor.start(spec), hasCode('foreign-domain'));
      assert.deepEqual(
        log.events.slice(from).filter((event) => event.kind === 'domain'),
        [],
      );
    });

    if (losesConnection) {
      test('what changed while the connection was away is told when it is back', () =>
        survivesInterruption(rig, log));
    }
  });
}

async function survivesInterruption(rig: HypervisorRig, log: EventLog): Promise<void> {
  const { hypervisor, interrupt } = rig;
  assert.ok(interrupt !== undefined, 'this rig cannot break its connection');
  const [lives, dies] = [rig.spec('lives'), rig.spec('dies')];
  await hypervisor.start(lives);
  await hypervisor.start(dies);
  const from = log.mark();
  let back = from;
  await interrupt(async () => {
    await log.wait('loss', from, isConnection('down'));
    await assert.rejects(
      hypervisor.list(),
      (error) => error instanceof PcloudError && error.category === 'unavailable',
    );
    await rig.killFromOutside(dies);
    back = log.mark();
  });
  await log.wait('return', back, isConnection('up'));
  await log.wait('death', back, isReport('dies', 'off'));
  await log.wait('survivor', back, isReport('lives', 'running'));
  for (const { uuid } of [lives, dies]) {
    await hypervisor.fence(uuid);
    await hypervisor.undefine(uuid);
  }
}
