/** Reads builds while they are looked at: the list, one in full, and its log as it is written. */
import type { BuildDetail } from '../model/build-record.ts';
import type { Build } from '../model/builder-api.ts';
import { AskError, getJson, troubleFrom } from './http.ts';
import { openLog } from './live.ts';
import type { Live } from './live.ts';
import type { Store } from './reader.ts';
import type { Route } from './route.ts';
import { withLogText } from './state.ts';
import type { Trouble } from './state.ts';

const activeEveryMs = 1000;
const idleEveryMs = 10_000;

/** To be told of each change of place; it reads as long as a place of builds is looked at. */
export function createBuildReader({ state, change }: Store): (route: Route) => void {
  let log: Live | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let turn = 0;

  const readList = async (): Promise<void> => {
    const { builds } = await getJson<{ builds: Build[] }>('/builder/v1/builds');
    change((now) => ({ ...now, builds, buildTrouble: null }));
  };
  const readOne = async (digest: string): Promise<void> => {
    const build = await getJson<BuildDetail>(`/builder/v1/builds/${encodeURIComponent(digest)}`);
    change((now) => ({ ...now, build, buildTrouble: null }));
  };
  const goesOn = (): boolean => {
    const { builds, build } = state();
    return [...(builds ?? []), ...(build === null ? [] : [build])].some(
      (one) => one.state === 'active' || one.state === 'waiting',
    );
  };
  const read = async (route: Route, mine: number): Promise<void> => {
    try {
      await (route.kind === 'build' ? readOne(route.digest) : readList());
    } catch (error) {
      if (mine === turn) change((now) => ({ ...now, buildTrouble: builderTrouble(error) }));
    }
    if (mine === turn)
      timer = setTimeout(() => void read(route, mine), goesOn() ? activeEveryMs : idleEveryMs);
  };
  const follow = (digest: string): void => {
    change((now) => ({ ...now, build: null, buildLog: { digest, text: '', ended: null } }));
    log = openLog({
      digest,
      onEvent: (event) =>
        change((now) => {
          const { buildLog } = now;
          if (buildLog?.digest !== digest) return now;
          if (event.kind === 'restart') return { ...now, buildLog: { ...buildLog, text: '' } };
          if (event.kind === 'end') return { ...now, buildLog: { ...buildLog, ended: event.state } };
          return { ...now, buildLog: withLogText(buildLog, event.text) };
        }),
      // The reading of the build beside it says why.
      onBreak: () => undefined,
    });
  };

  return (route) => {
    turn += 1;
    clearTimeout(timer);
    log?.close();
    if (route.kind !== 'builds' && route.kind !== 'build') return;
    if (route.kind === 'build') follow(route.digest);
    void read(route, turn);
  };
}

function builderTrouble(error: unknown): Trouble {
  const trouble = troubleFrom(error);
  const away = error instanceof AskError && (error.status === 0 || error.status >= 500);
  return away && trouble.hint === undefined
    ? { ...trouble, hint: 'On the host: systemctl status pcloud-builder.service' }
    : trouble;
}
