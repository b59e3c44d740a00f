/**
 * `make demo`: the feature page's own script and its test section, on the private stack, start to finish:
 * build, start, kill an application, force a VM off, kill the service itself; each time the pages are fetched
 * before and after. Prints a timeline with the measured times, leaves nothing running, and exits non-zero if
 * anything did not come back. The steps are here; what drives the shell and reads its feedback is beside it.
 */
import { parseArgs } from 'node:util';
import { PcloudError } from '../../model/errors.ts';
import { downStack, layoutOfThisCheckout, machinesOf, statusOf, upStack } from '../stack/stack.ts';
import { defineDeployable, startDeployable } from './definition.ts';
import { forceOff, killApplication, killService } from './faults.ts';
import { followFeedback } from './feedback.ts';
import { fetchAll, pagesOf } from './pages.ts';
import { createScreen } from './screen.ts';
import { createShell } from './shell.ts';
import { renderTimeline, type TimelineRow } from './timeline.ts';

const { values } = parseArgs({
  options: {
    /** One to three; tests play it with two. */
    assemblies: { type: 'string', default: '3' },
    /** Another stack than the checkout's own, for tests. */
    'state-dir': { type: 'string' },
  },
});
const names = ['assy1', 'assy2', 'assy3'].slice(0, Math.min(3, Math.max(1, Number(values.assemblies))));
const layout = layoutOfThisCheckout(values['state-dir']);
const screen = createScreen();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Not `once`: while a child of execa runs, a handler that removes itself leaves the second signal to the default,
  // and nobody would take the stack down.
  process.on(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));
}
// Whoever read along has gone (`| head`): what was started is ended all the same.
process.stdout.on('error', (error) => interrupted.abort(error));

async function run(): Promise<readonly TimelineRow[]> {
  screen.chapter('Starting the private stack (libvirtd, pcloud-builder, pcloud-cped)');
  await upStack(layout, (part) => screen.note(`starting ${part}`));
  const shell = createShell(layout, screen, interrupted.signal);
  const feedback = followFeedback(layout, screen);
  try {
    await shell.run(['status']);
    screen.chapter("The page's script, with debian12 for F14");
    await defineDeployable(shell, names);
    await startDeployable(shell);
    await shell.run(['deployable_status', 'dep1']);
    const pages = await pagesOf(shell, 'dep1');
    const tools = { layout, screen, shell, feedback, pages, signal: interrupted.signal };
    screen.chapter('Every assembly answers');
    await fetchAll(tools, names);
    const rows: TimelineRow[] = [];
    screen.chapter('Fault 1: log in to assy1 and killall -9 the web server');
    rows.push(await killApplication(tools, 'assy1', 'httpdone'));
    await fetchAll(tools, names);
    const victim = names[1] ?? 'assy1';
    screen.chapter(`Fault 2: force ${victim} off with virsh`);
    rows.push(await forceOff(tools, victim));
    await fetchAll(tools, names);
    const last = names.at(-1) ?? 'assy1';
    screen.chapter(`Fault 3: kill -9 the service itself, and the web server of ${last} while it is away`);
    rows.push(...(await killService(tools, last)));
    await fetchAll(tools, names);
    await shell.run(['deployable_status', 'dep1']);
    screen.chapter('Stopping');
    await shell.run(['deployable_stop', 'dep1']);
    return rows;
  } finally {
    feedback.stop();
  }
}

async function leaveNothing(): Promise<void> {
  await downStack(layout, (part) => screen.note(`stopping ${part}`));
  const left = [
    ...machinesOf(layout).map((machine) => `${machine.program} (pid ${machine.identity.pid})`),
    ...statusOf(layout).flatMap((part) =>
      part.process === undefined ? [] : [`${part.part} (pid ${part.process.pid})`],
    ),
  ];
  if (left.length > 0) throw new Error(`still running after the demo: ${left.join(', ')}`);
  screen.note('nothing is left running');
}

try {
  let rows: readonly TimelineRow[];
  try {
    rows = await run();
  } finally {
    await leaveNothing();
  }
  screen.chapter('What happened, measured');
  screen.lines(renderTimeline(rows));
  screen.note('Everything came back. The definitions stay: `make shell`, then deployable_start dep1.');
} catch (error) {
  const { aborted, reason } = interrupted.signal;
  const cause: unknown = aborted ? reason : error;
  screen.failure(cause instanceof Error ? cause.message : String(cause));
  if (error instanceof PcloudError && error.hint !== undefined) screen.note(error.hint);
  screen.note(`The logs are in ${layout.logDir}.`);
  process.exitCode = aborted ? 130 : 1;
}
