/**
 * The three faults of the feature page's test section, done the way an operator would do them, each with the
 * proof that recovery was ours.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { killService as killDaemon, livingService, startService } from '../stack/services.ts';
import { clientEnvironment, machinesOf } from '../stack/stack.ts';
import { assertStaysAway, awaitPage, type DemoTools } from './pages.ts';
import type { TimelineRow } from './timeline.ts';

/** Long enough for every restart delay that systemd or the service's own package would use. */
const staysDeadMs = 15_000;
const noticeLimitMs = 30_000;
/** The login's word may reach us after the supervisor's, which came by a shorter way. */
const clockSlackMs = 500;
/** A VM under emulation boots in 6 to 22 s; see docs/benchmarks.md. */
const recoverLimitMs = 180_000;

/** `killall -9` in the guest, by a login; the clock starts when the login is about to run it. */
export async function killApplication(
  tools: DemoTools,
  assembly: string,
  resource: string,
): Promise<TimelineRow> {
  const login = await openLogin(tools, assembly);
  const faultAtMs = await login.killWebServer();
  const failed = await tools.feedback.await(
    `${resource} failed`,
    faultAtMs - clockSlackMs,
    noticeLimitMs,
    (event) => event.kind === 'resource-failed' && event.resource === resource,
  );
  await tools.feedback.await(
    `${resource} is active again`,
    failed.atMs,
    recoverLimitMs,
    (event) => event.kind === 'resource-active' && event.resource === resource,
  );
  const recoveredAtMs = await awaitPage(tools, assembly, recoverLimitMs);
  return {
    fault: `killall -9 apache2 in ${assembly}`,
    faultAtMs,
    noticedAtMs: failed.atMs,
    recoveredAtMs,
    remark: 'from just before killall started',
  };
}

/** `virsh destroy`: what virt-manager's "Force Off" does. */
export async function forceOff(tools: DemoTools, assembly: string): Promise<TimelineRow> {
  const domain = `pcloud-${assembly}`;
  const environment = clientEnvironment(tools.layout);
  const uri = environment['PCLOUD_LIBVIRT_URI'] ?? '';
  tools.screen.note(`$ virsh destroy ${domain}`);
  const faultAtMs = Date.now();
  await execa('virsh', ['-c', uri, 'destroy', domain], {
    env: environment,
    timeout: 30_000,
    stdin: 'ignore',
  });
  const failed = await tools.feedback.await(
    `${assembly} failed`,
    faultAtMs - clockSlackMs,
    noticeLimitMs,
    (event) => event.kind === 'assembly-failed' && event.assembly === assembly,
  );
  tools.screen.note('its machine boots again; where machines are emulated that takes 10 to 40 s');
  await tools.feedback.await(
    `${assembly} recovered`,
    failed.atMs,
    recoverLimitMs,
    (event) => event.kind === 'deployable-active' && event.deployable === 'dep1',
  );
  const recoveredAtMs = await awaitPage(tools, assembly, recoverLimitMs);
  return {
    fault: `force off ${assembly}`,
    faultAtMs,
    noticedAtMs: failed.atMs,
    recoveredAtMs,
    remark: 'includes the guest booting',
  };
}

/**
 * `kill -9` of pcloud-cped; then, while it is away, of a web server, which must stay dead: nobody but us may
 * restart it. When the service is back it adopts every VM (same QEMU processes) and restarts the web server.
 */
export async function killService(tools: DemoTools, assembly: string): Promise<readonly TimelineRow[]> {
  const { layout, screen } = tools;
  // The login is opened before, because the service tells where to log in; the kill comes after.
  const login = await openLogin(tools, assembly);
  const before = qemuProcesses(tools);
  const serviceKilledAtMs = Date.now();
  const { pid } = livingService(layout, 'pcloud-cped') ?? {};
  await killDaemon(layout, 'pcloud-cped');
  screen.note(`$ kill -9 ${pid} (pcloud-cped)`);
  const webKilledAtMs = await login.killWebServer();
  screen.note(
    `the web server of ${assembly} is killed; nobody is there to restart it (watching for ${staysDeadMs / 1000} s)`,
  );
  await assertStaysAway(tools, assembly, staysDeadMs);
  screen.note('it stayed dead: the guest does not restart what we manage');
  const serviceBackAtMs = Date.now();
  await startService(layout, 'pcloud-cped');
  screen.note('pcloud-cped is started again');
  const adopted = await tools.feedback.await(
    'the VMs were adopted',
    serviceBackAtMs,
    recoverLimitMs,
    (event) => event.kind === 'assembly-adopted' && event.assembly === assembly,
  );
  const failed = await tools.feedback.await(
    'the dead web server was found',
    serviceBackAtMs,
    noticeLimitMs,
    (event) => event.kind === 'resource-failed' && event.assembly === assembly,
  );
  await tools.feedback.await(
    'dep1 is active',
    failed.atMs,
    recoverLimitMs,
    (event) => event.kind === 'deployable-active',
  );
  const recoveredAtMs = await awaitPage(tools, assembly, recoverLimitMs);
  const after = qemuProcesses(tools);
  if (before !== after)
    throw new Error(`the VMs were touched while the service was away: ${before} became ${after}`);
  screen.note(`no VM was touched: the same QEMU processes as before (${after})`);
  return [
    {
      fault: 'kill -9 of pcloud-cped',
      faultAtMs: serviceBackAtMs,
      noticedAtMs: adopted.atMs,
      recoveredAtMs: adopted.atMs,
      remark: `away for ${((serviceBackAtMs - serviceKilledAtMs) / 1000).toFixed(1)} s; from its restart to the adoption of ${assembly}`,
    },
    {
      fault: `killall -9 apache2 in ${assembly} meanwhile`,
      faultAtMs: serviceBackAtMs,
      noticedAtMs: failed.atMs,
      recoveredAtMs,
      remark: `dead for ${((serviceBackAtMs - webKilledAtMs) / 1000).toFixed(1)} s before; from the service's restart`,
    },
  ];
}

/** Pid and start time of each QEMU, as one comparable text. */
function qemuProcesses(tools: DemoTools): string {
  return machinesOf(tools.layout)
    .map((machine) => `${machine.identity.pid}`)
    .sort()
    .join(' ');
}

type Login = {
  /** Runs `killall -9 apache2` in the open login; returns the wall time just before. */
  readonly killWebServer: () => Promise<number>;
};

/** Logs in by `pcloudsh assembly_ssh` and waits at a prompt of our own, so that the login is not measured. */
async function openLogin(tools: DemoTools, assembly: string): Promise<Login> {
  const script = 'echo ready; read -r go; echo now; exec killall -9 apache2';
  const child = tools.shell.spawn(['assembly_ssh', assembly, script]);
  const lines = createInterface({ input: child.stdout });
  const next = async (word: string): Promise<number> => {
    const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(60_000) })) as [string];
    if (line.trim() !== word)
      throw new Error(`the login to ${assembly} said ${JSON.stringify(line)}, not ${word}`);
    return Date.now();
  };
  await next('ready');
  return {
    async killWebServer() {
      const now = next('now');
      child.stdin.write('go\n');
      const atMs = await now;
      const exitCode = await child.exitCode;
      if (exitCode !== 0) throw new Error(`killall in ${assembly} ended with exit code ${exitCode}`);
      return atMs;
    },
  };
}
