/**
 * Keeps the state as the service has it: reads everything once, then follows the event stream and reads again
 * what an event touches, and looks by itself often while something is on its way and seldom otherwise.
 */
import type { AssemblyStatus, CpedStatus, DeployableStatus } from '../model/cped-api.ts';
import type { EvidenceFile } from '../model/cped-answers.ts';
import type { Incident, JournalEvent } from '../model/event.ts';
import { AskError, getJson, getText, serviceNowMs, troubleFrom } from './http.ts';
import { evidencePath } from './incident-view.ts';
import { openLive } from './live.ts';
import type { Live } from './live.ts';
import { isBusy, journalShown, withEvents, withIncidents } from './state.ts';
import type { Evidence, State } from './state.ts';

export type Store = {
  readonly state: () => State;
  readonly change: (change: (state: State) => State) => void;
};

/** Events of one moment are answered by one reading. */
const gatherMs = 60;
const busyEveryMs = 1000;
const idleEveryMs = 10_000;
/** More incidents than this at once are read as a list. */
const fewIncidents = 8;

export type Reader = {
  /** Reads all and goes live. Nobody logged in ends in the session `anonymous`. */
  begin(): Promise<void>;
  /** Something was changed from here. */
  soon(): void;
  /** What belongs to one incident and is on no list. */
  readStory(id: string): Promise<void>;
  end(): void;
};

export function createReader(store: Store): Reader {
  const { state, change } = store;
  const touched = new Set<string>();
  let live: Live | undefined;
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let looking: ReturnType<typeof setTimeout> | undefined;
  let began = false;

  const note = (error: unknown): void => {
    if (error instanceof AskError && error.status === 401) {
      end();
      change((now) => ({ ...now, session: { kind: 'anonymous', why: error.message } }));
      return;
    }
    // Without an answer the lost link says it already.
    const silent = error instanceof AskError && error.status === 0;
    change((now) => ({ ...now, trouble: silent ? now.trouble : troubleFrom(error) }));
  };

  const readNow = async (): Promise<CpedStatus> => {
    const [status, { deployables }, { assemblies }] = await Promise.all([
      getJson<CpedStatus>('/v1/status'),
      getJson<{ deployables: DeployableStatus[] }>('/v1/deployables'),
      getJson<{ assemblies: AssemblyStatus[] }>('/v1/assemblies'),
    ]);
    change((now) => ({ ...now, status, deployables, assemblies, trouble: null }));
    return status;
  };

  const readIncidents = async (): Promise<void> => {
    // What is open may have ended by an event that does not name it.
    const open = [...state().incidents.values()].filter(({ outcome }) => outcome === 'open');
    const ids = [...new Set([...touched, ...open.map(({ id }) => id)])];
    touched.clear();
    if (ids.length === 0) return;
    const incidents =
      ids.length > fewIncidents
        ? (await getJson<{ incidents: Incident[] }>('/v1/incidents?limit=1000')).incidents
        : await Promise.all(ids.map(readIncident));
    change((now) =>
      withIncidents(
        now,
        incidents.filter((one) => one !== undefined),
      ),
    );
  };

  const look = async (): Promise<void> => {
    clearTimeout(looking);
    try {
      await Promise.all([readNow(), readIncidents()]);
    } catch (error) {
      note(error);
    }
    if (began) looking = setTimeout(() => void look(), isBusy(state()) ? busyEveryMs : idleEveryMs);
  };

  const soon = (): void => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      void look();
    }, gatherMs);
  };

  const onEvent = (event: JournalEvent): void => {
    change((now) => withEvents(now, [event]));
    if (event.incident !== null) touched.add(event.incident);
    soon();
  };

  const end = (): void => {
    began = false;
    live?.close();
    clearTimeout(looking);
    clearTimeout(gathering);
    gathering = undefined;
  };

  return {
    async begin() {
      end();
      began = true;
      try {
        const { lastSeq } = await readNow();
        const after = Math.max(0, lastSeq - journalShown);
        const [{ events }, { incidents }] = await Promise.all([
          getJson<{ events: JournalEvent[] }>(`/v1/journal?after=${after}&limit=${journalShown}`),
          getJson<{ incidents: Incident[] }>('/v1/incidents?limit=1000'),
        ]);
        change((now) => withIncidents(withEvents(now, events), incidents));
        if (!began) return;
        live = openLive({
          after: lastSeq,
          onEvent,
          onState: (link) => {
            change((now) => ({ ...now, link }));
            // What was missed, and whether somebody is still logged in.
            soon();
          },
          nowMs: serviceNowMs,
        });
        void look();
      } catch (error) {
        note(error);
        if (!(error instanceof AskError) || error.status !== 401) {
          change((now) => ({
            ...now,
            link:
              now.link.kind === 'lost' ? now.link : { kind: 'lost', sinceMs: serviceNowMs(), attempts: 1 },
          }));
          looking = setTimeout(() => void this.begin(), 2000);
        }
      }
    },
    soon,
    async readStory(id) {
      const query = `incident=${encodeURIComponent(id)}&limit=1000`;
      const [{ events }, evidence] = await Promise.all([
        getJson<{ events: JournalEvent[] }>(`/v1/journal?${query}`).catch(() => ({ events: [] })),
        readEvidence(id),
      ]);
      const incident = await readIncident(id).catch(() => undefined);
      change((now) => ({
        ...withIncidents(now, incident === undefined ? [] : [incident]),
        story: { id, events },
        evidence: new Map([...now.evidence, [id, evidence]]),
      }));
    },
    end,
  };
}

/** Undefined for one that is forgotten meanwhile. */
async function readIncident(id: string): Promise<Incident | undefined> {
  try {
    return (await getJson<{ incident: Incident }>(`/v1/incidents/${encodeURIComponent(id)}`)).incident;
  } catch (error) {
    if (error instanceof AskError && error.status === 404) return undefined;
    throw error;
  }
}

async function readEvidence(id: string): Promise<Evidence> {
  try {
    const { files } = await getJson<{ files: EvidenceFile[] }>(
      `/v1/incidents/${encodeURIComponent(id)}/evidence`,
    );
    const screen = files.find(({ name }) => name.startsWith('screen.'))?.name ?? null;
    const tail = files.find(({ name }) => name.endsWith('.txt'))?.name;
    const console = tail === undefined ? null : await getText(evidencePath(id, tail));
    return { screen, console, trouble: null };
  } catch (error) {
    return { screen: null, console: null, trouble: troubleFrom(error) };
  }
}
