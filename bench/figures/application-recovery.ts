/**
 * The whole way for an application: all processes of the web server are killed inside the guest, and a page
 * is fetched from the host again. cped restarts between samples are part of the method, not of the time.
 */
import { ensureMachines, restartService, type Bench, type Figure } from '../bench.ts';
import { watchEvents } from '../events.ts';
import { nowMs, openLogin, type Login } from '../login.ts';
import { awaitPage } from '../page.ts';
import type { Row } from '../statistics.ts';

const recoverLimitMs = 60_000;
const pageEveryMs = 20;

async function measure(bench: Bench): Promise<readonly Row[]> {
  const machines = await ensureMachines(bench);
  const logins: Login[] = [];
  const noticedMs: number[] = [];
  const recoveredMs: number[] = [];
  try {
    for (const machine of machines) logins.push(await openLogin(bench, machine));
    while (recoveredMs.length < bench.samples(21)) {
      await restartService(bench);
      await ensureMachines(bench);
      const events = await watchEvents(bench.cped);
      for (const [index, { name, url }] of machines.entries()) {
        const login = logins[index];
        if (login === undefined || recoveredMs.length >= bench.samples(21)) continue;
        await awaitPage(url, pageEveryMs, recoverLimitMs, bench.signal);
        const startMs = nowMs();
        await login.killWebServer();
        const failed = await events.await(
          `${name}: failure noticed`,
          recoverLimitMs,
          (event) => event.kind === 'resource-failed' && event.assembly === name,
        );
        noticedMs.push(failed.atMs - startMs);
        // Every process is dead by then, and only a new one can answer.
        recoveredMs.push((await awaitPage(url, pageEveryMs, recoverLimitMs, bench.signal)) - startMs);
        await events.await(
          `${name}: active again`,
          recoverLimitMs,
          (event) => event.kind === 'resource-active' && event.assembly === name && event.atMs >= failed.atMs,
        );
      }
      events.stop();
    }
  } finally {
    for (const login of logins) await login.close();
  }
  return [
    { figure: 'application killed → supervisor tells', unit: 'ms', target: null, samples: noticedMs },
    { figure: 'application killed → HTTP 200 again', unit: 'ms', target: null, samples: recoveredMs },
  ];
}

export const applicationRecovery: Figure = {
  name: 'application-recovery',
  how: "From the host's order to a login that is open already, which kills every process of apache2 with SIGKILL (`pidof` is started for it), to the time of cped's `resource-failed`, and to the first 200 on the host (asked every 20 ms). Each is the first failure of its assembly: cped is restarted between rounds of three, because from the second failure in a row the supervisor waits 1, 2, 4 … s by design.",
  measure,
};
