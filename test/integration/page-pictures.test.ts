/**
 * The pictures of docs/page.md, taken of the real page with made-up names and a made-up past. Each run takes them, so
 * that they can be taken; only UPDATE_PICTURES=1 keeps them in docs/images.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Incident } from '../../model/event.ts';
import { openPage } from './page-browser.ts';
import { sampleBuilds } from './page-builds.ts';

const directory = path.resolve(import.meta.dirname, '../../docs/images');
const maxBytes = 200 * 1024;

/** The page as it stands in the window, as a file of the docs. */
async function take(page: Page, name: string): Promise<void> {
  const bytes = await page.screenshot({ animations: 'disabled' });
  assert.ok(bytes.length <= maxBytes, `${name} has ${bytes.length} bytes`);
  if (process.env['UPDATE_PICTURES'] !== '1') return;
  assert.equal(process.env['CI'], undefined, 'pictures are not taken in CI');
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, `${name}.png`), bytes);
}

/** Two weeks in which now and then something failed; the same ones each time. */
function past(nowMs: number): readonly Incident[] {
  let seed = 7;
  const next = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  const machines: readonly (readonly [string, string])[] = [
    ['orders-db', 'ledger'],
    ['front-1', 'storefront'],
    ['front-2', 'storefront'],
    ['gate', 'balancer'],
    ['pages', 'reader'],
  ];
  return Array.from({ length: 46 }, (_, index): Incident => {
    const hoursAgo = index < 16 ? 1.2 + next(21) + next(60) / 60 : 24 + next(310);
    const noticedAtMs = Math.round(nowMs - hoursAgo * 3_600_000);
    const [assembly, resource] = machines[next(machines.length)] ?? ['gate', 'balancer'];
    const inside = next(10) < 6;
    const tookMs = inside ? 600 + next(2800) : 11_000 + next(9000);
    return {
      id: String(index + 1),
      deployable: assembly === 'pages' ? 'wiki' : 'shop',
      assembly,
      resource: inside ? resource : null,
      rung: inside ? 'resource' : 'assembly',
      verdict: inside ? 'died' : 'dead',
      cause: inside ? 'its main process was killed by signal 9' : 'its virtual machine is off (destroyed)',
      evidence: [],
      actions: [{ atMs: noticedAtMs, text: 'starting it again at once' }],
      outcome: 'recovered',
      noticedAtMs,
      endedAtMs: noticedAtMs + tookMs,
    };
  });
}

const lastWords = `[  812.004127] EXT4-fs error (device vda1): ext4_find_entry:1658: inode #131: comm apache2: reading directory
[  812.019334] Buffer I/O error on dev vda1, logical block 1081344, lost sync page write
[  812.021001] Kernel panic - not syncing: EXT4-fs (device vda1): panic forced after error
[  812.022415] CPU: 0 PID: 412 Comm: apache2 Not tainted 6.1.0-18-amd64 #1 Debian 6.1.76-1
[  812.023377] Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2 04/01/2014
[  812.024398] Call Trace:
[  812.024712]  <TASK>
[  812.025034]  dump_stack_lvl+0x44/0x5c
[  812.025571]  panic+0x118/0x2ed
[  812.026050]  ext4_handle_error.cold+0x14/0x14
[  812.026688]  __ext4_error_inode+0xc8/0x1b0
[  812.027310]  __ext4_find_entry+0x2c6/0x4d0
[  812.027894]  </TASK>
[  812.028261] ---[ end Kernel panic - not syncing: EXT4-fs (device vda1): panic forced after error ]---
`;

/** A guest's text screen, as a picture of the size that QEMU's has. */
async function screenOf(page: Page, text: string): Promise<Buffer> {
  const screen = await page.context().newPage();
  await screen.setViewportSize({ width: 720, height: 400 });
  const lines = text.replaceAll('<', '&lt;');
  await screen.setContent(
    `<body style="margin:0;background:#000;color:#a8a8a8"><pre style="margin:6px;font:11px/15px monospace;white-space:pre-wrap">${lines}</pre>`,
  );
  const picture = await screen.screenshot();
  await screen.close();
  return picture;
}

test('the pictures of the docs can be taken, and none is large', async (t) => {
  const builds = await sampleBuilds(t);
  const looker = await openPage(t, {
    settings: { PCLOUD_BUILDER_SOCKET: builds.socketPath },
    prepare: (world) => world.remember(past(Date.now())),
    colorScheme: 'light',
  });
  const { world, page, origin } = looker;
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await looker.logIn('operate');
  for (const name of ['shop', 'wiki']) await world.client.startDeployable(name);
  const active = page.locator('.deployable > header .pill', { hasText: 'active' });
  await active.nth(1).waitFor();
  await world.client.setMaintenance('assembly:pages', 45 * 60_000);

  world.screen = await screenOf(page, lastWords);
  await world.writeConsole('front-2', lastWords);
  world.guests.killResource('front-1', 'storefront');
  world.hypervisor.panic('front-2');
  await page.locator('[data-machine=front-2] .pill', { hasText: /starting|booting/ }).waitFor();
  await take(page, 'page-overview');
  await active.nth(1).waitFor();

  const [id] = (await world.client.incidents())
    .filter(({ verdict }) => verdict === 'crashed')
    .map((one) => one.id);
  await page.goto(`${origin}/#/incidents/${id ?? ''}`);
  await page.getByAltText('Screen of front-2 when it failed').waitFor();
  await take(page, 'page-incident');
  await page.goto(`${origin}/#/charts`);
  await page.getByRole('heading', { name: 'Time to recover' }).waitFor();
  await take(page, 'page-charts');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(`${origin}/#/builds`);
  await builds.advance(62, 'Installing packages', 'I: installing apache2');
  await page.getByText('62 % – Installing packages').waitFor();
  await take(page, 'page-builds');
  await page.goto(`${origin}/#/incidents`);
  await page.locator('[data-incident]').first().waitFor();
  await take(page, 'page-incidents');
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`${origin}/#/overview`);
  await active.nth(1).waitFor();
  await take(page, 'page-phone');
  assert.deepEqual(looker.faults, []);
});
