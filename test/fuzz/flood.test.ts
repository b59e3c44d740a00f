/**
 * A guest that floods its link, as another process on a real Unix socket: whatever it writes, as fast as it can,
 * this process takes no more of it than the limits of the link say, and no memory for it, and it is let in again more and
 * more seldom. What that costs of a core is said, and held to its promise by `make bench` (flood): a busy host makes any
 * share of a core look larger, so no test can.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { hostileWays } from '../../bench/fleet/hostile-guest.ts';
import type { HostileWay } from '../../bench/fleet/hostile-guest.ts';
import { guestLinkLimits, pauseDelayMs } from '../../model/guest-link-limits.ts';
import { createGuestLinks } from '../../runtime/adapters/guest-link.ts';
import { systemClock } from '../../runtime/adapters/system-clock.ts';

const script = path.resolve(import.meta.dirname, '../../bench/fleet/hostile-guest.ts');
const measuredMs = 1500;

async function hostileGuest(t: TestContext, way: HostileWay): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), 'pch-'));
  const socketPath = path.join(directory, 'g.sock');
  const guest = spawn(process.execPath, [script, socketPath, way], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    const ended = once(guest, 'exit');
    guest.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true });
  });
  await once(guest.stdout, 'data');
  return socketPath;
}

for (const way of hostileWays)
  test(`of a guest that writes ${way} without end no more is taken than the limits say, and no memory for it`, async (t) => {
    const socketPath = await hostileGuest(t, way);
    const notices: string[] = [];
    let events = 0;
    const links = createGuestLinks({
      clock: systemClock,
      heartbeatMs: 1000,
      notice: (text) => notices.push(text),
    });
    t.after(() => links.closeAll());
    const up = new Promise<void>((resolve) => {
      links.listen(() => {
        events += 1;
        resolve();
      });
    });
    const residentBefore = process.memoryUsage.rss();
    const cpuBefore = process.cpuUsage();
    const beganMs = performance.now();
    links.open('assy1', socketPath);
    await up;
    // The window over which its cost is measured, not a wait for anything.
    await delay(measuredMs);
    const { user, system } = process.cpuUsage(cpuBefore);
    const tookMs = performance.now() - beganMs;
    const share = (user + system) / 1000 / tookMs;
    const grownMiB = (process.memoryUsage.rss() - residentBefore) / 1024 / 1024;
    t.diagnostic(`${(share * 100).toFixed(1)} % of a core, ${events} events, ${grownMiB.toFixed(0)} MiB`);
    // A second's worth may come at once, before the window that it is counted in is full.
    const allowed = guestLinkLimits.linesPerSecond * (tookMs / 1000 + 1);
    assert.ok(
      events <= allowed,
      `${events} events in ${tookMs.toFixed(0)} ms, ${allowed.toFixed(0)} allowed`,
    );
    assert.ok(grownMiB < 64, `${grownMiB.toFixed(0)} MiB`);
    // Whoever stays below the limits is let; everybody else lost the link, with a word for the log.
    assert.equal(notices.length, way === 'just-below' ? 0 : 1, notices.join('\n'));
  });

test('a guest that loses its link again and again is let in more and more seldom, up to a limit', () => {
  const pauses = Array.from({ length: 8 }, (_, refusals) => pauseDelayMs(5000, refusals));
  assert.deepEqual(pauses, [5000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000, 120_000]);
});
