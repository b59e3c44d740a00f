/**
 * Carries out the supervisor's actions on the ports and brings each outcome back as an observation. It
 * decides nothing: an error becomes an outcome with its words, a promise that hangs becomes one past its limit.
 */
import type { Logger } from '../service/logger.ts';
import { outcomeOf, withLimit } from './loop-outcomes.ts';
import type {
  Checks,
  Clock,
  DomainProgress,
  DomainReport,
  GuestLinks,
  Hypervisor,
  Launcher,
  Memory,
  SecondTransport,
} from './ports.ts';
import type { Action, Observation } from './supervisor/protocol.ts';

export type ActionPorts = {
  readonly hypervisor: Hypervisor;
  readonly links: GuestLinks;
  readonly launcher: Launcher;
  readonly checks: Checks;
  readonly second: SecondTransport;
  readonly memory: Memory;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Evidence is worth a second, never more: it must not delay the fencing (DESIGN.md §6). */
const evidenceLimitMs = 1000;
/** A screen that does not come leaves time to keep the console's tail. */
const screenshotLimitMs = 700;
/** Making a disk and starting a domain; both have tighter limits of their own, this one is the backstop. */
const startLimitMs = 180_000;
/** virDomainDestroy takes 10 s on a QEMU that stands still (FACTS.md); the adapter kills it well before. */
const fenceLimitMs = 30_000;
const askLimitMs = 2000;

/** Always worth another try, whatever category the cause has. */
class RetryableError extends Error {
  override readonly name = 'RetryableError';
}

/** Returns the function that starts an action; its outcome comes to `feed`, never synchronously. */
export function createActionRunner(
  ports: ActionPorts,
  feed: (observation: Observation) => void,
): (action: Action) => void {
  const { hypervisor, launcher, links, memory, log } = ports;
  const inspect = createInspector(ports, feed);

  const start = async (assembly: string, isGivenUp: () => boolean): Promise<void> => {
    const spec = await launcher.prepare(assembly);
    // Past its limit the start counts as failed, and the operator may have stopped the assembly since.
    if (isGivenUp()) throw new Error('it was given up while its disk was being prepared');
    try {
      await hypervisor.start(spec);
    } catch (error) {
      // Whatever libvirt refused (a domain that runs after all, a port just taken): fence it and try again.
      throw new RetryableError(error instanceof Error ? error.message : String(error), { cause: error });
    }
    try {
      launcher.rememberStarted(spec);
    } catch (error) {
      // It runs: what cannot be written down of it is no reason to force it off.
      log.error({ err: error, assembly }, 'what the machine was started with could not be written down');
    }
  };

  const fence = async ({
    assembly,
    incident,
    evidence,
  }: Extract<Action, { kind: 'fence' }>): Promise<void> => {
    const uuid = launcher.uuidOf(assembly);
    const lines = evidence ? await takeEvidence(ports, assembly, uuid, incident ?? 'stop') : [];
    if (incident !== null && lines.length > 0) feed({ kind: 'evidence', assembly, incident, lines });
    await hypervisor.fence(uuid);
  };

  const check = async (action: Extract<Action, { kind: 'check' }>): Promise<void> => {
    const { assembly, resource, check: name, id, probe, timeoutMs } = action;
    const asked = ports.checks.run(assembly, probe, timeoutMs);
    // The port keeps its own limit, with some grace for a command; this one is for a defect in it.
    const result = await withLimit(ports.clock, asked, timeoutMs + 2 * askLimitMs, 'a check').catch(
      (error: unknown) => {
        log.error({ err: error, assembly, resource, check: name }, 'a check could not be asked');
        return { verdict: 'unknown', detail: 'it could not be asked' } as const;
      },
    );
    feed({ kind: 'checked', assembly, resource, check: name, id, ...result });
  };

  const askSecond = async (assembly: string, attempt: number, limitMs: number): Promise<void> => {
    const asked = ports.second.ask(assembly, limitMs);
    const answer = await withLimit(ports.clock, asked, limitMs + askLimitMs, 'the second transport').catch(
      (error: unknown) => {
        log.error({ err: error, assembly }, 'the second transport could not be asked');
        return 'silent' as const;
      },
    );
    feed({ kind: 'second-answer', assembly, attempt, answer });
  };

  const readValues = (assembly: string, told: string | null): void => {
    feed({ kind: 'values', assembly, values: launcher.values(assembly, told) });
  };

  const measure = async (assembly: string, attempt: number): Promise<void> => {
    feed({ kind: 'progress', assembly, attempt, progress: await progressOf(ports, assembly) });
  };

  return (action) => {
    switch (action.kind) {
      case 'start': {
        let settled = false;
        const starting = start(action.assembly, () => settled);
        void outcomeOf(ports, starting, startLimitMs, 'start').then((outcome) => {
          settled = true;
          feed({ kind: 'started', assembly: action.assembly, attempt: action.attempt, outcome });
        });
        return;
      }
      case 'fence':
        void outcomeOf(ports, fence(action), fenceLimitMs, 'fence').then((outcome) => {
          feed({ kind: 'fenced', assembly: action.assembly, attempt: action.attempt, outcome });
        });
        return;
      case 'resume':
        void withLimit(
          ports.clock,
          hypervisor.resume(launcher.uuidOf(action.assembly)),
          askLimitMs,
          'resume',
        ).catch((error: unknown) =>
          log.info(
            { assembly: action.assembly, err: error },
            'the VM could not be let go on; it is tried again',
          ),
        );
        return;
      case 'check':
        void check(action);
        return;
      case 'ask-second':
        void askSecond(action.assembly, action.attempt, action.limitMs);
        return;
      case 'read-values':
        return readValues(action.assembly, action.told);
      case 'shutdown':
        // The agent's poweroff goes out beside it; the limit on `stopping` deals with a guest that heeds neither.
        void withLimit(
          ports.clock,
          hypervisor.shutdown(launcher.uuidOf(action.assembly)),
          askLimitMs,
          'shutdown',
        ).catch((error: unknown) =>
          log.info({ assembly: action.assembly, err: error }, 'ACPI shutdown was not taken'),
        );
        return;
      case 'inspect':
        return inspect(action.assembly);
      case 'measure-progress':
        void measure(action.assembly, action.attempt);
        return;
      case 'open-link':
        return links.open(action.assembly, launcher.agentSocketPath(action.assembly));
      case 'close-link':
        return links.close(action.assembly);
      case 'introduce':
        links.send(action.assembly, { kind: 'identity', ...launcher.identity(action.assembly) });
        return;
      case 'send':
        // Not sent means that the link is down: after the next hello everything is asked anew.
        if (!links.send(action.assembly, action.message))
          log.debug(
            { assembly: action.assembly, message: action.message.kind },
            'the guest link is down, not sent',
          );
        return;
      case 'save-window':
        return memory.saveWindow(action.key, action.timesMs);
      case 'save-incident':
        return memory.saveIncident(action.incident);
      case 'save-blocked':
        return memory.saveBlocked(action.deployable, action.reason);
      case 'save-running':
        return memory.saveRunning(action.assembly, action.running);
      case 'save-since':
        return memory.saveSince(action.key, action.since);
      case 'save-values':
        return memory.saveValues(action.assembly, action.values);
    }
  };
}

/**
 * What of it is about our domains. Our metadata alone does not prove it: a domain that somebody cloned has it
 * too, and its state must not be taken for the original's.
 */
export function ownReports(
  launcher: Pick<Launcher, 'uuidOf'>,
  reports: readonly DomainReport[],
): readonly DomainReport[] {
  return reports.filter(({ assembly, uuid }) => {
    try {
      return launcher.uuidOf(assembly) === uuid;
    } catch {
      // Not known any more, then it is nobody's concern; or not readable, and then dropping the report would
      // declare the VM gone.
      return true;
    }
  });
}

/** What a domain has done; null when libvirt answers but not about it, `unanswered` when nothing can be said. */
async function progressOf(
  ports: ActionPorts,
  assembly: string,
): Promise<DomainProgress | null | 'unanswered'> {
  const { clock, hypervisor, launcher, log } = ports;
  let uuid: string;
  try {
    uuid = launcher.uuidOf(assembly);
  } catch (error) {
    log.warn({ assembly, err: error }, 'whether the domain makes progress could not be asked');
    return 'unanswered';
  }
  try {
    return await withLimit(clock, hypervisor.progress(uuid), askLimitMs, 'progress');
  } catch (error) {
    log.debug({ assembly, err: error }, 'the hypervisor could not say whether the domain makes progress');
  }
  try {
    await withLimit(clock, hypervisor.list(), askLimitMs, 'list');
    return null;
  } catch (error) {
    log.debug({ assembly, err: error }, 'the hypervisor answers nothing at all');
    return 'unanswered';
  }
}

/** Many may ask at once (a host full of VMs dying): one list answers all who asked before it began. */
function createInspector(
  ports: ActionPorts,
  feed: (observation: Observation) => void,
): (assembly: string) => void {
  let wanted = new Set<string>();
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    while (wanted.size > 0) {
      const asked = wanted;
      wanted = new Set();
      const askedMs = ports.clock.monotonicMs();
      try {
        const reports = await withLimit(ports.clock, ports.hypervisor.list(), askLimitMs, 'list');
        const own = ownReports(ports.launcher, reports);
        const found = new Map(own.map((report) => [report.assembly, report]));
        for (const assembly of asked) {
          const report: DomainReport = found.get(assembly) ?? {
            assembly,
            uuid: '',
            state: 'absent',
            reason: 'not defined',
          };
          feed({ kind: 'domain', report, source: 'inspection', askedMs });
        }
      } catch (error) {
        // The slow inventory asks again; without an answer there is no verdict.
        ports.log.info({ err: error }, 'the hypervisor did not list its domains');
      }
    }
    running = false;
  };
  return (assembly) => {
    wanted.add(assembly);
    if (!running) void run();
  };
}

/** Keeps what shows why; a line for each thing that was kept. Past the limit fencing does not wait for it. */
async function takeEvidence(
  ports: ActionPorts,
  assembly: string,
  uuid: string,
  label: string,
): Promise<readonly string[]> {
  const { clock, hypervisor, launcher, log } = ports;
  const work = async (): Promise<readonly string[]> => {
    const screenshot = await hypervisor.screenshot(uuid, screenshotLimitMs).catch((error: unknown) => {
      log.info({ assembly, label, err: error }, 'no screenshot of the failed VM');
      return null;
    });
    const path = await launcher.keepEvidence(assembly, label, screenshot);
    if (path === null) return [];
    log.info({ assembly, label, path }, 'evidence kept');
    return [`${screenshot === null ? 'console' : 'screen and console'}: ${path}`];
  };
  return await withLimit(clock, work(), evidenceLimitMs, 'evidence').catch((error: unknown) => {
    log.warn({ assembly, label, err: error }, 'the evidence is incomplete: fencing does not wait for it');
    return [];
  });
}
