/**
 * Our recovery of an application against systemd's own in the same guest, in pairs: the same web server, killed
 * in the same way, once with the supervisor and once with `Restart=always` at systemd's default delay and the
 * supervisor away.
 */
import {
  ensureMachines,
  pcloudsh,
  restartService,
  type Bench,
  type BenchMachine,
  type Figure,
} from '../bench.ts';
import { startService, stopService } from '../../tools/stack/services.ts';
import { nowMs, openLogin, type Login } from '../login.ts';
import { awaitPage } from '../page.ts';
import type { Row } from '../statistics.ts';

const recoverLimitMs = 60_000;
const pageEveryMs = 20;

/** In place of the agent's drop-in (`Restart=no`): what an administrator would write. */
const handOver = [
  'rm -rf /run/systemd/system/apache2.service.d',
  'mkdir -p /run/systemd/system/apache2.service.d',
  'printf "[Service]\\nRestart=always\\n" > /run/systemd/system/apache2.service.d/peer.conf',
  'systemctl daemon-reload',
].join(' && ');
const takeBack = 'rm -rf /run/systemd/system/apache2.service.d && systemctl daemon-reload';

async function killAndFetch(bench: Bench, machine: BenchMachine, login: Login): Promise<number> {
  await awaitPage(machine.url, pageEveryMs, recoverLimitMs, bench.signal);
  const startMs = nowMs();
  await login.killWebServer();
  return (await awaitPage(machine.url, pageEveryMs, recoverLimitMs, bench.signal)) - startMs;
}

async function pair(bench: Bench, machine: BenchMachine): Promise<{ ours: number; systemd: number }> {
  await restartService(bench);
  await ensureMachines(bench);
  const login = await openLogin(bench, machine);
  try {
    const ours = await killAndFetch(bench, machine, login);
    await ensureMachines(bench);
    await pcloudsh(bench, ['assembly_ssh', machine.name, handOver]);
    await stopService(bench.layout, 'pcloud-cped');
    const systemd = await killAndFetch(bench, machine, login);
    await startService(bench.layout, 'pcloud-cped');
    await pcloudsh(bench, ['assembly_ssh', machine.name, takeBack]);
    return { ours, systemd };
  } finally {
    await login.close();
  }
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const [machine] = await ensureMachines(bench);
  if (machine === undefined) throw new Error('there is no machine');
  const pairs: { ours: number; systemd: number }[] = [];
  while (pairs.length < bench.samples(11)) pairs.push(await pair(bench, machine));
  return [
    {
      figure: "application killed → HTTP 200, ours against systemd's Restart=always",
      unit: '×',
      target: { atMost: 1 },
      samples: pairs.map(({ ours, systemd }) => ours / systemd),
      note: 'pairs in one guest, one after the other',
    },
    { figure: '… ours', unit: 'ms', target: null, samples: pairs.map(({ ours }) => ours) },
    { figure: '… systemd', unit: 'ms', target: null, samples: pairs.map(({ systemd }) => systemd) },
  ];
}

export const systemdPeer: Figure = {
  name: 'systemd-peer',
  how: "From the order to a login that is open already, which kills every process of apache2 with SIGKILL, to the first 200 on the host (asked every 20 ms). Ours: cped has just been restarted, so it is a first failure. systemd: the agent's drop-in is replaced by one with `Restart=always`, everything else at its default, and cped is stopped.",
  measure,
};
